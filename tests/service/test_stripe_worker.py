"""What becomes of Stripe's events: each once, whatever order they come in, also where workers end midway."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import pytest

from ratelimit.stores.client import RedisStore
from tests.service.stripe_site import Site, attempts_of, dump, purchase, site, story
from tests.stores.conftest import Node


@pytest.fixture
async def here(store: RedisStore, own_node: Node) -> AsyncIterator[Site]:
    """A site on a store of its own."""
    async with AsyncExitStack() as stack:
        yield await site(store, own_node.url, stack)


async def _run(store: RedisStore, node: Node, count: int, told: list[bytes], workers: int) -> Any:
    """The state after a whole run on an empty store."""
    node.client.flushall()
    async with AsyncExitStack() as stack:
        found = await site(store, node.url, stack)
        for number in range(count):
            for attempt in range(attempts_of(number)):
                await found.buy(purchase(number, attempt + 1))
        for start in range(0, len(told), 500):
            await found.tell(*told[start : start + 500])
            await found.worker.work()
        await found.work(workers)
        assert (await found.inbox.state())[::2] == (0, 0)
        assert (await found.inbox.state()).dead == 0
        return await dump(found, node.client, count)


@pytest.mark.parametrize(("events", "workers"), [(2_000, 3)])
async def test_order_and_duplicates_do_not_matter(store: RedisStore, own_node: Node, events: int, workers: int) -> None:
    """Ten thousand events with a fifth of duplicates, shuffled, and worked on by several, leave the very state that order leaves."""
    chance = Random(5)
    stories: list[list[bytes]] = []
    while sum(map(len, stories)) < events * 4 // 5:
        stories.append(story(len(stories), chance))
    in_order = [body for one in stories for body in one]
    repeated = [_again(body, chance) for body in chance.choices(in_order, k=events - len(in_order))]
    shuffled = in_order + repeated
    chance.shuffle(shuffled)
    assert len(shuffled) == events
    one = await _run(store, own_node, len(stories), in_order, 1)
    other = await _run(store, own_node, len(stories), shuffled, workers)
    for kind in one._fields:
        assert getattr(one, kind) == getattr(other, kind), kind
        assert getattr(one, kind)


def _again(body: bytes, chance: Random) -> bytes:
    """The same event, or another one that Stripe made of the same change."""
    return body if chance.random() < 0.5 else body.replace(b'"id": "evt_', b'"id": "evt_twin_', 1)
