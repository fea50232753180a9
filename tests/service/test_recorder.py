"""What a process tells the ledger comes to the stream once, or is counted."""

import asyncio
from typing import Any

import pytest

from ratelimit.core import record_stream
from ratelimit.core.message import Lived, Message, unpacked
from ratelimit.service.ask import StoreAwayError, ask
from ratelimit.service.recorder import AT_ONCE, Recorder
from ratelimit.stores.client import RedisStore
from tests.stores.conftest import Node

NOW = 1_790_000_000.0


def event(number: int) -> Message:
    return Lived(f"e{number}", NOW, "login", "anna")


async def told(store: RedisStore) -> list[Message]:
    """All that is in the stream."""
    (answer,) = await ask(store, [record_stream.taking("test", 0, 1_000)])
    return [message for one in record_stream.taken(answer) for message in unpacked(one.packed)[0]]


async def test_all(store: RedisStore) -> None:
    """All that was told is there, in its order, in as many batches as it takes."""
    here = Recorder(store, lambda: NOW)
    for number in range(AT_ONCE + 1):
        here.later(event, number)
    here.put(event(-1))
    assert here.waiting == AT_ONCE + 2
    assert await here.flush()
    assert await told(store) == [event(number) for number in (*range(AT_ONCE + 1), -1)]
    assert (here.waiting, here.counts["sent"]) == (0, AT_ONCE + 2)


async def test_full(store: RedisStore) -> None:
    """What there is no room for is dropped and counted: here, and in the stream."""
    here = Recorder(store, lambda: NOW, most=2)
    for number in range(5):
        here.put(event(number))
    assert here.counts["full"] == 3
    await ask(store, [record_stream.putting("other", record_stream.MOST, b"", NOW)])
    await here.flush()
    assert (here.waiting, here.counts) == (0, {"full": 5})


async def test_bug(store: RedisStore) -> None:
    """What cannot be made into a message spoils no other."""

    def broken(_what: Any) -> Message:
        raise ZeroDivisionError

    here = Recorder(store, lambda: NOW)
    here.later(broken, 0)
    here.put(event(1))
    await here.flush()
    assert await told(store) == [event(1)]
    assert here.counts["broken"] == 1


async def test_away(store: RedisStore, own_node: Node) -> None:
    """While the store is away all waits, and comes when it is back; a batch that may have been stored keeps its id."""
    here = Recorder(store, lambda: NOW)
    here.put(event(1))
    own_node.kill()
    assert not await here.flush()
    here.put(event(2))
    assert here.waiting == 2
    own_node.start()
    for _ in range(1_000):
        if await here.flush():
            break
        await asyncio.sleep(0.01)
    assert await told(store) == [event(1), event(2)]


async def test_end(store: RedisStore, own_node: Node) -> None:
    """At the end what cannot be sent is lost, and counted as that."""
    here = Recorder(store, lambda: NOW)
    here.put(event(1))
    own_node.kill()
    with pytest.raises(StoreAwayError):
        await ask(store, [record_stream.asking_state(NOW)])
    await here.finish()
    assert here.counts == {"away": 1}


async def test_at_once(store: RedisStore) -> None:
    """Several that wait for it at once all have their messages in the stream then, each once."""
    here = Recorder(store, lambda: NOW)

    async def tell(number: int) -> bool:
        here.put(event(number))
        return await here.flush()

    assert await asyncio.gather(*(tell(number) for number in range(100))) == [True] * 100
    assert sorted(str(one) for one in await told(store)) == sorted(str(event(number)) for number in range(100))


async def test_cancelled(store: RedisStore) -> None:
    """What was being packed when the process was told to end is sent in the end."""
    here = Recorder(store, lambda: NOW)
    for number in range(AT_ONCE):
        here.put(event(number))
    flushing = asyncio.create_task(here.flush())
    await asyncio.sleep(0)
    flushing.cancel()
    await asyncio.gather(flushing, return_exceptions=True)
    await here.finish()
    assert await told(store) == [event(number) for number in range(AT_ONCE)]
    assert here.waiting == 0
