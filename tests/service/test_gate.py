"""The gate before the limits, on a real limiter and store: each row of the precedence table, and what words bring along."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from ratelimit.core.decision import PRECEDENCE
from ratelimit.core.identity import Caller
from ratelimit.core.limit import BucketRule
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.risk import Risk
from ratelimit.core.standing import Standing, Target
from ratelimit.core.units import Refill
from tests.service.conftest import ALICE, Sidecar, Start, bucket
from tests.stores.asker import until

BOB = Caller(api_key="bob", ip=b"\xc6\x33\x64\x01", account="b1")
ALICE_IS = Target("account", "a1")
KEY, IP = Target("api_key", "alice"), Target("ip", "203.0.113.7")
NETWORK = Target("network", "203.0.0.0/16")

RISK = {"requests": {"model": "m", "mode": "enforce", "explore": 0, "throttle": {"above": 0.9, "bucket": {"capacity": 2}}}}
RULE = {
    "name": "slow",
    "on": "request",
    "when": "request.requests_1d > 3.0",
    "then": "throttle",
    "reason": "fast",
    "bucket": {"capacity": 3},
}


class Risks:
    """Everybody is as risky as that."""

    def __init__(self, risk: float) -> None:
        self._risk = risk

    def risk_of(self, _caller: Caller) -> Risk:
        return Risk("api_key", "alice", self._risk)


def word(then: Any, target: Target = ALICE_IS, id: str = "w", **fields: Any) -> Standing:
    made = {"source": "override", "reason": "so", "author": "eve", "made_at": 1.0, **fields}
    return Standing(id=id, target=target, then=then, **made)


def tokens(capacity: int) -> BucketRule:
    return BucketRule(capacity, Refill.parse("1/h"))


def said(sidecar: Sidecar, *words: Standing, **policy: Any) -> None:
    """Let these words stand, under a policy with these sections beside its limits."""
    limits = [bucket("key", 5)]
    sidecar.limiter.adopt(Policy(parse_policy({"version": 1, "limits": limits, **policy}, "test")))
    for one in words:
        sidecar.limiter.gate.index.put(one)


def listed(then: str, *subjects: str, **fields: Any) -> dict[str, Any]:
    return {"name": f"{then}-list", "then": then, "subjects": list(subjects), **fields}


async def answers(sidecar: Sidecar, number: int = 7, caller: Caller = ALICE) -> list[tuple[str, str, str | None]]:
    """What each of so many requests is answered, without repeats."""
    found = [(await sidecar.check(1, caller)) for _ in range(number)]
    return list(dict.fromkeys((one.decision, one.reason, one.limit) for one in found))


@pytest.mark.parametrize(
    ("words", "policy", "expected"),
    [
        # each row, with what stands in all rows below it
        ([word("block"), word("allow", KEY, "a")], {}, [("block", "override_block", "override:w")]),
        (
            [word("allow"), word("block", KEY, "r", source="rule", author="slow")],
            {"lists": [listed("block", "203.0.113.0/24")], "risk": RISK},
            [("allow", "override_allow", "key"), ("throttle", "rate_exceeded", "key")],
        ),
        (
            [word("block", source="rule")],
            {"lists": [listed("block", "account:a1"), listed("allow", "203.0.113.7")]},
            [("block", "deny_listed", "list:block-list")],
        ),
        (
            [word("block", source="rule"), word("throttle", id="t", bucket=tokens(1))],
            {"lists": [listed("allow", "203.0.113.7")], "risk": RISK},
            [("allow", "allow_listed", "key"), ("throttle", "rate_exceeded", "key")],
        ),
        (
            [word("block", source="rule", author="slow"), word("throttle", id="t", bucket=tokens(1))],
            {},
            [("block", "rule_matched", "rule:slow")],
        ),
        ([word("throttle", bucket=tokens(5))], {}, [("allow", "ok", "key"), ("throttle", "rate_exceeded", "key")]),
        (
            [word("throttle", bucket=tokens(2)), word("throttle", id="r", source="rule", author="slow")],
            {"rules": [{**RULE, "bucket": {"capacity": 2}}], "risk": RISK},
            [("allow", "ok", "override:w"), ("throttle", "override_throttle", "override:w")],
        ),
        (
            [word("throttle", source="rule", author="slow")],
            {"rules": [{**RULE, "bucket": {"capacity": 2}}], "risk": RISK},
            [("allow", "ok", "rule:slow:key"), ("throttle", "rule_throttled", "rule:slow:key")],
        ),
        ([], {"risk": RISK}, [("allow", "ok", "risk:key"), ("throttle", "risk_throttled", "risk:key")]),
    ],
)  # fmt: skip
async def test_precedence(start: Start, words: list[Standing], policy: dict[str, Any], expected: list[Any]) -> None:
    """The first row of the table that applies decides, whatever else stands."""
    sidecar = await start(bucket("key", 5))
    said(sidecar, *words, **policy)
    if "risk" in policy:
        sidecar.limiter.risks = Risks(1.0)
    assert await answers(sidecar) == expected
    assert {reason for _, reason, _ in expected} - {"ok"} <= {row.reason for row in PRECEDENCE}


async def test_others_are_not_met(start: Start) -> None:
    """A word is about its target alone."""
    sidecar = await start(bucket("key", 5))
    said(sidecar, word("block"), word("block", KEY, "k"), word("block", NETWORK, "n"), lists=[listed("block", "account:a2")])
    assert await answers(sidecar, 3, BOB) == [("allow", "ok", "key")]


@pytest.mark.parametrize(
    "target",
    [ALICE_IS, KEY, IP, NETWORK, Target("network", "203.0.113.0/24")],
    ids=str,
)
async def test_targets(start: Start, target: Target) -> None:
    """A request is met by its key, its account, its address and every network that it lies in."""
    sidecar = await start(bucket("key", 5))
    said(sidecar, word("block", target))
    decided = await sidecar.check()
    assert (decided.decision, decided.subject) == ("block", str(target))


async def test_block_of_any_beats_allow_of_another(start: Start) -> None:
    """Whoever is allowed comes from a blocked network all the same as somebody who is blocked."""
    sidecar = await start(bucket("key", 5))
    said(sidecar, word("allow"), word("block", NETWORK, "n"))
    assert await answers(sidecar) == [("block", "override_block", "override:n")]
    said(sidecar, lists=[listed("allow", "account:a1"), listed("block", "203.0.113.7")])
    sidecar.limiter.gate.index.remove(word("allow"))
    sidecar.limiter.gate.index.remove(word("block", NETWORK, "n"))
    assert await answers(sidecar) == [("block", "deny_listed", "list:block-list")]


async def test_ipv6_caller_is_its_prefix(start: Start) -> None:
    """A word about an IPv6 address is about its whole /64, as limits count it."""
    sidecar = await start(bucket("ip", 5, per="ip"))
    said(sidecar, word("block", Target("ip", "2001:db8:1:2::/64")))
    neighbour = Caller(ip=bytes.fromhex("20010db8000100020000000000000000"))
    assert (await sidecar.check(1, neighbour)).decision == "block"
    assert (await sidecar.check(1, Caller(ip=bytes.fromhex("20010db8000100030000000000000000")))).decision == "allow"


async def test_blocked_requests_charge_nothing(start: Start) -> None:
    """When the block has gone every token is there, and the store was not asked."""
    sidecar = await start(bucket("key", 5))
    said(sidecar, word("block"))
    assert {one.reason for one in await sidecar.at_once(20)} == {"override_block"}
    assert sidecar.asked == 0
    sidecar.limiter.gate.index.remove(word("block"))
    assert [one.decision for one in await sidecar.at_once(6)].count("allow") == 5


async def test_blocks_are_recorded(start: Start) -> None:
    """A block has an id and a record that names what decided, and is counted."""
    sidecar = await start(bucket("key", 5))
    said(sidecar, word("block"))
    decision = await sidecar.check()
    record = sidecar.limiter.answers.recent.find(decision.id)
    assert record is not None
    assert (record.decision, record.reason, record.limit, record.subject) == ("block", "override_block", "override:w", "account:a1")
    assert sidecar.limiter.answers.decided["block", "override_block"] == 1
    assert sidecar.limiter.gate.hits == {("override", "block"): 1}


async def test_exempt_limits(start: Start) -> None:
    """An exemption frees of limits and of the twins beside them; a block and a person's throttle still count."""
    sidecar = await start(bucket("key", 5))
    said(sidecar, word("exempt_limits"), risk=RISK)
    sidecar.limiter.risks = Risks(1.0)
    assert await answers(sidecar, 20) == [("allow", "override_allow", None)]
    sidecar.limiter.gate.index.put(word("throttle", id="t", bucket=tokens(3)))
    assert await answers(sidecar, 7) == [("allow", "override_allow", "override:t"), ("throttle", "override_throttle", "override:t")]
    sidecar.limiter.gate.index.put(word("block", id="b"))
    assert await answers(sidecar, 3) == [("block", "override_block", "override:b")]


