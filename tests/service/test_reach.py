"""A change is told of, heard of, and it is known where: on a real store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import NamedTuple

import pytest

from ratelimit.core.reach import RULES_REACH, Reach, of_rules
from ratelimit.core.standing import Standing, Target
from ratelimit.core.standing_change import Change, revision
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.reach import ReachBook, ReachTeller
from ratelimit.service.standings import Standings
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.standing_feed import StandingFeed
from tests.stores.asker import clock, until
from tests.stores.conftest import Node
from tests.stores.proxy import Proxy

T0 = 1_800_000_000.0
WORD = Standing(id="?", target=Target("account", "al"), then="block", source="override", reason="x", author="eve", made_at=T0)


class Sidecar(NamedTuple):
    """One that lives: what it knows, what asks, and what tells."""

    standings: Standings
    book: ReachBook
    teller: ReachTeller
    telling: "asyncio.Task[None]"


class Sidecars:
    """Starts them; their feeds may go another way than all else."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def start(self, url: str, feed_url: str = "") -> Sidecar:
        store = RedisStore(Options(url, clock, 5.0))
        self._stack.push_async_callback(store.close)
        await store.open()
        standings = Standings(store, lambda: T0)
        following = asyncio.create_task(StandingFeed(feed_url or url).run(standings))
        self._stack.callback(following.cancel)
        await standings.first()
        teller = ReachTeller(store, standings)
        telling = asyncio.create_task(teller.run())
        self._stack.callback(telling.cancel)
        return Sidecar(standings, ReachBook(store, lambda: standings.made), teller, telling)


@pytest.fixture
async def sidecars() -> AsyncIterator[Sidecars]:
    async with AsyncExitStack() as stack:
        yield Sidecars(stack)


async def lives(one: Sidecar, many: int) -> None:
    """Wait until so many are known to live."""
    for _ in range(6_000):
        if (await one.book.of(bytes(12))).sidecars == many:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"{many} sidecars never lived")


async def test_everywhere(own_node: Node, sidecars: Sidecars) -> None:
    """What one says has soon been heard of by all that live, and it is known after how long; who goes is not waited for."""
    here, there = await sidecars.start(own_node.url), await sidecars.start(own_node.url)
    await lives(here, 2)
    await here.standings.change("a", lambda _: WORD)
    found = await here.book.until_whole(here.book.revision, 60)
    assert (found.sidecars, found.reached, found.after_s is not None) == (2, 2, True)
    there.telling.cancel()
    await there.teller.finish()
    await here.standings.change("a", lambda _: None)
    found = await here.book.until_whole(here.book.revision, 60)
    assert (found.sidecars, found.reached) == (1, 1)


async def test_one_hears_nothing(own_node: Node, sidecars: Sidecars) -> None:
    """One whose feed hangs is counted as one that has not heard, until it hears."""
    way = Proxy(own_node.url)
    here, there = await sidecars.start(own_node.url), await sidecars.start(own_node.url, await way.start())
    await lives(here, 2)
    way.replies.clear()
    await here.standings.change("a", lambda _: WORD)
    assert (await here.book.until_first(here.book.revision, 60)).reached == 1
    assert not there.standings.all()
    assert (await here.book.until_whole(here.book.revision, 0.0)).sidecars == 2
    way.replies.set()
    assert (await here.book.until_whole(here.book.revision, 60)).whole
    assert there.standings.get("a") is not None
    await way.close()


async def test_heard_is_what_is_known(own_node: Node, sidecars: Sidecars) -> None:
    """While all words are read, as at a start, nothing is said to be heard that is still to be read."""
    here = await sidecars.start(own_node.url)
    await here.standings.change("a", lambda _: WORD)
    await until(lambda: here.standings.heard == here.standings.made)
    late = Standings(RedisStore(Options(own_node.url, clock, 5.0)), lambda: T0)
    late.begin()
    late.begun(here.standings.made)
    later = Change(revision(b"1900000000000-1"), 2, "b", b"")
    late.changed([later])
    assert late.heard == bytes(12)
    for _ in late.finish():
        pass
    assert late.heard == later.revision


async def test_the_store_is_away() -> None:
    """Nobody is told a number that nobody knows."""
    nowhere = ReachBook(RedisStore(Options("redis://127.0.0.1:1", clock, 0.1)), lambda: bytes(12))
    with pytest.raises(StoreAwayError):
        await nowhere.of(bytes(12))
    assert Reach(0, 0).whole


class Overlaid:
    """Hears of rules."""

    def __init__(self) -> None:
        self.heard, self.moved = of_rules("00" * 6), asyncio.Event()

    def hear(self, revision: str) -> None:
        self.heard = of_rules(revision)
        self.moved.set()


async def test_rules(own_node: Node) -> None:
    """Of what lies on the rules it is known who has that very revision, apart from words, and it is no time that is told."""
    store = RedisStore(Options(own_node.url, clock, 5.0))
    await store.open()
    both, book = [Overlaid(), Overlaid()], ReachBook(store, lambda: of_rules("ab" * 6), rules=True)
    telling = [asyncio.create_task(ReachTeller(store, one, RULES_REACH).run()) for one in both]
    both[0].hear("ab" * 6)
    await book.until_first(book.revision, 60)
    both[1].hear("cd" * 6)
    await book.until_first(of_rules("cd" * 6), 60)
    assert (await book.of(of_rules("cd" * 6)), await book.of(book.revision)) == (Reach(2, 1), Reach(2, 1))
    assert (await ReachBook(store, lambda: bytes(12)).of(bytes(12))).sidecars == 0
    for task in telling:
        task.cancel()
    await store.close()
