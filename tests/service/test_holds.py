"""Holds on a real store: what purchases, warnings and people make of an account, in any process, told once or twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from structlog.testing import capture_logs

from ratelimit.core.hold import amount, stands
from ratelimit.core.standing import MOST_STANDING, HeldAccount
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.holds import WARNED_LAPSE_S, NoHoldError, NotHeldError
from ratelimit.stores.client import RedisStore
from tests.service.holding import DAY, HOUR, Process, Wall, process, purchase
from tests.stores.conftest import Node


@pytest.fixture
async def here(store: RedisStore, own_node: Node) -> AsyncIterator[Process]:
    """A process on a store of its own."""
    async with AsyncExitStack() as stack:
        yield await process(store, own_node.url, Wall(), stack)


def acme(process: Process) -> HeldAccount:
    account = process.holds.account("acme")
    assert account is not None
    return account


def free(process: Process) -> int:
    return amount(acme(process), process.wall())


async def opened(here: Process, **more: Any) -> None:
    await here.holds.open(purchase(**more), 40, here.wall() + DAY, "unusual")


async def test_open(here: Process) -> None:
    """The first hold opens the account with what it had left; another adds to it, and what is told twice counts once."""
    await opened(here, balance=10)
    assert free(here) == 70
    await here.holds.open(purchase("p2", 50, balance=999), 50, here.wall() + HOUR, "unusual")
    await opened(here, balance=10)
    assert free(here) == 70
    here.wall.now += HOUR
    assert free(here) == 120
    here.wall.now += DAY
    assert not stands(acme(here), here.wall())


async def test_every_process_knows(here: Process, store: RedisStore, own_node: Node) -> None:
    """Another process knows of a hold and of its release, and both can change the same account at the same time."""
    async with AsyncExitStack() as stack:
        there = await process(store, own_node.url, here.wall, stack)
        lapses_at = here.wall() + DAY
        some = [(here, there)[n % 2].holds.open(purchase(f"p{n}"), 40, lapses_at, "unusual") for n in range(8)]
        await asyncio.gather(*some)
        await there.knows("acme", ["held"] * 8)
        assert free(there) == 8 * 60
        await there.holds.release("p3", "mia", "known customer")
        await here.knows("acme", ["held"] * 3 + ["released"] + ["held"] * 4)


async def test_purchases_that_are_not_held(here: Process) -> None:
    """While something of an account is held, what else it buys may be spent; of others nothing is written down."""
    await here.holds.purchased(purchase("p0", 1_000))
    assert here.holds.account("acme") is None
    await opened(here)
    for _ in range(2):
        await here.holds.purchased(purchase("p2", 5))
    assert free(here) == 65
    here.wall.now += DAY
    before = acme(here)
    await here.holds.purchased(purchase("p3", 7))
    assert acme(here) == before


async def test_payment_that_failed(here: Process) -> None:
    """A hold of a payment that failed is gone, and so are its free tokens."""
    await opened(here, balance=10)
    await here.holds.open(purchase("p2", 50), 20, here.wall() + DAY, "unusual")
    for _ in range(2):
        await here.holds.withdraw("acme", "p1")
    assert free(here) == 40
    await here.holds.withdraw("nobody", "p1")


async def test_release_and_revoke(here: Process) -> None:
    """A person ends a hold once; whoever comes second, or means another purchase, is told so."""
    await opened(here)
    await here.holds.open(purchase("p2", 50), 20, here.wall() + DAY, "unusual")
    released = await here.holds.release("p1", "mia", "known customer")
    assert (released.state, released.by, released.reason, free(here)) == ("released", "mia", "known customer", 130)
    with pytest.raises(NotHeldError, match="released"):
        await here.holds.revoke("p1", "bob", "stolen")
    assert (await here.holds.revoke("p2", "bob", "stolen")).state == "revoked"
    assert free(here) == 130
    await here.holds.purchased(purchase("p3", 1))
    await here.holds.open(purchase("p4", 50), 20, here.wall() + HOUR, "unusual")
    here.wall.now += HOUR
    with pytest.raises(NotHeldError, match="released"):
        await here.holds.revoke("p4", "bob", "stolen")
    for nothing in ("p9", "p3"):
        with pytest.raises(NoHoldError):
            await here.holds.release(nothing, "mia", "who?")


async def test_warning(here: Process) -> None:
    """An early fraud warning holds all of the purchase's tokens where nothing was counted, for a month, and once."""
    for _ in range(2):
        await here.holds.warned("acme", "p1", 100, "early fraud warning")
    assert free(here) == 0
    assert acme(here).holds[0].lapses_at == here.wall() + WARNED_LAPSE_S
    await here.holds.release("p1", "mia", "they called")
    await here.holds.warned("acme", "p1", 100, "early fraud warning")
    assert not stands(acme(here), here.wall())


async def test_told_again_after_a_persons_word(here: Process) -> None:
    """A hold that a person has released or revoked is not opened again by being told again, for as long as it would have lasted."""
    lapses_at, sweep = here.wall() + DAY, here.sweep()
    for id, end in (("p1", here.holds.release), ("p2", here.holds.revoke)):
        await here.holds.open(purchase(id), 40, lapses_at, "unusual")
        await end(id, "mia", "seen")
        await sweep.turn()
        await here.holds.open(purchase(id), 40, lapses_at, "unusual")
        assert acme(here).holds[-1].state == {"p1": "released", "p2": "revoked"}[id]
    here.wall.now += DAY
    await here.holds.open(purchase("p3"), 40, lapses_at, "unusual")
    assert [hold.purchase for hold in acme(here).holds] == ["p2"]


async def test_attempt_with_another_card(here: Process) -> None:
    """Another attempt of the same purchase is held anew, also where the one before was released."""
    await opened(here)
    await here.holds.release("p1", "mia", "known")
    here.wall.now += 1
    await opened(here)
    assert [hold.state for hold in acme(here).holds] == ["held"]


async def test_spending_without_the_store(here: Process, own_node: Node) -> None:
    """While the store is away it is known what is held, and not what was spent; and nothing can be changed."""
    await opened(here)
    assert (await here.holds.spending(acme(here)))[1:] == (0, 60, (0,))
    own_node.close()
    with capture_logs():
        assert (await here.holds.spending(acme(here)))[1:] == (None, None, (None,))
        with pytest.raises(StoreAwayError):
            await here.holds.release("p1", "mia", "known")


async def test_reopened(here: Process) -> None:
    """An account whose holds have ended is opened anew: what it spent since was not counted."""
    await opened(here)
    here.wall.now += 2 * DAY
    await here.holds.open(purchase("p2", 50, balance=7), 20, here.wall() + DAY, "unusual")
    assert (acme(here).opened_at, free(here), len(acme(here).holds)) == (here.wall(), 37, 1)


async def test_no_room(here: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no more words may stand, the hold is not there, and whoever asked for it is told as if the store were away."""
    monkeypatch.setattr("ratelimit.core.standing_change.MOST_STANDING", 0)
    with capture_logs() as logs, pytest.raises(StoreAwayError):
        await opened(here)
    assert [entry["log_level"] for entry in logs] == ["error"]
    assert str(MOST_STANDING) in logs[0]["error"]
