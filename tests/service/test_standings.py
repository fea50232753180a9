"""Words that stand, on a real store: changed here, heard there, and right again after whatever went wrong in between."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from msgspec.structs import replace

from ratelimit.core.identity import Caller
from ratelimit.core.standing import Standing, Target
from ratelimit.core.standing_change import changed
from ratelimit.core.store_key import STANDING
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.standings import FullError, Standings
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.server import find_server
from ratelimit.stores.standing_feed import StandingFeed
from tests.stores.asker import clock, until
from tests.stores.conftest import Cluster, Node
from tests.stores.proxy import Proxy

ALICE = Target("account", "alice")
T0 = 1_800_000_000.0

Follow = Callable[..., Awaitable[Standings]]


def block(target: Target = ALICE, **fields: Any) -> Standing:
    return Standing(id="?", target=target, then="block", source="override", reason="stolen", author="eve", made_at=T0, **fields)


class Wall:
    """A wall clock that is set."""

    now = T0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
async def follow(wall: Wall) -> AsyncIterator[Follow]:
    """The standings of one sidecar on a store."""
    async with AsyncExitStack() as stack:

        async def open(url: str) -> Standings:
            store = RedisStore(Options(url, clock, 5.0))
            stack.push_async_callback(store.close)
            await store.open()
            standings = Standings(store, wall)
            telling = asyncio.create_task(StandingFeed(url).run(standings))
            stack.callback(telling.cancel)
            await standings.first()
            return standings

        yield open


@pytest.fixture
async def way(own_node: Node) -> AsyncIterator[Proxy]:
    """A way to the store that can be held up and cut."""
    proxy = Proxy(own_node.url)
    yield proxy
    await proxy.close()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Three nodes."""
    with contextlib.closing(Cluster(find_server())) as nodes:
        yield nodes


