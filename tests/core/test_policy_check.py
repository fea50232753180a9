"""Checks across fields: how much a bucket may hold and still be counted exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.bucket import HORIZON_US
from ratelimit.core.errors import ConfigError
from ratelimit.core.limit import BucketRule
from ratelimit.core.policy_check import DEADLINE_US, EXACT, exact_capacity
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.units import Refill


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_exact_capacity_is_the_most(num: int, per: int) -> None:
    """A bucket of that many tokens stays below the bound, one more does not."""
    most = exact_capacity(BucketRule(capacity=1, refill=Refill(num, per)))
    ripening = num * (HORIZON_US + DEADLINE_US)
    assert most * per + ripening < EXACT <= (most + 1) * per + ripening


def test_bound_is_where_it_is_said_to_be() -> None:
    """The capacity that the message offers is accepted, one more is refused."""

    def parse(capacity: int) -> None:
        parse_policy({"version": 1, "limits": [{"name": "a", "per": ["ip"], "bucket": {"capacity": capacity, "refill": "1/d"}}]}, "p")

    parse(52_124)
    with pytest.raises(ConfigError, match="expected a capacity <= 52124"):
        parse(52_125)
