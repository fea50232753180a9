"""Whoever's risk is high has twins beside the limits: exact, all or nothing, slower and never shut out; in shadow only said."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec import UNSET

from ratelimit.core.decision import Decision, ShadowFinding
from ratelimit.core.identity import Caller
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.risk import Risk
from tests.service.conftest import ALICE, Sidecar, Start, bucket

BOB = Caller(api_key="bob", ip=ALICE.ip, account="b1")


class Known:
    """Risks by API key, or by address where there is no key."""

    def __init__(self, risks: Mapping[str | bytes, float]) -> None:
        self.risks = risks

    def risk_of(self, caller: Caller) -> Risk | None:
        kind, subject = ("api_key", caller.api_key) if caller.api_key is not None else ("ip", caller.ip)
        return Risk(kind, subject, self.risks[subject]) if subject in self.risks else None  # type: ignore[arg-type, index]


def risky(
    sidecar: Sidecar, capacity: int = 5, *, mode: str = "enforce", risks: Mapping[str | bytes, float] | None = None, explore: float = 0
) -> None:
    """Put a policy with the same limits and a risk in force."""
    limits: list[dict[str, Any]] = [
        bucket("key", 40, "3600/h"),
        bucket("dear", 100, "3600/h"),
        bucket("ip", 100, "3600/h", per="ip"),
        bucket("pair", 100, "3600/h", per="account"),
    ]
    limits[3]["per"] = ["api_key", "account"]
    twin = {"capacity": capacity, "refill_ratio": 0.01, "below_a_quarter": "allowed"}
    requests = {"model": "m", "mode": mode, "explore": explore, "throttle": {"above": 0.99, "bucket": twin}}
    file = {"version": 1, "limits": limits, "risk": {"requests": requests}}
    sidecar.limiter.adopt(Policy(parse_policy(file, "test")))
    sidecar.limiter.risks = Known({"alice": 0.9999} if risks is None else risks)


def found(decisions: list[Decision]) -> Counter[tuple[str, str | None]]:
    return Counter((decision.reason, decision.limit if decision.decision != "allow" else None) for decision in decisions)


async def test_40_at_once_on_a_twin_of_5(start: Start) -> None:
    """Of forty requests of a risky key that come together through four sidecars five pass, though its limits have room for all."""
    sidecars = [await start(bucket("x", 1)) for _ in range(4)]
    for sidecar in sidecars:
        risky(sidecar)
    decided = [one for part in await asyncio.gather(*(sidecar.at_once(10) for sidecar in sidecars)) for one in part]
    counts = found(decided)
    assert counts["ok", None] == 5
    assert sum(counts["risk_throttled", limit] for limit in ("risk:key", "risk:dear")) == 35
    assert {decision.risk for decision in decided} == {0.9999}
    assert {decision.subject for decision in decided} == {"api_key:alice"}


async def test_a_refusal_by_a_twin_costs_nothing(start: Start) -> None:
    """What the twin refuses takes nothing from the limits beside it."""
    sidecar = await start(bucket("x", 1))
    risky(sidecar)
    await sidecar.at_once(50)
    await sidecar.settled()
    sidecar.limiter.risks = None
    peek = await sidecar.check(0, Caller(api_key="alice"))
    assert (peek.limit, peek.remaining) == ("key", 35)


@pytest.mark.parametrize("risk", [None, 0.5, 0.99])
async def test_who_is_not_risky_has_no_twin(start: Start, risk: float | None) -> None:
    """At the bound and below, and where nothing is known, only the limits count; the risk is told."""
    sidecar = await start(bucket("x", 1))
    risky(sidecar, risks={} if risk is None else {"alice": risk})
    decided = await sidecar.at_once(20)
    assert found(decided) == {("ok", None): 20}
    assert {decision.risk for decision in decided} == {risk}
    assert not sidecar.shelf("risk:key").meters()


async def test_only_limits_of_that_kind_have_one(start: Start) -> None:
    """A risky address has a twin of the limit per ip; limits per key, and per key and account, stay as they are."""
    sidecar = await start(bucket("x", 1))
    risky(sidecar, risks={ALICE.ip or b"": 1.0})
    decided = [await sidecar.check(1, Caller(ip=ALICE.ip)) for _ in range(8)]
    assert found(decided) == {("ok", None): 5, ("risk_throttled", "risk:ip"): 3}
    assert {shelf.limit.name for shelf in sidecar.limiter.shelves if shelf.rank} == {"risk:key", "risk:dear", "risk:ip"}
    assert found([await sidecar.check(1, BOB) for _ in range(8)]) == {("ok", None): 8}


async def test_shadow_twin(start: Start) -> None:
    """In shadow nothing is refused; what a twin would have said is found, and it is charged by what passes."""
    sidecar = await start(bucket("x", 1))
    risky(sidecar, mode="shadow")
    decided = [await sidecar.check() for _ in range(8)]
    assert found(decided) == {("ok", None): 8}
    findings = (ShadowFinding("risk:key", "risk_throttled"), ShadowFinding("risk:dear", "risk_throttled"))
    assert [decision.shadow for decision in decided] == [()] * 5 + [findings] * 3
    assert sidecar.limiter.answers.shadowed == {"risk:key": 3, "risk:dear": 3}


async def test_a_limit_comes_before_a_twin(start: Start) -> None:
    """Where a limit and a twin refuse both, the limit is the reason; the time to wait is the longer one's."""
    sidecar = await start(bucket("x", 1))
    risky(sidecar, capacity=3)
    assert (await sidecar.check(3)).decision == "allow"
    refused = await sidecar.check(40, Caller(api_key="alice"))
    assert (refused.reason, refused.limit) == ("rate_exceeded", "key")
    assert refused.retry_after is not None
    assert refused.retry_after > 200  # the twin's 3 tokens at 0.01/s, not the limit's 3 at 1/s
    twin_alone = await sidecar.check(1)
    assert (twin_alone.reason, twin_alone.limit) in {("risk_throttled", "risk:key"), ("risk_throttled", "risk:dear")}


