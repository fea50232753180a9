"""Twins: the buckets of risky subjects beside the limits."""

from typing import Any

import pytest

from ratelimit.core.limit import BucketRule
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.policy_warning import policy_warnings
from ratelimit.core.risk_rule import Twin
from ratelimit.core.units import Refill

BUCKET = {"capacity": 40, "refill": "10/s"}
LIMITS: list[dict[str, Any]] = [
    {"name": "key", "per": ["api_key"], "bucket": BUCKET, "match": {"method": ["POST"]}, "on_store_failure": "deny"},
    {"name": "watched", "per": ["account"], "bucket": BUCKET, "mode": "shadow"},
    {"name": "pair", "per": ["api_key", "ip"], "bucket": BUCKET},
    {"name": "subnet", "per": ["subnet"], "bucket": BUCKET},
    {"name": "month", "per": ["api_key"], "quota": {"amount": 9, "every": "month"}},
]


def risk(capacity: int = 5, *, mode: str = "enforce", **bucket: Any) -> dict[str, Any]:
    return {"requests": {"model": "m", "throttle": {"above": 0.999, "bucket": {"capacity": capacity, **bucket}}, "mode": mode}}


def policy(section: dict[str, Any] | None, mode: str = "enforce") -> Policy:
    written = {"version": 1, "limits": LIMITS, "mode": mode, **({} if section is None else {"risk": section})}
    file = parse_policy(written, "test")
    return Policy(file, warnings=policy_warnings(file))


def test_twins() -> None:
    """A bucket limit per one scored kind has a twin with the rule's capacity and a quarter of its refill; no other limit has."""
    first, second = policy(risk()).twins
    assert (first.name, first.per, first.bucket) == ("risk:key", ("api_key",), BucketRule(capacity=5, refill=Refill.parse("2.5/s")))
    assert (first.mode, first.on_store_failure, first.match) == ("enforce", "deny", policy(None).limits[0].match)
    assert (second.name, second.mode) == ("risk:watched", "shadow")
    assert policy(None).twins == ()


@pytest.mark.parametrize(("section", "mode"), [(risk(mode="shadow"), "enforce"), (risk(), "shadow")])
def test_shadow(section: dict[str, Any], mode: str) -> None:
    """Where the risk or the whole policy is in shadow, every twin is; shadow is what a policy has that does not say."""
    assert {twin.mode for twin in policy(section, mode).twins} == {"shadow"}
    unsaid = risk()
    del unsaid["requests"]["mode"]
    assert {twin.mode for twin in policy(unsaid).twins} == {"shadow"}


def test_explored() -> None:
    """Each twin that enforces has one in shadow for the few who are let through, and both know how likely they are; by default 2 %."""
    made = policy(risk())
    (other,) = made.explored
    assert (other.name, other.mode, other.propensity, made.twins[0].propensity) == ("explored:key", "shadow", 0.02, 0.98)
    assert (other.bucket, other.per, other.match) == (made.twins[0].bucket, made.twins[0].per, made.twins[0].match)
    assert made.twins[1].propensity is None, "what is in shadow lets everybody through"
    none = risk()
    none["requests"]["explore"] = 0
    assert policy(none).explored == ()
    assert {twin.propensity for twin in policy(none).twins} == {None}


@pytest.mark.parametrize(("ratio", "refill"), [(0.25, "2.5/s"), (0.3, "3/s"), (1, "10/s"), (0.123, "1.2/s")])
def test_refill_is_a_share(ratio: float, refill: str) -> None:
    """A twin refills at that share of its limit, in hundredths; less than a quarter only where the policy allows it in words."""
    twin: Twin = policy(risk(refill_ratio=ratio, below_a_quarter="allowed")).twins[0]
    assert twin.bucket is not None
    assert twin.bucket.refill == Refill.parse(refill)


def test_risk_is_part_of_the_digest() -> None:
    """Another bound is another policy."""
    assert len({policy(None).digest, policy(risk()).digest, policy(risk(6)).digest}) == 3


def test_warnings() -> None:
    """A kind that no bucket counts by alone, and a twin that holds more than its limit, are warned of."""
    found = [warning for warning in policy(risk(50)).warnings if "risk" in warning]
    assert found == [
        "$.risk.requests: no bucket limit is per ip alone, so the risk of an ip slows nobody down",
        "$.risk.requests.throttle.bucket.capacity: 50 is more than limits[0] key holds itself, so only its refill is slower",
        "$.risk.requests.throttle.bucket.capacity: 50 is more than limits[1] watched holds itself, so only its refill is slower",
    ]
    assert [warning for warning in policy(risk()).warnings if "risk" in warning] == found[:1]
    assert not any("risk" in warning for warning in policy(None).warnings)