async def test_throttle_is_all_or_nothing_with_the_limits(start: Start) -> None:
    """What the throttle refuses costs the limits nothing, and the other way round."""
    sidecar = await start(bucket("key", 5))
    said(sidecar, word("throttle", bucket=tokens(2)))
    assert [(await sidecar.check()).decision for _ in range(9)].count("allow") == 2
    sidecar.limiter.gate.index.remove(word("throttle"))
    await sidecar.settled()
    assert [(await sidecar.check()).decision for _ in range(9)].count("allow") == 3


async def test_throttle_of_a_network_is_one_bucket(start: Start) -> None:
    """All whom the word is about share its bucket, over all sidecars."""
    first, second = await start(bucket("key", 50)), await start(bucket("key", 50))
    for sidecar in (first, second):
        said(sidecar, word("throttle", NETWORK, bucket=tokens(4)))
    callers = [replace(ALICE, api_key=f"k{number}") for number in range(6)]
    decided = await asyncio.gather(*(sidecar.check(1, caller) for sidecar in (first, second) for caller in callers))
    assert [one.decision for one in decided].count("allow") == 4


async def test_throttle_locks_nobody_out(start: Start) -> None:
    """A request that costs more than a throttle holds takes all of it."""
    sidecar = await start(bucket("key", 50))
    said(sidecar, word("throttle", bucket=tokens(4)))
    sidecar.limiter.adopt(Policy(parse_policy({"version": 1, "limits": [bucket("key", 50)]}, "test")))
    assert [(await sidecar.check(20)).reason for _ in range(2)] == ["ok", "override_throttle"]


