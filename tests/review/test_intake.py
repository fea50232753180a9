"""What a sidecar tells comes into the ledger once, whatever ends in between."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import func, select

from ratelimit.core import record_stream
from ratelimit.core.message import Lived
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.tables.purchase import LIFE, LINK
from ratelimit.ledger.tables.record import RECORD
from ratelimit.review.intake import IDLE_MS, IntakeWorker
from ratelimit.service.ask import ask
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.server import find_server
from tests.review.ledger_stream import NOW, decided, intake_of, send
from tests.service.conftest import PATIENCE_S, clock
from tests.stores.conftest import Node


@pytest.fixture
def node() -> Iterator[Node]:
    """A Valkey for one test."""
    with closing(Node(find_server())) as made:
        yield made


@pytest.fixture
async def store(node: Node) -> AsyncIterator[RedisStore]:
    """A store on it."""
    opened = RedisStore(Options(node.url, clock, PATIENCE_S, "check"))
    await opened.open()
    yield opened
    await opened.close()


def worker(store: RedisStore, ledger: Ledger, now: float = NOW) -> IntakeWorker:
    return IntakeWorker(store, intake_of(ledger), lambda: now)


async def records(ledger: Ledger) -> int:
    async with ledger.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(RECORD))).scalar_one())


async def test_through(store: RedisStore, ledger: Ledger) -> None:
    """All that was told is in the ledger, and the stream is empty."""
    await send(store, [decided(number) for number in range(600)])
    here = worker(store, ledger)
    assert await here.work() == 2
    assert await here.work() == 1
    assert await here.work() == 0
    assert (await records(ledger), here.counts["new"]) == (600, 600)
    await here.look()
    assert (here.state.messages, here.state.pending, here.lag_s) == (0, 0, 0.0)


async def test_died_before_letting_go(store: RedisStore, ledger: Ledger) -> None:
    """A worker that died after it had written, and before it let the batch go, leaves it to another, which writes nothing twice."""
    await send(store, [decided(number) for number in range(10)])
    (answer,) = await ask(store, [record_stream.taking("dead", IDLE_MS, 2)])
    (taken,) = record_stream.taken(answer)
    dead = IntakeWorker(store, intake_of(ledger), lambda: NOW)
    await dead._write([taken])
    other = worker(store, ledger)
    assert await other.work() == 0
    assert await other.work(idle_ms=0) == 1
    assert (await records(ledger), other.counts["known"], other.counts["new"]) == (10, 10, 0)
    async with ledger.read() as connection:
        counts = (await connection.execute(select(LINK.c.count))).scalars().all()
    assert set(counts) == {10}


async def test_together(store: RedisStore, ledger: Ledger) -> None:
    """Two that write the same batch at the same time write it once."""
    await send(store, [decided(number) for number in range(10)])
    first, second = worker(store, ledger), worker(store, ledger)
    (answer,) = await ask(store, [record_stream.taking("x", IDLE_MS, 2)])
    taken = record_stream.taken(answer)
    await first._write(taken)
    await second._write(taken)
    assert await records(ledger) == 10
    assert first.counts + second.counts == {"new": 10, "known": 10}


async def test_lag(store: RedisStore, ledger: Ledger) -> None:
    """What waits is counted, and for how long."""
    await send(store, [decided(1), decided(2)], now=NOW - 30)
    here = worker(store, ledger)
    await here.look()
    assert (here.state.messages, here.lag_s) == (2, 30.0)


async def test_ledger_away(store: RedisStore, tmp_path: Path, ledger: Ledger) -> None:
    """While the ledger is away all stays in the stream, and is written when it is back."""
    await send(store, [decided(1)])
    gone = Ledger(f"postgresql://nobody@/none?host={tmp_path}")
    with pytest.raises(LedgerAwayError):
        await worker(store, gone).work()
    await gone.close()
    here = worker(store, ledger)
    assert await here.work(idle_ms=0) == 1
    assert await records(ledger) == 1


async def test_unreadable(store: RedisStore, ledger: Ledger) -> None:
    """What this version cannot read, and what no row can hold, is set aside with why; the rest is written."""
    unknown = msgspec.msgpack.encode([["sung", 1], msgspec.to_builtins(decided(1))])
    await ask(store, [record_stream.putting("b1", 2, unknown, NOW), record_stream.putting("b2", 1, b"\xc1", NOW)])
    bad = Lived("e2", NOW, None, "anna")  # type: ignore[arg-type]
    await send(store, [Lived("e1", NOW, "login", "anna"), bad, decided(2)])
    here = worker(store, ledger)
    while await here.work():
        pass
    assert await records(ledger) == 2
    assert here.counts["refused"] == 3
    whys = [one.why for one in await here.refused(10)]
    assert any("Invalid value 'sung'" in why for why in whys)
    assert any("malformed" in why for why in whys)
    async with ledger.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(LIFE))).scalar_one() == 1


async def test_tried_often(store: RedisStore, ledger: Ledger) -> None:
    """A batch that was taken again and again is written message by message, so that none can hold up the others for ever."""
    await send(store, [decided(1)])
    for consumer in "abcd":
        await ask(store, [record_stream.taking(consumer, 0, 1)])
    here = worker(store, ledger)
    assert await here.work(idle_ms=0) == 1
    assert await records(ledger) == 1


async def test_end(store: RedisStore, ledger: Ledger) -> None:
    """A worker that is ended finishes what it has taken, and what is still there."""
    here = worker(store, ledger)
    await send(store, [decided(number) for number in range(700)])
    running = asyncio.create_task(here.run())
    await asyncio.sleep(0)
    running.cancel()
    await here.finish()
    assert await records(ledger) == 700
    await here.look()
    assert here.state[:2] == (0, 0)
