"""Calls that somebody waits for, on a real store: their answers in order, all in one pipeline, and a clear word where there is none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from ratelimit.core.call import Call
from ratelimit.core.purchase_entry import PurchaseEntry, read, reading, writing
from ratelimit.service.ask import StoreAwayError, ask
from ratelimit.stores import lane
from ratelimit.stores.client import Options, RedisStore
from tests.service.conftest import clock
from tests.stores.asker import until
from tests.stores.conftest import Node
from tests.stores.proxy import Proxy

IMPATIENT_S = 0.05


def writes(count: int) -> list[Call]:
    return [writing(f"rl1:o:{uuid4()}", PurchaseEntry(f"p{number}")) for number in range(count)]


@pytest.fixture
async def proxy(own_node: Node) -> AsyncIterator[Proxy]:
    """A proxy before a Valkey of its own."""
    found = Proxy(own_node.url)
    yield found
    await found.close()


@pytest.fixture
async def hasty(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisStore]:
    """A store behind it for which nobody waits long; its replies may take as long as the test wants."""
    monkeypatch.setattr(lane, "HANG_S", 60.0)
    opened = RedisStore(Options(await proxy.start(), clock, IMPATIENT_S, "check"))
    await opened.open()
    yield opened
    await opened.close()


async def in_time(store: RedisStore, call: Call) -> list[Any]:
    """The answer of a store that is not held up, asked again where it was late all the same."""
    while True:
        with suppress(StoreAwayError):
            return await ask(store, [call])
        await asyncio.sleep(0.002)


async def test_answers_are_in_order(store: RedisStore) -> None:
    """However many there are, each has its own answer, and they go as one pipeline."""
    calls = writes(40)
    assert await ask(store, calls) == [[1, b""]] * 40
    pipelines = store.lanes[0].counts.pipelines
    answers = await ask(store, [reading(call.key) for call in reversed(calls)])
    assert [read("?", state).id for _, state in answers] == [f"p{number}" for number in reversed(range(40))]
    assert store.lanes[0].counts.pipelines - pipelines == 1


async def test_several_who_ask_in_one_turn_go_together(store: RedisStore) -> None:
    """Each gets what is theirs."""
    calls = writes(10)
    await ask(store, calls)
    pipelines = store.lanes[0].counts.pipelines
    found = await asyncio.gather(*(ask(store, [reading(call.key)]) for call in calls))
    assert [read("?", answers[0][1]).id for answers in found] == [f"p{number}" for number in range(10)]
    assert store.lanes[0].counts.pipelines - pipelines == 1


async def test_nothing_to_ask(store: RedisStore) -> None:
    """No call has no answer, and does not wait."""
    assert await ask(store, []) == []


async def test_a_store_that_was_never_reached() -> None:
    """Whoever asks is told at once."""
    store = RedisStore(Options("unix:///nowhere/s", clock, 1.0))
    with pytest.raises(StoreAwayError):
        await ask(store, writes(2))


async def test_a_slow_store(hasty: RedisStore, proxy: Proxy, own_node: Node) -> None:
    """When the deadline passes nobody waits, though what was sent was executed; when the store is back it answers again."""
    (call,) = writes(1)
    proxy.replies.clear()
    with pytest.raises(StoreAwayError):
        await ask(hasty, [call])
    await until(lambda: own_node.client.exists(call.key))
    with capture_logs():
        proxy.replies.set()
        await until(lambda: not hasty.away)
        await until(lambda: hasty.lanes[0].want(_Nobody()))
    ((_, state),) = await in_time(hasty, reading(call.key))
    assert read("?", state).version == 1


async def test_who_gives_up_before_the_call_is_sent_has_asked_nothing(store: RedisStore, own_node: Node) -> None:
    """A call that nobody waits for any more is not composed."""
    (call,) = writes(1)
    waiting = asyncio.ensure_future(ask(store, [call]))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await ask(store, writes(1))
    assert not own_node.client.exists(call.key)


async def test_a_refused_call(store: RedisStore, own_node: Node) -> None:
    """A key that holds something else is an error of the script, and so an answer that does not come."""
    own_node.client.hset("rl1:o:odd", "a", "b")
    with capture_logs() as logs, pytest.raises(StoreAwayError):
        await ask(store, [reading("rl1:o:odd")])
    assert [log["event"] for log in logs] == ["the store refused a call"]
    assert await ask(store, writes(1)) == [[1, b""]]


class _Nobody:
    """Asks for nothing."""

    key = ""

    def compose(self, _now_us: int) -> None:
        return None

    def answered(self, call: Call, answer: object, sent_us: int, now_us: int) -> None: ...

    def overdue(self) -> None: ...

    def unanswered(self, call: Call | None, now_us: int) -> None: ...
