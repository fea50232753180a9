"""When a throttle is a block by another name."""

from typing import Any

import pytest

from ratelimit.core.limit import BucketRule
from ratelimit.core.lockout import locks_out
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.standing import Standing, Target, Then
from ratelimit.core.units import Refill


def limit(name: str, per: str, refill: str, **match: Any) -> dict[str, Any]:
    return {"name": name, "per": [per], "match": match, "bucket": {"capacity": 9, "refill": refill}}


PLANS = [limit("pro", "api_key", "100/s", plan=["pro"]), limit("free", "api_key", "40/min", plan=["free"])]
LOGIN = limit("login", "account", "4/h", path=["/login"])
ADDRESS = limit("address", "ip", "1/h")


@pytest.mark.parametrize(
    ("then", "refill", "named", "limits", "expected"),
    [
        ("block", None, None, PLANS, True),
        ("allow", None, None, PLANS, False),
        ("throttle", "10/min", None, PLANS, False),  # a quarter of the smallest plan
        ("throttle", "9/min", None, PLANS, True),
        ("throttle", "1/d", None, PLANS, True),
        ("throttle", "10/min", None, [*PLANS, LOGIN, ADDRESS], False),  # neither is a plan
        ("throttle", "9/min", None, [*PLANS, LOGIN, ADDRESS], True),
        ("throttle", "1/h", None, [LOGIN, ADDRESS], False),  # there is no other
        ("throttle", "0.9/h", None, [LOGIN, ADDRESS], True),
        ("throttle", "1/min", None, [ADDRESS], False),
        ("throttle", "59/h", None, [ADDRESS], True),
        ("bucket", "25/s", "pro", PLANS, False),  # of the limit that it is for
        ("bucket", "24/s", "pro", PLANS, True),
        ("throttle", None, None, PLANS, False),  # of purchases: there is no bucket
    ],
)
def test_locks_out(then: Then, refill: str | None, named: str | None, limits: list[dict[str, Any]], *, expected: bool) -> None:
    """What leaves less than a quarter of the smallest plan is one, however much its bucket holds."""
    bucket = None if refill is None else BucketRule(1_000, Refill.parse(refill))
    word = Standing(
        id="w", target=Target("account", "a"), then=then, source="override", reason="r", author="m", made_at=0.0, bucket=bucket, limit=named
    )
    assert locks_out(word, parse_policy({"version": 1, "limits": limits}, "p").limits) is expected