async def test_rules_leave_room(own_node: Node, follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where verdicts of rules have filled what they may, they find no room, and people still do."""
    here = await follow(own_node.url)
    monkeypatch.setattr("ratelimit.core.standing_change.MOST_STANDING", 5)
    rule = replace(block(), source="rule")
    for name in "abcd":
        await here.change(name, lambda _: rule)
    with pytest.raises(FullError):
        await here.change("e", lambda _: rule)
    assert await here.change("e", lambda _: block()) is not None
    with pytest.raises(FullError):
        await here.change("f", lambda _: block())


async def test_a_change_is_heard_of_and_so_is_its_end(own_node: Node, follow: Follow) -> None:
    """What one sidecar says another obeys, until it is taken away, and whoever comes later finds what stands."""
    here, there = await follow(own_node.url), await follow(own_node.url)
    await here.change("a", lambda _: block())
    assert here.of(Caller(account="alice")) is not None
    await until(lambda: there.of(Caller(account="alice")))
    assert (await follow(own_node.url)).get("a") == here.get("a")
    await there.change("a", lambda _: None)
    await until(lambda: here.get("a") is None)
    assert here.of(Caller(account="alice")) is None
    assert not own_node.client.hlen(STANDING)


async def test_words_are_changed_as_they_are_then(own_node: Node, follow: Follow) -> None:
    """Of many changes to one word at the same time none is lost, whoever makes them."""
    both = [await follow(own_node.url), await follow(own_node.url)]

    def count(word: Standing | None) -> Standing:
        return block(until=T0 + 1_000 + (0 if word is None or word.until is None else word.until - T0 - 1_000 + 1))

    await asyncio.gather(*(standings.change("a", count) for _ in range(6) for standings in both))
    word = both[0].get("a")
    await until(lambda: both[1].get("a") == both[0].get("a"))
    word = both[0].get("a")
    assert word is not None
    assert (word.version, word.until) == (12, T0 + 1_011)


async def test_nothing_changed_is_nothing_written(own_node: Node, follow: Follow) -> None:
    """A change to the same is no version and no message."""
    here = await follow(own_node.url)
    made = await here.change("a", lambda _: block())
    assert await here.change("a", lambda word: word) == made
    assert await here.change("b", lambda word: word) is None
    assert own_node.client.xlen(f"{STANDING}:changes") == 1


async def test_words_end_by_themselves(own_node: Node, follow: Follow, wall: Wall) -> None:
    """At its end a word is no more, without anybody saying so; those who listen are told, and it is taken from the store later."""
    here, there = await follow(own_node.url), await follow(own_node.url)
    told: list[tuple[bool, bool]] = []
    there.listeners.append(lambda before, after: told.append((before is not None, after is not None)))
    await here.change("a", lambda _: block(until=T0 + 60))
    await until(lambda: there.of(Caller(account="alice")))
    wall.now += 60
    assert there.of(Caller(account="alice")) is here.of(Caller(account="alice")) is None
    assert there.get("a") is None
    assert there.words([ALICE], "purchase") == []
    await until(lambda: len(told) == 2)
    assert told == [(False, True), (True, False)]
    assert there.index.requests == 0
    assert own_node.client.hlen(STANDING) == 1
    await here.clean()
    assert own_node.client.hlen(STANDING) == 0
    assert (await here.change("a", lambda word: block() if word is None else None)) is not None


async def test_late_comers_do_not_meet_what_has_ended(own_node: Node, follow: Follow, wall: Wall) -> None:
    """A word that has ended and lies in the store still is none."""
    here = await follow(own_node.url)
    await here.change("a", lambda _: block(until=T0 + 60))
    wall.now += 60
    assert len(await follow(own_node.url)) == 0


async def test_paused_and_cut_off(own_node: Node, way: Proxy, follow: Follow) -> None:
    """Whoever hears nothing for a while, and whose connection is then lost, knows afterwards what was said and what was taken back."""
    here, there = await follow(own_node.url), await follow(await way.start())
    await here.change("a", lambda _: block())
    await until(lambda: there.get("a"))
    way.replies.clear()
    await here.change("a", lambda _: None)
    await here.change("b", lambda _: block())
    way.cut()
    way.replies.set()
    await until(lambda: there.get("b"))
    assert there.get("a") is None
    await here.change("c", lambda _: block())
    await until(lambda: there.get("c"))


async def test_too_long_away(own_node: Node, way: Proxy, follow: Follow) -> None:
    """Where the stream has forgotten what was missed, that is seen, and all is read again."""
    here, there = await follow(own_node.url), await follow(await way.start())
    for id in "abc":
        await here.change(id, lambda _: block())
    await until(lambda: len(there) == 3)
    way.replies.clear()
    for id in "abc":
        await here.change(id, lambda _: None)
    await here.change("d", lambda _: block())
    await here.change("e", lambda _: block())
    own_node.client.xtrim(f"{STANDING}:changes", maxlen=1, approximate=False)
    way.replies.set()
    await until(lambda: there.get("d"))
    assert [word.id for word in there.all() if word.id in "abc"] == []


async def test_store_that_restarts(follow: Follow) -> None:
    """A store that comes back with what it had is followed on, and what is said then is heard."""
    with contextlib.closing(Node(find_server(), "--appendonly", "yes", "--appendfsync", "always")) as node:
        here, there = await follow(node.url), await follow(node.url)
        await here.change("a", lambda _: block())
        await until(lambda: there.get("a"))
        node.kill()
        node.start()
        assert there.get("a") is not None
        await _said(here, "b")
        await until(lambda: there.get("b"))


async def test_store_that_forgets(own_node: Node, follow: Follow) -> None:
    """The store is the truth: one that comes back empty has no words, and its numbers begin anew."""
    here, there = await follow(own_node.url), await follow(own_node.url)
    for id in "abc":
        await here.change(id, lambda _: block())
    await until(lambda: len(there) == 3)
    own_node.kill()
    own_node.start()
    await until(lambda: len(there) == len(here) == 0)
    await _said(here, "d")
    await until(lambda: there.get("d"))


async def _said(standings: Standings, id: str) -> None:
    """Say it as soon as the store can be asked."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(StoreAwayError):
                await standings.change(id, lambda _: block())
                return
            await asyncio.sleep(0.02)


async def test_own_changes_are_not_undone_by_what_was_read_before(own_node: Node, follow: Follow, wall: Wall) -> None:
    """A word that was taken away here stays away, though the stream and a reading of all, both from before, still tell of it."""
    here = await follow(own_node.url)
    await here.change("a", lambda _: block())
    store = RedisStore(Options(own_node.url, clock, 5.0))
    await store.open()
    mute = Standings(store, wall)  # nobody tells it anything but this test
    state = {id: bytes(found) for id, found in own_node.client.hgetall(STANDING).items()}
    entries = own_node.client.xrange(f"{STANDING}:changes")
    said = [changed(entry, [part for pair in fields.items() for part in pair]) for entry, fields in entries]
    mute.begin()
    mute.begun(said[-1].revision)
    mute.read(state)
    assert mute.get("a") is not None
    await mute.change("a", lambda _: None)
    mute.read(state)
    mute.changed(said)
    list(mute.finish())
    assert mute.get("a") is None
    await mute.change("b", lambda _: block())
    mute.begin()
    mute.begun(said[-1].revision)
    list(mute.finish())
    assert mute.get("b") is None  # the store has lost it: it read all after that
    mute.begin()
    mute.begun(b"\xff" * 12)
    await mute.change("c", lambda _: block())  # the answer comes after the stream has told of it, and of its end
    assert mute.get("c") is None
    await store.close()


async def test_cluster(cluster: Cluster, follow: Follow) -> None:
    """On a cluster all words and their changes lie on one node, which each sidecar finds."""
    here, there = await follow(cluster.url), await follow(cluster.nodes[1].url)
    await here.change("cluster", lambda _: block())
    await until(lambda: there.get("cluster"))
    await there.change("cluster", lambda _: None)
    await until(lambda: here.get("cluster") is None)


async def test_many_words_are_read_in_pieces(own_node: Node, follow: Follow) -> None:
    """However many there are, the loop goes on turning while they are read, and changes are heard meanwhile."""
    here = await follow(own_node.url)
    for first in range(0, 5_000, 500):
        await asyncio.gather(*(_account(here, number) for number in range(first, first + 500)))
    there = await follow(own_node.url)
    assert len(there) == 5_000
    assert there.of(Caller(account="4999")) is not None


async def _account(standings: Standings, number: int) -> None:
    await standings.change(f"w{number}", lambda _: block(Target("account", str(number))))