async def test_a_dear_request_takes_all_and_is_not_shut_out(start: Start) -> None:
    """A request that costs more than a twin holds passes when it is full and empties it; it is refused by it, and passes again."""
    sidecar = await start(bucket("x", 1))
    risky(sidecar)
    assert (await sidecar.check(20)).decision == "allow"
    for refused in (await sidecar.check(1), await sidecar.check(20)):
        assert (refused.decision, refused.reason) == ("throttle", "risk_throttled")
        assert refused.retry_after is not None  # so there is a time at which it passes
    sidecar.limiter.risks = None
    await sidecar.settled()
    peek = await sidecar.check(0, Caller(api_key="alice"))
    assert (peek.limit, peek.remaining) == ("key", 20)


async def test_a_new_policy_drops_twins(start: Start) -> None:
    """With a policy without risk the twins are gone, and no risk is told."""
    sidecar = await start(bucket("x", 1))
    risky(sidecar)
    await sidecar.check()
    plain = Policy(parse_policy({"version": 1, "limits": [bucket("key", 40)]}, "test"))
    sidecar.limiter.adopt(plain)
    assert [shelf.limit.name for shelf in sidecar.limiter.shelves] == ["key"]
    assert (await sidecar.check()).risk is None


async def test_a_few_are_explored(start: Start) -> None:
    """Whose lot it is passes beyond the twin, with what it would have said and how likely that was; other limits hold, and so do others."""
    sidecar = await start(bucket("x", 1))
    risky(sidecar, explore=0.05, risks={"alice": 0.9999, "bob": 0.9999})
    sidecar.limiter.explores = lambda found, share: found.subject == "alice" and share == 0.05
    decided = [await sidecar.check() for _ in range(41)]
    assert found(decided) == {("ok", None): 40, ("rate_exceeded", "key"): 1}
    findings = tuple(ShadowFinding(f"explored:{limit}", "risk_throttled", 0.05) for limit in ("key", "dear"))
    assert [decision.shadow for decision in decided[:-1]] == [()] * 5 + [findings] * 35
    assert sidecar.limiter.answers.explored == 35
    refused = [await sidecar.check(1, BOB) for _ in range(6)][-1]
    assert (refused.reason, refused.propensity) == ("risk_throttled", 0.95)
    assert sidecar.limiter.answers.explored == 35
    record, _ = sidecar.limiter.answers.recent.records()
    assert (record.id, record.propensity) == (refused.id, 0.95)


async def test_nobody_is_explored_where_nobody_is_slowed_down(start: Start) -> None:
    """In shadow there is nothing to let through, and nothing is left to chance; nor with a share of 0."""
    sidecar = await start(bucket("x", 1))
    sidecar.limiter.explores = lambda _found, _share: True
    risky(sidecar, mode="shadow", explore=0.2)
    decided = [await sidecar.check() for _ in range(8)]
    assert decided[-1].shadow == (ShadowFinding("risk:key", "risk_throttled"), ShadowFinding("risk:dear", "risk_throttled"))
    risky(sidecar, explore=0)
    refused = [await sidecar.check() for _ in range(8)][-1]
    assert (refused.reason, refused.propensity) == ("risk_throttled", UNSET)
    assert sidecar.limiter.answers.explored == 0
