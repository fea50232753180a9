"""How long what is kept: the policy's section."""

import pytest

from ratelimit.core.errors import ConfigError
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.retention import BOUNDS, OPTIONAL, Retention, cut, problems
from ratelimit.core.units import Duration

LIMITS = [{"name": "k", "per": ["api_key"], "bucket": {"capacity": 5, "refill": "1/s"}}]


def test_default() -> None:
    """A policy that says nothing keeps for as long as the design says, and turns nothing on."""
    found = parse_policy({"version": 1, "limits": LIMITS}, "p").retention
    days = [getattr(found, name).seconds / 86_400 for name in ("addresses", "records", "lives", "purchases", "cases", "traffic", "bans")]
    assert (days, found.keep) == ([30, 90, 90, 540, 540, 400, 365], ())
    assert list(problems({name: getattr(found, name) for name in BOUNDS}, {})) == []


def test_said() -> None:
    """What a policy says stands."""
    said = {"addresses": "7d", "records": "60d", "keep": ["device", "brand"]}
    found = parse_policy({"version": 1, "limits": LIMITS, "retention": said}, "p").retention
    assert found == Retention(addresses=Duration.parse("7d"), records=Duration.parse("60d"), keep=("device", "brand"))
    assert cut(found.records, 60 * 86_400.0 + 5) == 5.0
    assert set(found.keep) <= OPTIONAL


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"purchases": "20d"}, r"\$\.retention\.purchases: 20d is not allowed; expected 180d to 3650d"),
        ({"addresses": "100d"}, r"\$\.retention\.addresses: 100d is longer than the records that they stand in; expected at most 90d"),
        ({"keep": ["x"]}, r"\$\.retention\.keep\[0\]: 'x' is not allowed; expected one of brand, card, card_country, device, funding"),
        ({"emails": "1d"}, r"\$\.retention\.emails: is not a field here"),
    ],
)
def test_problems(said: dict[str, object], problem: str) -> None:
    """What is out of bounds is refused by name, with what would do."""
    with pytest.raises(ConfigError, match=problem):
        parse_policy({"version": 1, "limits": LIMITS, "retention": said}, "p")
