"""Webhooks over a real store to a real receiver: each comes, once where nothing goes wrong, and nothing is lost where something does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import NamedTuple

import pytest
from aiohttp import ClientTimeout
from structlog.testing import capture_logs

from ratelimit.core.webhook import KEPT_S, Message, message_of
from ratelimit.service import webhook_queue
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.webhook_queue import CLAIM_S, Size, WebhookQueue
from ratelimit.service.webhook_sender import WebhookSender
from ratelimit.stores.client import RedisStore
from ratelimit.web import outgoing
from tests.core.test_webhook import NEW, OLD
from tests.service.holding import Wall
from tests.service.webhook_receiver import Receiver
from tests.stores.conftest import Node


class Site(NamedTuple):
    wall: Wall
    queue: WebhookQueue
    sender: WebhookSender
    receiver: Receiver
    store: RedisStore
    stack: AsyncExitStack

    async def other(self) -> WebhookSender:
        """The same in another process."""
        queue = WebhookQueue(self.store, self.wall)
        return WebhookSender(queue, await self.receiver.poster(self.stack), [NEW], self.wall)


@pytest.fixture
async def site(store: RedisStore) -> AsyncIterator[Site]:
    """A receiver that knows the newer of the two secrets that we sign by."""
    async with AsyncExitStack() as stack:
        wall, receiver = Wall(), await Receiver(NEW).start()
        stack.push_async_callback(receiver.stop)
        queue = WebhookQueue(store, wall)
        yield Site(wall, queue, WebhookSender(queue, await receiver.poster(stack), [OLD, NEW], wall), receiver, store, stack)


def message(site: Site, purchase: str = "p1") -> Message:
    return message_of("hold.changed", site.wall.now, {"purchase": purchase, "state": "held"}, purchase)


async def test_told_once(site: Site) -> None:
    """What is added twice is told once, and not again when it is added after it was told."""
    told = message(site)
    assert [await site.queue.add(told), await site.queue.add(told)] == [True, False]
    assert [await site.sender.turn(), await site.sender.turn()] == [1, 0]
    assert await site.queue.add(told) is False
    assert await site.sender.turn() == 0
    assert [(reference, said["data"]["purchase"]) for reference, said in site.receiver.got] == [(told.id, "p1")]
    assert (dict(site.sender.told), site.sender.size) == ({"taken": 1}, Size(0, 0))


async def test_two_processes_share_the_work(site: Site) -> None:
    """Of a hundred messages two processes send each once."""
    other = await site.other()
    for n in range(100):
        await site.queue.add(message(site, f"p{n}"))
    while await site.sender.turn() + await other.turn():
        pass
    assert len(site.receiver.ids) == len(set(site.receiver.ids)) == 100


async def test_failure_is_tried_again(site: Site) -> None:
    """A message that the receiver did not take comes again when its wait is over, and under the same id."""
    site.receiver.statuses[:] = [500, 429]
    await site.queue.add(message(site))
    for after in (0, 0, 7, 7, 20):
        site.wall.now += after
        await site.sender.turn()
    assert len(site.receiver.got) == 3
    assert len(set(site.receiver.ids)) == 1
    assert dict(site.sender.told) == {"failed": 2, "taken": 1}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirect_is_not_followed(site: Site, status: int) -> None:
    """What the receiver says elsewhere is not asked there: it is a failure."""
    site.receiver.statuses[:] = [status]
    await site.queue.add(message(site))
    await site.sender.turn()
    assert (len(site.receiver.got), dict(site.sender.told)) == (1, {"failed": 1})


async def test_receiver_that_is_away(site: Site) -> None:
    """While nobody listens nothing is lost; when they do again, all comes."""
    await site.receiver.stop()
    for n in range(3):
        await site.queue.add(message(site, f"p{n}"))
    assert await site.sender.turn() == 3
    await site.receiver.start()
    site.wall.now += 10
    assert await site.sender.turn() == 3
    assert len(set(site.receiver.ids)) == 3
    assert site.sender.size == Size(0, 0)


async def test_slow_receiver(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not answer in time has not taken it."""
    monkeypatch.setattr(outgoing, "TIMEOUT", ClientTimeout(total=0.05))
    sender = await site.other()
    site.receiver.wait = asyncio.Event()
    await site.queue.add(message(site))
    await sender.turn()
    site.receiver.wait.set()
    site.wall.now += 10
    await sender.turn()
    assert dict(sender.told) == {"failed": 1, "taken": 1}
    assert len(set(site.receiver.ids)) == 1


async def test_process_that_ends_midway(site: Site) -> None:
    """What a process took and never said anything about is taken by another when its claim is over."""
    await site.queue.add(message(site))
    (taken,) = await site.queue.take(8)
    other = await site.other()
    assert await other.turn() == 0
    site.wall.now += CLAIM_S + 1
    assert await other.turn() == 1
    assert site.receiver.ids == [taken.id]


async def test_given_up(site: Site) -> None:
    """After a day a message is given up and shown; by hand it is tried again for another day."""
    await site.receiver.stop()
    await site.queue.add(message(site))
    begun = site.wall.now
    with capture_logs() as logs:
        while not await site.queue.dead(9):
            await site.sender.turn()
            site.wall.now += 3_000
    assert KEPT_S * 0.7 < site.wall.now - begun <= KEPT_S + 6_000
    (dead,) = await site.queue.dead(9)
    assert dead.error == "could not be reached: ClientConnectorError"
    assert [entry["id"] for entry in logs] == [dead.id]
    assert (await site.queue.size(), site.sender.told["given_up"]) == (Size(0, 1), 1)
    site.wall.now = begun  # a receiver refuses what is not of now
    await site.receiver.start()
    assert [await site.queue.revive("msg_nobody"), await site.queue.revive(dead.id), await site.queue.revive(dead.id)] == [
        False,
        True,
        False,
    ]
    assert (await site.sender.turn(), await site.queue.dead(9), await site.queue.size()) == (1, [], Size(0, 0))


async def test_latest_dead_are_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many that are given up the latest stay, and nothing of the others."""
    monkeypatch.setattr(webhook_queue, "MOST_DEAD", 2)
    for n in range(4):
        await site.queue.add(message(site, f"p{n}"))
        (taken,) = await site.queue.take(1)
        await site.queue.bury(taken)
        site.wall.now += 1
    assert [dead.id for dead in await site.queue.dead(9)] == [message(site, f"p{n}").id for n in (3, 2)]
    assert await site.queue.size() == Size(0, 2)


async def test_late_word_about_a_message(site: Site) -> None:
    """Of a message that another process has seen to meanwhile, nothing comes back."""
    await site.queue.add(message(site))
    (taken,) = await site.queue.take(1)
    await site.queue.drop(taken)
    await site.queue.put(taken, site.wall.now)
    await site.queue.bury(taken)
    assert (await site.queue.size(), await site.queue.dead(9), await site.queue.take(9)) == (Size(0, 0), [], [])


async def test_store_that_is_away(site: Site, own_node: Node) -> None:
    """Without the store nothing is sent, and the sender goes on looking."""
    own_node.close()
    with capture_logs():
        assert await site.sender.turn() == 0
        with pytest.raises(StoreAwayError):
            await site.queue.add(message(site))
