"""The limiter on the real store: exact under parallel requests, all or nothing, quiet where it can decide by itself."""

import asyncio
from collections import Counter

import pytest

from ratelimit.core.decision import Decision, ShadowFinding
from ratelimit.core.identity import Caller
from ratelimit.stores.embedded import EmbeddedStore
from tests.service.conftest import Sidecar, Start, bucket, policy
from tests.stores.asker import until

BOB = Caller(api_key="bob", ip=b"\xcb\x00\x71\x08", account="b1")


def verdicts(decisions: list[Decision]) -> Counter[str]:
    return Counter(decision.decision for decision in decisions)


async def test_100_at_once_on_5(start: Start) -> None:
    """A hundred tasks on a capacity of five admit exactly five, also when they come through several sidecars."""
    sidecars = [await start(bucket("key", 5)) for _ in range(4)]
    found = await asyncio.gather(*(sidecar.at_once(25) for sidecar in sidecars))
    assert verdicts([decision for part in found for decision in part]) == {"allow": 5, "throttle": 95}


async def test_200_at_once_are_one_call(start: Start) -> None:
    """Two hundred who come in one turn go to the store as one bucket of one call, and ten of them pass."""
    sidecar = await start(bucket("key", 10))
    decided = await sidecar.at_once(200)
    assert verdicts(decided) == {"allow": 10, "throttle": 190}
    assert sidecar.asked == 1
    assert [decision.decision for decision in decided[:10]] == ["allow"] * 10  # first come, first served


async def test_a_refusal_costs_nothing_anywhere(start: Start) -> None:
    """What one limit refuses takes nothing from the other, whether it was charged in the store or taken from a lease."""
    sidecar = await start(bucket("key", 100), bucket("ip", 2, per="ip"))
    assert verdicts(await sidecar.at_once(50)) == {"allow": 2, "throttle": 48}
    await sidecar.settled()
    peek = await sidecar.check(0, Caller(api_key="alice"))
    assert (peek.limit, peek.remaining) == ("key", 98)


@pytest.mark.usefixtures("long_lives")
async def test_a_refused_earmark_goes_back_into_the_lease(start: Start) -> None:
    """Slots taken from a lease for a request that the store then refuses elsewhere are in the lease again."""
    sidecar = await start(bucket("key", 100_000, "1/h"), bucket("ip", 3, per="ip"))
    for part in range(4):
        callers = [Caller(api_key="alice", ip=bytes((9, 9, part, number))) for number in range(200)]
        await asyncio.gather(*(sidecar.check(1, caller) for caller in callers))
    hand = sidecar.meter("key").share.hand
    assert hand is not None
    assert hand.slots > 10
    await sidecar.check(1, Caller(ip=BOB.ip))
    left = hand.slots
    assert (await sidecar.check(3, Caller(api_key="alice", ip=BOB.ip))).limit == "ip"
    assert sidecar.meter("key").share.hand is hand
    assert hand.slots == left


async def test_a_denial_is_remembered_with_its_cost(start: Start) -> None:
    """Refused once, the same cost is refused again without a call; a cheaper one still asks, and passes."""
    sidecar = await start(bucket("key", 10))
    await sidecar.check(7)
    assert (await sidecar.check(5)).decision == "throttle"
    asked = sidecar.asked
    refused = sidecar.limiter.check(Caller(api_key="alice"), "GET", "/", 6)
    assert isinstance(refused, Decision)
    assert refused.decision == "throttle"
    assert sidecar.asked == asked
    assert (await sidecar.check(2)).decision == "allow"
    assert sidecar.asked == asked + 1


async def test_a_hot_key_needs_few_calls(start: Start) -> None:
    """A thousand requests of a busy key that is far below its limit take a handful of calls, and decide without waiting."""
    sidecar = await start(bucket("key", 1_000_000, "1000000/s"))
    await sidecar.at_once(200)
    await sidecar.at_once(200)
    asked, at_once = sidecar.asked, 0
    for _ in range(20):
        for _ in range(50):
            decided = sidecar.limiter.check(Caller(api_key="alice"), "GET", "/", 1)
            at_once += isinstance(decided, Decision)
            assert (decided if isinstance(decided, Decision) else await decided).decision == "allow"
        await asyncio.sleep(0.001)
    assert sidecar.asked - asked < 20
    assert at_once > 900


async def test_a_quiet_lease_is_given_back(start: Start) -> None:
    """What a key that fell quiet has on lease is in stock again, without a request."""
    sidecar = await start(bucket("key", 400), run=True)
    await sidecar.at_once(40)
    await sidecar.at_once(40)
    assert sidecar.meter("key").share.hand is not None
    await until(lambda: sidecar.meter("key").share.hand is None and not sidecar.meter("key").busy())
    other = await start(bucket("key", 400))
    assert verdicts([await other.check(320), await other.check(1)]) == {"allow": 1, "throttle": 1}