@pytest.mark.parametrize(("capacity", "admitted"), [(9, 9), (2, 2)])
async def test_bucket_instead_of_a_limits_own(start: Start, capacity: int, admitted: int) -> None:
    """The target has more of that limit, or less; everybody else what the policy says."""
    sidecar = await start(bucket("key", 5))
    said(sidecar, word("bucket", KEY, limit="key", bucket=tokens(capacity)))
    assert [one.decision for one in await sidecar.at_once(12)].count("allow") == admitted
    assert [(await sidecar.check(1, BOB)).decision for _ in range(7)].count("allow") == 5


async def test_bucket_is_repriced(start: Start) -> None:
    """It is the same bucket, so what was spent before the word, and under it, stays spent."""
    sidecar = await start(bucket("key", 5))
    said(sidecar)
    assert [one.decision for one in await sidecar.at_once(5)].count("allow") == 5
    await sidecar.settled()
    sidecar.limiter.gate.index.put(word("bucket", KEY, limit="key", bucket=tokens(8)))
    assert [one.decision for one in await sidecar.at_once(9)].count("allow") == 3
    await sidecar.settled()
    sidecar.limiter.gate.index.remove(word("bucket", KEY, limit="key", bucket=tokens(8)))
    assert [one.decision for one in await sidecar.at_once(2)].count("allow") == 0
    assert sidecar.shelf("key").counts.refused == 8


async def test_leases_on_other_terms_go_back(start: Start) -> None:
    """When the word has gone what was leased on its terms goes back by itself."""
    sidecar = await start(bucket("key", 1_000, "1000/s"), run=True)
    sidecar.limiter.gate.index.put(word("bucket", KEY, limit="key", bucket=BucketRule(2_000, Refill.parse("2000/s"))))
    for _ in range(40):
        assert (await sidecar.check()).decision == "allow"
    sidecar.limiter.gate.index.remove(word("bucket", KEY, limit="key", bucket=tokens(1)))
    in_hand = sidecar.limiter._in_hand
    await until(lambda: not in_hand)


async def test_list_in_shadow(start: Start) -> None:
    """A list in shadow refuses nobody, and what it would have said is found."""
    sidecar = await start(bucket("key", 5))
    said(sidecar, lists=[listed("block", "account:a1", mode="shadow")])
    decision = await sidecar.check()
    assert (decision.decision, [(it.limit, it.reason) for it in decision.shadow]) == ("allow", [("list:block-list", "deny_listed")])
    said(sidecar, mode="shadow", lists=[listed("block", "account:a1")])
    assert (await sidecar.check()).decision == "allow"


@pytest.mark.parametrize(("until", "decision"), [("2001-01-01", "allow"), ("2901-01-01T00:00:00Z", "block")])
async def test_list_ends(start: Start, until: str, decision: str) -> None:
    """A list says nothing any more when it has ended."""
    sidecar = await start(bucket("key", 5))
    said(sidecar, lists=[listed("block", "account:a1", until=until)])
    assert (await sidecar.check()).decision == decision


async def test_words_about_purchases_are_none_about_requests(start: Start) -> None:
    """A scope is kept to."""
    sidecar = await start(bucket("key", 5))
    said(sidecar, word("block", scope="purchase"), lists=[listed("block", "account:a1", scope="purchase")])
    assert (await sidecar.check()).decision == "allow"
