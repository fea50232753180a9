"""What a sidecar tells comes into the ledger once, whatever ends in between."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from functools import partial
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
from ratelimit.service import recorder
from ratelimit.service.ask import ask
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.server import find_server
from tests.ledger.database import lent_database, opened
from tests.review.ledger_stream import NOW, decided, intake_of, send
from tests.service.conftest import PATIENCE_S, clock
from tests.stores.conftest import Node

SOCKET = ".s.PGSQL.5432"


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


async def test_away_for_long(store: RedisStore, postgres_socket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under load the stream takes so many and no more, what it does not take is counted, and the same worker writes all of it later."""
    monkeypatch.setattr(recorder, "putting", partial(record_stream.putting, most=1_000))
    sender = recorder.Recorder(store, lambda: NOW - 60)
    for number in range(1_300):
        sender.put(decided(number))
    assert await sender.flush()
    assert sender.counts == {"sent": 1_000, "full": 300}
    async with lent_database(postgres_socket) as url, opened(url) as there:
        gone = Ledger(url.replace(postgres_socket, str(tmp_path)))  # the same one, at a socket that is not there
        here = worker(store, gone)
        for _ in range(5):
            with pytest.raises(LedgerAwayError):
                await here.work(idle_ms=0)
        await here.look()
        assert (here.away, here.state.messages, here.state.pending, here.lag_s) == (True, 1_000, 2, 60.0)  # no more were taken
        (tmp_path / SOCKET).symlink_to(Path(postgres_socket) / SOCKET)
        while await here.work(idle_ms=0):
            pass
        await gone.close()
        assert await records(there) == 1_000
    here._look_at = 0.0
    await here.look()
    assert (here.away, here.state.messages, here.counts["new"], here.counts["refused"]) == (False, 0, 1_000, 0)


async def test_two_at_once(node: Node, store: RedisStore, ledger: Ledger) -> None:
    """Two processes that take from one stream share the work, and each record and who met whom is counted once."""
    await send(store, [decided(number, account=f"a{number % 7}") for number in range(2_500)])
    async with AsyncExitStack() as stack:
        workers = []
        for _ in range(2):
            own = RedisStore(Options(node.url, clock, PATIENCE_S, "check"))
            stack.push_async_callback(own.close)
            await own.open()
            beside = Ledger(ledger.url)
            stack.push_async_callback(beside.close)
            workers.append(worker(own, beside))

        async def drain(one: IntakeWorker) -> None:
            while await one.work():
                pass

        await asyncio.gather(*map(drain, workers))
    assert sum(one.counts["new"] for one in workers) == await records(ledger) == 2_500
    assert all(one.counts["new"] for one in workers)
    assert sum(one.counts["known"] for one in workers) == 0
    async with ledger.read() as connection:
        owned = (await connection.execute(select(func.sum(LINK.c["count"])).where(LINK.c.how == "owns"))).scalar_one()
    assert owned == 2_500


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