@pytest.mark.usefixtures("long_lives")
async def test_drain_gives_back(start: Start) -> None:
    """At the end, what is in hand goes back before the connection closes."""
    sidecar = await start(bucket("key", 400))
    await sidecar.at_once(40)
    await sidecar.at_once(40)
    sidecar.limiter.give_back()
    await sidecar.store.close()
    other = await start(bucket("key", 400))
    assert (await other.check(320)).decision == "allow"


async def test_a_peek_takes_nothing(start: Start) -> None:
    """A cost of 0 says how much is left, from the store, and leaves it there."""
    sidecar = await start(bucket("key", 10))
    await sidecar.check(4)
    for _ in range(3):
        peek = await sidecar.check(0)
        assert (peek.decision, peek.remaining) == ("allow", 6)


async def test_a_cost_beyond_the_capacity(start: Start) -> None:
    """It has a reason of its own, no time to come back, and asks nobody."""
    sidecar = await start(bucket("key", 10))
    refused = await sidecar.check(11)
    assert (refused.decision, refused.reason, refused.retry_after) == ("throttle", "cost_exceeds_capacity", None)
    assert sidecar.asked == 0


async def test_whom_a_limit_does_not_know(start: Start) -> None:
    """Who has no subject for a limit is not counted by it, unless it says `missing: deny`."""
    sidecar = await start(bucket("key", 10), bucket("ip", 10, per="ip"))
    assert (await sidecar.check(1, Caller(api_key="alice"))).limit == "key"
    assert sidecar.shelf("ip").counts.lacking == 1
    strict = await start(bucket("key", 10), bucket("ip", 10, per="ip", missing="deny"))
    refused = await strict.check(1, Caller(api_key="alice"))
    assert (refused.reason, refused.limit, refused.subject) == ("cost_exceeds_capacity", "ip", None)


async def test_shadow(start: Start) -> None:
    """A limit in shadow never refuses, says what it would have done, and is not charged for what others refuse."""
    sidecar = await start(bucket("key", 4), bucket("small", 2, mode="shadow"))
    decided = [await sidecar.check() for _ in range(5)]
    assert verdicts(decided) == {"allow": 4, "throttle": 1}
    assert [decision.shadow for decision in decided[:4]] == [(), ()] + [(ShadowFinding("small", "rate_exceeded"),)] * 2
    assert sidecar.limiter.answers.shadowed == {"small": 2}
    refused = await start(bucket("tight", 1), bucket("large", 50, mode="shadow"))
    await refused.at_once(20)
    await refused.settled()
    refused.limiter.give_back()
    await refused.settled()
    alone = await start(bucket("large", 50))
    assert (await alone.check(0)).remaining == 49


async def test_several_refuse(start: Start) -> None:
    """Of several limits that refuse the one with the longest wait is named."""
    sidecar = await start(bucket("second", 1, "1/s"), bucket("hour", 1, "1/h"))
    await sidecar.check()
    refused = await sidecar.check()
    assert (refused.limit, refused.retry_after is not None and refused.retry_after > 3_000) == ("hour", True)


async def test_reload_keeps_what_stays_the_same(start: Start) -> None:
    """A limit that did not change keeps its meters; one that did goes on from what the store knows, with its new capacity."""
    sidecar = await start(bucket("key", 10), bucket("ip", 10, per="ip"))
    await sidecar.check(8)
    kept = sidecar.meter("key")
    sidecar.limiter.adopt(policy(bucket("key", 10), bucket("ip", 20, per="ip")))
    assert sidecar.meter("key") is kept
    assert sidecar.shelf("ip").meters() == []
    decided = [await sidecar.check(2), await sidecar.check(1)]
    assert verdicts(decided) == {"allow": 1, "throttle": 1}
    assert decided[1].limit == "key"


async def test_reload_while_a_call_is_under_way(start: Start) -> None:
    """Who waits while the policy changes gets an answer."""
    sidecar = await start(bucket("key", 10))
    waiting = asyncio.gather(*(sidecar.check() for _ in range(20)))
    await asyncio.sleep(0)
    sidecar.limiter.adopt(policy(bucket("other", 5)))
    assert verdicts(list(await asyncio.wait_for(waiting, 10))) == {"allow": 10, "throttle": 10}


async def test_memory_is_bounded(start: Start) -> None:
    """Of more subjects than may be remembered the quiet ones go; who comes again is counted by the store all the same."""
    sidecar = await start(bucket("key", 2), most_subjects=100)
    for number in range(300):
        await sidecar.check(2, Caller(api_key=f"k{number}"))
    assert len(sidecar.shelf("key")) == 100
    assert (await sidecar.check(1, Caller(api_key="k0"))).decision == "throttle"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (("allow",), ["ok"] * 4),
        (("deny",), ["store_unavailable"] * 4),
        (("local",), ["ok", "ok", "rate_exceeded", "rate_exceeded"]),
        (("allow", "local"), ["ok", "ok", "rate_exceeded", "rate_exceeded"]),
        (("allow", "deny", "local"), ["store_unavailable"] * 4),
    ],
)
async def test_store_away(start: Start, settings: tuple[str, ...], expected: list[str]) -> None:
    """Each limit answers as it says, the strictest wins, and `local` is the limit divided by the number of sidecars."""
    limits = [bucket(f"l{index}", 4, on_store_failure=setting) for index, setting in enumerate(settings)]
    sidecar = await start(*limits, url="redis://127.0.0.1:1", sidecars=2)
    assert [(await sidecar.check()).reason for _ in range(4)] == expected


