"""What is told of holds: each change once, whichever process sees it, and nothing is lost when one ends."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest

from ratelimit.core.hold import REVOKED_KEPT_S
from ratelimit.stores.client import RedisStore
from tests.service.holding import DAY, HOUR, Process, Wall, process, purchase
from tests.stores.conftest import Node


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as found:
        yield found


@pytest.fixture
async def here(store: RedisStore, own_node: Node, stack: AsyncExitStack) -> Process:
    """A process on a store of its own."""
    return await process(store, own_node.url, Wall(), stack)


async def told(here: Process) -> list[tuple[Any, ...]]:
    """What is in the queue, and was not seen before."""
    found = []
    for message in await here.queue.take(99):
        await here.queue.drop(message)
        body = msgspec.json.decode(message.body)
        assert (message.type, body["type"]) == ("hold.changed", "hold.changed")
        found.append(tuple(body["data"][name] for name in ("purchase", "held", "state", "reason")))
    return sorted(found)


async def opened(here: Process, id: str = "p1", lapse: float = DAY) -> None:
    await here.holds.open(purchase(id), 40, here.wall() + lapse, "unusual")


async def test_each_change_is_told_once(here: Process) -> None:
    """Opened, released, revoked: each is told, with who and why, and what has not changed is not told again."""
    sweep = here.sweep()
    await opened(here)
    await opened(here, "p2")
    await sweep.turn()
    assert await told(here) == [("p1", 40, "held", "unusual"), ("p2", 40, "held", "unusual")]
    await here.holds.release("p1", "mia", "known")
    await here.holds.revoke("p2", "bob", "stolen")
    await here.holds.purchased(purchase("p3"))
    await sweep.turn()
    assert await told(here) == [("p1", 40, "released", "known"), ("p2", 40, "revoked", "stolen")]
    await sweep.turn()
    assert await told(here) == []


async def test_lapse(here: Process, own_node: Node) -> None:
    """A hold that lapses is told to be released; when the last one is, nothing of the account is left that stays."""
    sweep = here.sweep()
    await opened(here, "p1", HOUR)
    await opened(here, "p2", DAY)
    await sweep.turn()
    await told(here)
    here.wall.now += HOUR
    await sweep.turn()
    assert await told(here) == [("p1", 40, "released", "lapsed")]
    here.wall.now += DAY
    await sweep.turn()
    assert await told(here) == [("p2", 40, "released", "lapsed")]
    assert (here.standings.all(), own_node.client.hlen("rl1:{standing}")) == ([], 0)
    (counter,) = own_node.client.keys("rl1:q:*")
    assert 0 < own_node.client.pttl(counter) < 4 * DAY * 1_000


async def test_opened_again_before_the_sweep(here: Process) -> None:
    """That a hold has lapsed is told also where the account was opened anew before anybody looked."""
    sweep = here.sweep()
    await opened(here, "p1", HOUR)
    await sweep.turn()
    here.wall.now += HOUR
    await opened(here, "p2")
    await sweep.turn()
    assert await told(here) == [("p1", 40, "held", "unusual"), ("p1", 40, "released", "lapsed"), ("p2", 40, "held", "unusual")]


async def test_process_that_was_away(here: Process, store: RedisStore, own_node: Node, stack: AsyncExitStack) -> None:
    """What changed while nobody swept is told by whoever comes next, and what was told is not told again."""
    await opened(here)
    await opened(here, "p2")
    await here.sweep().turn()
    assert len(await told(here)) == 2
    await here.holds.release("p1", "mia", "known")
    here.wall.now += DAY
    late = await process(store, own_node.url, here.wall, stack)
    await late.sweep().turn()
    assert await told(late) == [("p1", 40, "released", "known"), ("p2", 40, "released", "lapsed")]
    assert late.standings.all() == []


async def test_two_processes(here: Process, store: RedisStore, own_node: Node, stack: AsyncExitStack) -> None:
    """Two that sweep the same accounts tell everything once."""
    there = await process(store, own_node.url, here.wall, stack)
    sweeps = [here.sweep(), there.sweep()]
    for n in range(5):
        await opened(here, f"p{n}", (n + 1) * HOUR)
    await there.knows("acme", ["held"] * 5)
    for _ in range(7):
        for sweep in sweeps:
            await sweep.turn()
        here.wall.now += HOUR
    states = [(purchase, state) for purchase, _, state, _ in await told(here)]
    assert states == [(f"p{n}", state) for n in range(5) for state in ("held", "released")]


async def test_revoked_stays_for_a_while(here: Process) -> None:
    """Revoked tokens stay withheld until the site has had time to take them back."""
    sweep = here.sweep()
    await opened(here)
    await here.holds.revoke("p1", "bob", "stolen")
    here.wall.now += REVOKED_KEPT_S - 1
    await sweep.turn()
    assert here.holds.account("acme") is not None
    here.wall.now += 2
    await sweep.turn()
    assert here.holds.account("acme") is None


async def test_nobody_to_tell(here: Process) -> None:
    """Without a receiver holds end all the same."""
    sweep = here.sweep(tells=False)
    await opened(here)
    here.wall.now += DAY + 1
    await sweep.turn()
    assert (here.standings.all(), await told(here)) == ([], [])


async def test_store_away_meanwhile(here: Process, own_node: Node) -> None:
    """What could not be told or taken away for want of the store is tried again with the next turn."""
    sweep = here.sweep()
    await opened(here)
    own_node.close()
    here.wall.now += DAY
    await sweep.turn()
    await sweep.turn()
    assert here.holds.account("acme") is not None
