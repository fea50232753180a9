"""The headers that tell a client how it stands: as the draft has them, safe, and never promising a time that is too early."""

import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.decision import Decision, Reason, Verdict
from ratelimit.core.limit import BucketRule, Limit, QuotaRule
from ratelimit.core.units import Refill
from ratelimit.web.headers import RateLimitHeaders, whole_seconds

ITEM = r'"[a-z0-9][a-z0-9_-]*"'
POLICY = re.compile(rf"{ITEM};q=\d+;w=[1-9]\d*(, {ITEM};q=\d+;w=[1-9]\d*)*")
STANDING = re.compile(rf"{ITEM};r=\d+(;t=[1-9]\d*)?")


def bucket(name: str, capacity: int, refill: str, **fields: Any) -> Limit:
    return Limit(name, ("ip",), bucket=BucketRule(capacity, Refill.parse(refill)), **fields)


KEY = bucket("key", 40, "10/s")
LOGIN = bucket("login", 10, "10/min")
MONTH = Limit("month", ("account",), quota=QuotaRule(10_000, "month"))
SHADOW = bucket("trial", 1, "1/s", mode="shadow")


def decision(verdict: Verdict = "allow", reason: Reason = "ok", limit: str | None = "key", **fields: Any) -> Decision:
    return Decision("abc-1", verdict, reason, limit, "ip:203.0.113.7", **{"remaining": 12, **fields})


def headers(limits: tuple[Limit, ...], found: Decision) -> dict[str, str]:
    text = RateLimitHeaders().lines(limits, found)
    assert text.endswith("\r\n")
    return dict(line.split(": ", 1) for line in text[:-2].split("\r\n"))


@pytest.mark.parametrize(
    ("found", "standing", "retry_after"),
    [
        (decision(), '"key";r=12;t=1', None),
        (decision(limit="login", remaining=9), '"login";r=9;t=6', None),
        (decision(limit="month", remaining=7, reset_after=86_399.000001), '"month";r=7;t=86400', None),
        (decision(limit="month", remaining=7), '"month";r=7', None),
        (decision("throttle", "rate_exceeded", remaining=0, retry_after=0.02), '"key";r=0;t=1', "1"),
        (decision("throttle", "rate_exceeded", "login", remaining=0, retry_after=5.000001), '"login";r=0;t=6', "6"),
        (decision("throttle", "rate_exceeded", "login", remaining=0, retry_after=5 * 1_000_000 * 1e-6), '"login";r=0;t=5', "5"),
        (decision("throttle", "cost_exceeds_capacity", remaining=40), '"key";r=40;t=1', None),
        (decision("throttle", "store_unavailable", "login", remaining=None, retry_after=1.0), None, "1"),
        (decision("allow", "ok", None, remaining=None), None, None),
        (decision("allow", "ok", "gone", remaining=3), None, None),
        (decision("block", "deny_listed", None, remaining=None), None, None),
    ],
)
def test_standing(found: Decision, standing: str | None, retry_after: str | None) -> None:
    """RateLimit names the deciding limit, what is left of it and when there is more; Retry-After is there when waiting helps."""
    got = headers((KEY, LOGIN, MONTH), found)
    assert (got.get("RateLimit"), got.get("Retry-After")) == (standing, retry_after)
    assert (got["X-RateLimit-Decision"], got["X-RateLimit-Reason"], got["X-RateLimit-Id"]) == (found.decision, found.reason, found.id)


def test_policy_lists_what_is_enforced() -> None:
    """RateLimit-Policy has every enforced limit of the route, with the time in which its quota comes anew; shadow limits are not told."""
    assert (
        headers((KEY, LOGIN, MONTH, SHADOW), decision())["RateLimit-Policy"]
        == '"key";q=40;w=4, "login";q=10;w=60, "month";q=10000;w=2592000'
    )
    assert "RateLimit-Policy" not in headers((SHADOW,), decision(limit=None, remaining=None))
    assert "RateLimit-Policy" not in headers((), decision(limit=None, remaining=None))


def test_routes_do_not_mix() -> None:
    """One renderer keeps many sets of limits apart, and remembers a bounded number of them."""
    renderer = RateLimitHeaders()
    for number in range(1, 5_000):
        limits = (bucket("key", number, "1/s"),)
        assert f'"key";q={number};w={number}\r\n' in renderer.lines(limits, decision())
    assert len(renderer._routes) <= 4_096


@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 10**6), st.integers(1, 10**9)), min_size=1, max_size=5),
    st.sampled_from(get_args(Verdict)),
    st.sampled_from(get_args(Reason)),
    st.integers(0, 10**9),
    st.none() | st.floats(0, 1e12),
    st.none() | st.floats(0, 1e12),
)
def test_always_well_formed(
    rules: list[tuple[int, int, int]], verdict: Verdict, reason: Reason, remaining: int, retry: float | None, reset: float | None
) -> None:
    """Whatever is decided, the fields are those of the draft, Retry-After is not earlier than t, and nobody is told to come too early."""
    limits = tuple(Limit(f"l{i}", ("ip",), bucket=BucketRule(capacity, Refill(num, per))) for i, (capacity, num, per) in enumerate(rules))
    got = headers(limits, decision(verdict, reason, "l0", remaining=remaining, retry_after=retry, reset_after=reset))
    assert POLICY.fullmatch(got["RateLimit-Policy"])
    assert STANDING.fullmatch(got["RateLimit"])
    assert ("Retry-After" in got) == (verdict != "allow" and retry is not None)
    if "Retry-After" in got:
        assert int(got["Retry-After"]) >= int(got["RateLimit"].rpartition("t=")[2])


@given(st.integers(0, 10**15))
def test_whole_seconds(us: int) -> None:
    """Microseconds that became a float come back as the next whole second, never an earlier one and never one too many."""
    seconds = whole_seconds(us * 1e-6)
    assert seconds == max(1, -(-us // 1_000_000))
