"""A held account spends what is free and not more, over several sidecars, while holds lapse, are released, and grow."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import cycle
from typing import Any

import pytest
from structlog.testing import capture_logs

from ratelimit.core.decision import Decision
from ratelimit.core.identity import Caller
from ratelimit.stores.client import RedisStore
from tests.service.conftest import Sidecar, Start, bucket
from tests.service.holding import DAY, HOUR, Process, Wall, process, purchase
from tests.stores.asker import until
from tests.stores.conftest import Node

ACME = Caller(api_key="k", ip=b"\xcb\x00\x71\x07", account="acme")
OTHER = Caller(api_key="k", ip=ACME.ip, account="other")

Heeding = Callable[[], Awaitable[Sidecar]]


@pytest.fixture
async def here(store: RedisStore, own_node: Node) -> AsyncIterator[Process]:
    """A process that changes holds, on a store of its own."""
    async with AsyncExitStack() as stack:
        yield await process(store, own_node.url, Wall(), stack)


@pytest.fixture
def heeding(start: Start, here: Process, own_node: Node) -> Heeding:
    """Start a sidecar that knows the holds, without any limits but one that is wide; the words are those of `here`."""

    async def make() -> Sidecar:
        sidecar = await start(bucket("wide", 1_000_000, "1000/s"), url=own_node.url, run=True)
        sidecar.limiter.gate.index = here.standings.index
        sidecar.limiter.heed_holds(here.holds.account, here.wall)
        return sidecar

    return make


async def open_(here: Process, id: str = "p1", held: int = 40, lapse: float = DAY, **more: Any) -> None:
    await here.holds.open(purchase(id, **more), held, here.wall() + lapse, "unusual")


async def admitted(sidecars: list[Sidecar], number: int, cost: int = 1) -> int:
    """Of so many requests of the account at once, spread over sidecars, how many passed."""
    decisions = await asyncio.gather(*(sidecar.check(cost, ACME) for sidecar, _ in zip(cycle(sidecars), range(number), strict=False)))
    assert all(decision.limit == "hold" for decision in decisions if decision.decision != "allow")
    return sum(decision.decision == "allow" for decision in decisions)


async def quiet(sidecars: list[Sidecar]) -> None:
    """Wait until all that was in hand has gone back."""
    meters = [meter for sidecar in sidecars for meter in sidecar.shelf("hold").meters()]
    await until(lambda: not any(meter.busy() or meter.share.hand or meter.share.owes() for meter in meters))


async def all_of(sidecars: list[Sidecar], cost: int = 1) -> int:
    """Ask until nobody admits any more, with nothing left in anybody's hand."""
    in_all = 0
    while True:
        some = await admitted(sidecars, 200, cost)
        await quiet(sidecars)
        in_all += some * cost
        if not some:
            return in_all


async def test_exactly_what_is_free(here: Process, heeding: Heeding) -> None:
    """Four sidecars together admit what is free; then what is released; then what lapses; and each purchase in between."""
    sidecars = [await heeding() for _ in range(4)]
    await open_(here, tokens=2_000, held=1_500, balance=7)
    await open_(here, "p2", 300, HOUR, tokens=1_000)
    assert await all_of(sidecars) == 7 + 500 + 700
    await here.holds.release("p1", "mia", "known")
    assert await all_of(sidecars) == 1_500
    await here.holds.purchased(purchase("p3", 11))
    assert await all_of(sidecars) == 11
    await open_(here, "p4", 5, DAY, tokens=9)
    assert await all_of(sidecars) == 4
    here.wall.now += HOUR
    assert await all_of(sidecars) == 300
    here.wall.now += DAY
    assert (await sidecars[0].check(1, ACME)).limit == "wide"


async def test_release_in_the_middle(here: Process, heeding: Heeding) -> None:
    """What is released while requests come is admitted, to the token, and nothing of it twice."""
    sidecars = [await heeding() for _ in range(4)]
    await open_(here, tokens=1_000, held=600)
    await open_(here, "p2", 600, tokens=600)
    under_way = asyncio.create_task(all_of(sidecars))
    await asyncio.sleep(0)
    await here.holds.release("p1", "mia", "known")
    assert await under_way + await all_of(sidecars) == 1_000


async def test_others_are_not_counted(here: Process, heeding: Heeding) -> None:
    """An account without holds, and a request without an account, meet nothing of it."""
    sidecar = await heeding()
    await open_(here, held=100)
    for caller in (OTHER, Caller(api_key="k", ip=ACME.ip)):
        assert (await sidecar.check(50, caller)).limit == "wide"
    assert len(sidecar.shelf("hold")) == 0


