"""Words that stand, on a real store: changed here, heard there, and right again after whatever went wrong in between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from ratelimit.core.identity import Caller
from ratelimit.core.standing import Standing, Target
from ratelimit.core.store_key import STANDING
from ratelimit.service.standings import Standings
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.standing_feed import StandingFeed
from tests.stores.asker import clock, until
from tests.stores.conftest import Node

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
