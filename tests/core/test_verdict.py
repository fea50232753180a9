"""A record decides again as it was decided, or it is said what it does not go with."""

from typing import Any

import pytest
from msgspec.structs import replace

from ratelimit.core.decision import Reason
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.record import Record
from ratelimit.core.signals import SIGNALS, VERSION
from ratelimit.core.verdict import Again, again, mismatches, same
from tests.web.signals_site import FixedScorer

LIMITS: list[dict[str, Any]] = [
    {"name": "key", "per": ["api_key"], "bucket": {"capacity": 10, "refill": "1/s"}, "on_store_failure": "deny"},
    {"name": "login", "per": ["ip"], "match": {"path": ["/login"]}, "bucket": {"capacity": 5, "refill": "1/s"}, "missing": "deny"},
    {"name": "month", "per": ["account"], "quota": {"amount": 100, "every": "month"}},
    {"name": "trial", "per": ["api_key"], "bucket": {"capacity": 1, "refill": "1/s"}, "mode": "shadow"},
]


def policy(mode: str = "enforce", above: float = 0.7) -> Policy:
    """All kinds of limits, and a risk that throttles."""
    risk = {"requests": {"model": "m", "mode": mode, "throttle": {"above": above, "bucket": {"capacity": 2}}}}
    return Policy(parse_policy({"version": 1, "limits": LIMITS, "risk": risk}, "test"))


POLICY = policy()
SCORER = FixedScorer(0.75)


def record(reason: Reason = "rate_exceeded", limit: str | None = "key", **fields: Any) -> Record:
    """A refusal of the policy, by the model of SCORER."""
    usual: dict[str, Any] = {
        "id": "x-1", "time": 0.0, "decision": "throttle", "reason": reason, "limit": limit, "subject": "api_key:k",
        "method": "GET", "path": "/", "cost": 1, "remaining": 0, "retry_after": 0.5, "policy": POLICY.digest,
        "risk": 0.75, "risk_subject": "api_key:k",
        "model": SCORER.version, "signal_version": VERSION, "signals": (1.0,) * len(SIGNALS),
    }  # fmt: skip
    return Record(**{**usual, **fields})


SAME = [
    record(),
    record("quota_exhausted", "month"),
    record("cost_exceeds_capacity", cost=11, retry_after=None),
    record("cost_exceeds_capacity", "month", cost=101, retry_after=None),
    record("cost_exceeds_capacity", "login", path="/login", subject=None, retry_after=None),
    record("store_unavailable", retry_after=1.0),
    record("risk_throttled", "risk:key"),
    record("risk_throttled", "risk:key", cost=3),  # which takes all that there is
    record(risk=None, risk_subject=None, model=None, signal_version=None, signals=None),
    record(risk=None),  # it was too old to be believed
    record(model=None, risk=0.3),  # another sidecar's
]


@pytest.mark.parametrize("then", SAME)
def test_the_same_again(then: Record) -> None:
    """Every kind of refusal comes out as it was."""
    assert mismatches(then, POLICY, SCORER) == []
    assert same(then, again(then, POLICY, SCORER))


ALLOWED = Again("allow", "ok", 0.75)
DIFFERENT = [
    (record(limit="nobody"), ALLOWED),
    (record(limit="trial"), ALLOWED),
    (record(limit="login"), ALLOWED),  # which meets another path
    (record(retry_after=None), ALLOWED),
    (record("quota_exhausted"), Again("throttle", "rate_exceeded", 0.75)),
    (record("cost_exceeds_capacity", cost=10, retry_after=None), ALLOWED),
    (record("cost_exceeds_capacity", subject=None, retry_after=None), ALLOWED),
    (record("store_unavailable", "month", retry_after=1.0), ALLOWED),
    (record("risk_throttled", "risk:month"), ALLOWED),  # a quota has no twin
    (record("risk_throttled", "risk:key", retry_after=None), ALLOWED),
    (record(risk=0.7), Again("throttle", "rate_exceeded", 0.75)),
]


@pytest.mark.parametrize(("then", "now"), DIFFERENT)
def test_what_does_not_follow(then: Record, now: Again) -> None:
    """A record that this policy and this model would not have made comes out different."""
    assert again(then, POLICY, SCORER) == now
    assert not same(then, now)


@pytest.mark.parametrize("other", [policy("shadow"), policy(above=0.75)])
def test_a_risk_that_is_not_acted_on(other: Policy) -> None:
    """In shadow, or at the bound and not above it, nobody is throttled for a risk."""
    assert again(record("risk_throttled", "risk:key"), other, SCORER) == ALLOWED


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (record(policy="0123"), "under the policy 0123"),
        (record(model="ba9876543210"), "by the model ba9876543210, and the one given is 0123456789ab"),
        (record(signal_version=VERSION + 1), f"version {VERSION + 1} with {len(SIGNALS)} values"),
        (record(signals=(1.0,)), "with 1 values"),
        (record(version=9), "version 9 of records"),
    ],
)
def test_mismatches(then: Record, said: str) -> None:
    """What the record was made with is named, and what was given."""
    (found,) = mismatches(then, POLICY, SCORER)
    assert said in found


def test_a_model_is_needed() -> None:
    """A risk by a model cannot be found again without it."""
    (found,) = mismatches(record(), POLICY, None)
    assert SCORER.version in found
    assert mismatches(replace(record(), model=None), POLICY, None) == []
