"""Calls that are late, lost or cancelled: nobody waits beyond the deadline, and what was charged for nobody goes back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

import pytest
from structlog.testing import capture_logs

from ratelimit.core.decision import Decision
from ratelimit.core.identity import Caller
from ratelimit.core.units import ceil_div
from ratelimit.stores import lane
from ratelimit.stores.acquire import bucket as stored
from ratelimit.stores.quota import counter
from ratelimit.stores.server import find_server
from tests.service.conftest import ALICE, Sidecar, Start, bucket
from tests.stores.asker import until
from tests.stores.conftest import Node
from tests.stores.proxy import Proxy

DEADLINE_S = 0.02  # which a proxy that holds replies will miss
MONTH = {"name": "month", "per": ["account"], "quota": {"amount": 1_000, "every": "year"}}


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """A store of this test alone; replies may take as long as the test wants."""
    monkeypatch.setattr(lane, "HANG_S", 60.0)
    with closing(Node(find_server())) as found, capture_logs():
        yield found


@pytest.fixture
async def proxy(node: Node) -> AsyncIterator[Proxy]:
    found = Proxy(node.url)
    yield found
    await found.close()


def spent(node: Node, sidecar: Sidecar, limit: str = "key") -> int:
    """Tokens that the store has taken from the only bucket of a limit that hardly refills."""
    meter = sidecar.meter(limit)
    return ceil_div(stored(node.client.get(meter.key)).debt, meter.terms.per)


async def answer(sidecar: Sidecar, *arguments: Any) -> Decision:
    """The decision, in seconds at most: a hang is a failure here."""
    async with asyncio.timeout(20):
        return await sidecar.check(*arguments)


async def in_time(sidecar: Sidecar, cost: int = 1) -> Decision:
    """The decision of a store that is not held up, asked again where it was late all the same: what that cost was refunded."""
    while (decided := await answer(sidecar, cost)).reason == "store_unavailable":
        await sidecar.settled()
    return decided


async def test_late_answer_gives_back_its_charge(node: Node, proxy: Proxy, start: Start) -> None:
    """A call that was answered after the deadline admits nobody, and its charge is refunded as soon as the answer is there."""
    sidecar = await start(bucket("key", 10, on_store_failure="deny"), url=await proxy.start(), deadline_s=DEADLINE_S)
    proxy.replies.clear()
    assert (await answer(sidecar, 4)).reason == "store_unavailable"
    await until(node.executed)
    assert spent(node, sidecar) == 4
    proxy.replies.set()
    await until(lambda: node.executed() == 2)
    await sidecar.settled()
    assert node.client.get(sidecar.meter("key").key) is None
    assert (await in_time(sidecar, 10)).decision == "allow"


async def test_nobody_waits_for_a_late_call(node: Node, proxy: Proxy, start: Start) -> None:
    """While a call is late, whoever asks the same bucket is told at once; nobody is queued behind it."""
    sidecar = await start(bucket("key", 10, on_store_failure="deny"), url=await proxy.start(), deadline_s=DEADLINE_S)
    proxy.replies.clear()
    await answer(sidecar, 4)
    for _ in range(3):
        assert (await answer(sidecar, 4)).reason == "store_unavailable"
    await until(node.executed)
    proxy.replies.set()
    await until(lambda: node.executed() == 2)
    await sidecar.settled()
    assert (await in_time(sidecar, 10)).decision == "allow"


async def test_late_answer_of_an_admitted_request_stays_charged(node: Node, proxy: Proxy, start: Start) -> None:
    """If the limit let the request pass meanwhile, the late charge is what it cost."""
    sidecar = await start(bucket("key", 10, on_store_failure="allow"), url=await proxy.start(), deadline_s=DEADLINE_S)
    proxy.replies.clear()
    assert (await answer(sidecar, 4)).reason == "ok"
    await until(node.executed)
    proxy.replies.set()
    await until(lambda: not sidecar.meter("key").busy())
    await sidecar.settled()
    assert (spent(node, sidecar), node.executed()) == (4, 1)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_caller_who_went_away_is_charged_nothing(when: str, node: Node, proxy: Proxy, start: Start) -> None:
    """A check that is cancelled before or after the store answered leaves nothing charged in any limit."""
    sidecar = await start(bucket("key", 10), bucket("ip", 10, per="ip"), url=await proxy.start())
    proxy.replies.clear()
    task = asyncio.create_task(sidecar.check(4))
    await until(node.executed)
    if when == "before":
        task.cancel()
    proxy.replies.set()
    if when == "after":
        await until(lambda: not sidecar.meter("key").busy())
        task.cancel()
    try:
        decided = await task
    except asyncio.CancelledError:
        await sidecar.settled()
        assert node.client.get(sidecar.meter("key").key) is None
        assert node.client.get(sidecar.meter("ip").key) is None
    else:
        assert when == "after"
        assert decided.decision == "allow"


@pytest.mark.usefixtures("long_lives")
async def test_earmark_of_a_caller_who_went_away_goes_back(node: Node, proxy: Proxy, start: Start) -> None:
    """What was earmarked in a lease is there again when the check is cancelled."""
    sidecar = await start(bucket("key", 400), bucket("ip", 10, per="ip"), url=await proxy.start())
    hot = Caller(api_key="alice")
    await asyncio.gather(*(sidecar.check(1, hot) for _ in range(40)))
    await asyncio.gather(*(sidecar.check(1, hot) for _ in range(40)))
    hand = sidecar.meter("key").share.hand
    assert hand is not None
    before, executed = hand.slots, node.executed()
    proxy.replies.clear()
    task = asyncio.create_task(sidecar.check(2, ALICE))
    await until(lambda: node.executed() > executed)
    assert hand.slots == before - 2
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert hand.slots == before
    proxy.replies.set()
    await until(lambda: not sidecar.meter("ip").busy())
    sidecar.meter("ip").give_back()
    await sidecar.settled()
    assert node.client.get(sidecar.meter("ip").key) is None


@pytest.mark.usefixtures("long_lives")
async def test_earmark_outlives_its_lease(node: Node, start: Start) -> None:
    """If the lease has gone back by the time its earmark is released, the earmark goes back as well, without a request."""
    sidecar = await start(bucket("key", 400), url=node.url)
    await sidecar.at_once(40)
    await sidecar.at_once(40)
    meter = sidecar.meter("key")
    earmark = meter.share.take(3)
    meter.give_back()
    await sidecar.settled()
    assert spent(node, sidecar) == 83
    meter.release(earmark, 3)
    await until(lambda: spent(node, sidecar) == 80)


async def test_who_comes_meanwhile_goes_with_the_next_call(node: Node, proxy: Proxy, start: Start) -> None:
    """While one call is under way others gather, and go together with the next."""
    sidecar = await start(bucket("key", 10), url=await proxy.start())
    proxy.replies.clear()
    first = asyncio.create_task(sidecar.check())
    await until(node.executed)
    others = [asyncio.create_task(sidecar.check()) for _ in range(30)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert node.executed() == 1
    proxy.replies.set()
    decided = [await task for task in (first, *others)]
    assert sum(decision.decision == "allow" for decision in decided) == 10
    assert node.executed() == 2


async def test_who_left_the_queue_is_not_asked_for(node: Node, proxy: Proxy, start: Start) -> None:
    """Whoever went away before their call was composed, here behind another key's, costs no token and no refund."""
    sidecar = await start(bucket("key", 10, per="ip"), bucket("own", 10), url=await proxy.start())
    proxy.replies.clear()
    first = asyncio.create_task(sidecar.check(1, Caller(ip=ALICE.ip)))
    await until(node.executed)
    gone, stays = (asyncio.create_task(sidecar.check(3, Caller(api_key="alice"))) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    proxy.replies.set()
    await asyncio.gather(first, stays)
    await sidecar.settled()
    assert (node.executed(), spent(node, sidecar, "own")) == (2, 3)


async def test_lost_call_is_not_repeated(node: Node, proxy: Proxy, start: Start) -> None:
    """A call whose connection ended is not sent again: its tokens are lost to nobody's gain, and the limit says what it says."""
    sidecar = await start(bucket("key", 10, on_store_failure="deny"), url=await proxy.start())
    proxy.replies.clear()
    task = asyncio.create_task(sidecar.check(4))
    await until(node.executed)
    proxy.cut()
    assert (await task).reason == "store_unavailable"
    proxy.replies.set()
    await until(lambda: not sidecar.store.away)
    assert (await answer(sidecar, 6)).decision == "allow"
    assert (spent(node, sidecar), node.executed()) == (10, 2)


async def test_lost_quota_call_is_cancelled(node: Node, proxy: Proxy, start: Start) -> None:
    """A quota is prepaid, so what a lost call took is returned by the next."""
    sidecar = await start(MONTH | {"on_store_failure": "deny"}, url=await proxy.start())
    proxy.replies.clear()
    task = asyncio.create_task(sidecar.check(400))
    await until(node.executed)
    proxy.cut()
    assert (await task).reason == "store_unavailable"
    proxy.replies.set()
    await until(lambda: not sidecar.store.away)
    assert (await answer(sidecar, 1_000)).decision == "allow"


async def test_lost_quota_call_is_cancelled_though_nobody_asks(node: Node, proxy: Proxy, start: Start) -> None:
    """Prepaid tokens that a lost call took come back without a further request."""
    sidecar = await start(MONTH | {"on_store_failure": "deny"}, url=await proxy.start(), run=True)
    proxy.replies.clear()
    task = asyncio.create_task(sidecar.check(400))
    await until(node.executed)
    proxy.cut()
    await task
    proxy.replies.set()
    key = sidecar.meter("month").key
    await until(lambda: counter(node.client.get(key)).used == 0)


async def test_refund_waits_for_the_store(node: Node, proxy: Proxy, start: Start) -> None:
    """A refund that is owed while the store is late goes out when it answers again, without a request."""
    url = await proxy.start()
    sidecar = await start(bucket("key", 10, on_store_failure="deny"), url=url, deadline_s=DEADLINE_S, run=True)
    assert (await in_time(sidecar)).decision == "allow"
    proxy.replies.clear()
    decided = await asyncio.gather(*(answer(sidecar, cost) for cost in (2, 3)))
    assert {decision.reason for decision in decided} == {"store_unavailable"}
    proxy.replies.set()
    await until(lambda: spent(node, sidecar) == 1)


async def test_refund_goes_out_by_itself(node: Node, proxy: Proxy, start: Start) -> None:
    """What another limit refuses is refunded in the next turns of the loop, without a request."""
    sidecar = await start(bucket("key", 100), bucket("ip", 3, per="ip"), url=await proxy.start())
    assert (await answer(sidecar, 3)).decision == "allow"
    assert (await answer(sidecar, 2)).limit == "ip"
    await until(lambda: spent(node, sidecar) == 3)


@pytest.mark.usefixtures("long_lives")
async def test_leases_in_hand_outlive_the_store(node: Node, start: Start) -> None:
    """While the store is away what is in hand is still spent, so much of it and no more."""
    sidecar = await start(bucket("key", 400, on_store_failure="deny"), url=node.url)
    await sidecar.at_once(40)
    await sidecar.at_once(40)
    node.kill()
    hand = sidecar.meter("key").share.hand
    assert hand is not None
    left = hand.slots
    found = [(await answer(sidecar)).reason for _ in range(left + 5)]
    assert found == ["ok"] * left + ["store_unavailable"] * 5