async def test_store_away_charges_nobody_for_a_refusal(start: Start) -> None:
    """A local bucket is not charged for what another limit refuses."""
    sidecar = await start(bucket("a", 3), bucket("b", 1, per="ip"), url="redis://127.0.0.1:1")
    assert verdicts([await sidecar.check() for _ in range(5)]) == {"allow": 1, "throttle": 4}
    others = [await sidecar.check(1, Caller(api_key="alice", ip=bytes((1, 1, 1, number)))) for number in range(4)]
    assert verdicts(others) == {"allow": 2, "throttle": 2}


async def test_a_store_that_comes_back(start: Start, embedded: EmbeddedStore) -> None:
    """When the store is killed limits answer by themselves at once, and by the store again when it is back."""
    sidecar = await start(bucket("key", 10, on_store_failure="deny"))
    assert (await sidecar.check(10)).decision == "allow"
    embedded_pid = embedded.pid
    await _kill(embedded_pid)
    reasons = set()
    for _ in range(2_000):
        reasons.add((await sidecar.check(1, BOB)).reason)
        if {"store_unavailable", "ok"} <= reasons:
            break
        await asyncio.sleep(0.005)
    assert {"store_unavailable", "ok"} <= reasons


async def _kill(pid: int) -> None:
    process = await asyncio.create_subprocess_exec("kill", "-9", str(pid))
    await process.wait()


def away(sidecar: Sidecar, *, is_so: bool) -> None:
    for lane in sidecar.store.lanes:
        lane.away = is_so


async def test_a_local_bucket_begins_with_what_is_known(start: Start) -> None:
    """Who has spent all does not get a full local bucket because the store is away, and gets none for each time that it is."""
    sidecar = await start(bucket("key", 10))
    assert verdicts(await sidecar.at_once(6)) == {"allow": 6}
    for left in (4, 0, 0):
        away(sidecar, is_so=True)
        assert verdicts([await sidecar.check() for _ in range(8)])["allow"] == left
        away(sidecar, is_so=False)
        if left == 4:
            continue
        await sidecar.check(4)


async def test_quota_spent_without_the_store_is_told_afterwards(start: Start) -> None:
    """What a sidecar spent of a quota while the store was away is charged as soon as it is back, so nothing is admitted twice."""
    limit = {"name": "month", "per": ["account"], "quota": {"amount": 10, "every": "year"}}
    sidecar, other = await start(limit), await start(limit)
    assert verdicts([await sidecar.check() for _ in range(4)]) == {"allow": 4}
    away(sidecar, is_so=True)
    assert verdicts([await sidecar.check() for _ in range(9)]) == {"allow": 6, "throttle": 3}
    away(sidecar, is_so=False)
    await asyncio.sleep(0.15)  # longer than a denial is remembered
    assert (await sidecar.check()).reason == "quota_exhausted"
    assert (await other.check()).reason == "quota_exhausted"


async def test_quota_is_exact_over_sidecars(start: Start) -> None:
    """However it is leased and by whom, a period's amount is admitted once and not more."""
    limit = {"name": "month", "per": ["account"], "quota": {"amount": 300, "every": "year"}}
    sidecars = [await start(limit, run=True) for _ in range(3)]
    admitted = 0
    for _ in range(10):
        found = await asyncio.gather(*(sidecar.at_once(20) for sidecar in sidecars))
        admitted += verdicts([decision for part in found for decision in part])["allow"]
    for sidecar in sidecars:
        sidecar.limiter.give_back()
        await sidecar.settled()
    admitted += await _rest(sidecars[0])
    assert admitted == 300
    refused = await sidecars[1].check()
    assert (refused.reason, refused.retry_after is not None and refused.retry_after > 0) == ("quota_exhausted", True)


async def _rest(sidecar: Sidecar) -> int:
    await asyncio.sleep(0.15)  # longer than a denial is remembered
    return verdicts([await sidecar.check() for _ in range(300)])["allow"]


async def test_refusals_are_remembered_for_who_asks(start: Start) -> None:
    """The id that a caller was told finds what was decided, without the query."""
    sidecar = await start(bucket("key", 1))
    await sidecar.check()
    refused = await sidecar.check(1, path="/v1/images?secret=1")
    record = sidecar.limiter.answers.recent.find(refused.id)
    assert record is not None
    assert (record.path, record.reason, record.cost, record.policy) == ("/v1/images", "rate_exceeded", 1, sidecar.limiter.policy.digest)
    assert sidecar.limiter.answers.decided == {("allow", "ok"): 1, ("throttle", "rate_exceeded"): 1}