async def refused(sidecar: Sidecar, cost: int) -> Decision:
    decision = await sidecar.check(cost, ACME)
    assert decision.decision == "throttle"
    return decision


async def test_refusal(here: Process, heeding: Heeding) -> None:
    """Over it the reason is a quota's, and the wait is until the next lapse; a cost beyond all there is need not be asked for."""
    sidecar = await heeding()
    await open_(here, lapse=HOUR)
    await open_(here, "p2", 40, 2 * HOUR)
    assert (await sidecar.check(100, ACME)).decision == "allow"
    first = await refused(sidecar, 21)
    assert (first.reason, first.limit, first.subject, first.remaining) == ("quota_exhausted", "hold", "account:acme", 20)
    assert first.retry_after is not None
    assert HOUR - 5 < first.retry_after <= HOUR + 1
    asked = sidecar.asked
    assert (await refused(sidecar, 121)).reason == "quota_exhausted"
    assert sidecar.asked == asked
    here.wall.now += HOUR
    later = await refused(sidecar, 61)
    assert later.retry_after is not None
    assert HOUR - 5 < later.retry_after <= HOUR + 1
    assert (await sidecar.check(60, ACME)).decision == "allow"


async def test_refused_elsewhere_costs_nothing(here: Process, start: Start, own_node: Node) -> None:
    """A request that another limit refuses costs nothing of what may be spent."""
    sidecar = await start(bucket("narrow", 5, "1/h"), url=own_node.url, run=True)
    sidecar.limiter.gate.index = here.standings.index
    sidecar.limiter.heed_holds(here.holds.account, here.wall)
    await open_(here)
    await asyncio.gather(*(sidecar.check(1, ACME) for _ in range(50)))
    await quiet([sidecar])
    await sidecar.settled()
    account = here.holds.account("acme")
    assert account is not None
    assert (await here.holds.spending(account)).spent == 5


async def test_warning_in_the_middle(here: Process, heeding: Heeding) -> None:
    """A warning stops the account at once, in every sidecar, with what is in hand there; nothing else of it is lost."""
    sidecars = [await heeding() for _ in range(2)]
    await open_(here, held=1, tokens=50_001)
    await open_(here, "p2", 1, tokens=1)
    assert await admitted(sidecars, 1_000) == 1_000
    assert any(meter.share.hand for sidecar in sidecars for meter in sidecar.shelf("hold").meters())
    await here.holds.warned("acme", "p1", 50_001, "early fraud warning")
    account = here.holds.account("acme")
    assert account is not None
    in_hand = account.free - 1_000
    assert await all_of(sidecars) == in_hand
    await here.holds.release("p1", "mia", "they called")
    assert await all_of(sidecars, 100) == (50_001 - 1_000 - in_hand) // 100 * 100


async def test_payment_that_failed(here: Process, heeding: Heeding) -> None:
    """Of tokens that there never were nothing more is spent, not even what is in hand."""
    sidecars = [await heeding() for _ in range(2)]
    await open_(here, held=1, tokens=50_001)
    await open_(here, "p2", 1, tokens=11)
    assert await admitted(sidecars, 1_000) == 1_000
    assert any(meter.share.hand for sidecar in sidecars for meter in sidecar.shelf("hold").meters())
    await here.holds.withdraw("acme", "p1")
    assert await admitted(sidecars, 1_000) == 0


async def test_store_away(here: Process, heeding: Heeding, own_node: Node) -> None:
    """While the store is away a held account is refused: nobody knows what is left, and it is in doubt."""
    sidecar = await heeding()
    await open_(here)
    assert (await sidecar.check(1, ACME)).decision == "allow"
    own_node.close()
    with capture_logs():
        assert (await refused(sidecar, 1)).reason == "store_unavailable"
        assert (await sidecar.check(1, OTHER)).decision == "allow"


async def test_spending(here: Process, heeding: Heeding) -> None:
    """What was spent, and of which purchase, is known from any process."""
    sidecar = await heeding()
    await open_(here, balance=10)
    await here.holds.purchased(purchase("p2", 50))
    assert await admitted([sidecar], 90) == 90
    await quiet([sidecar])
    account = here.holds.account("acme")
    assert account is not None
    assert (await here.holds.spending(account))[1:] == (90, 30, (60, 20))
