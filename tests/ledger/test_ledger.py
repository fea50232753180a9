"""Transactions of the ledger."""

import asyncio
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest
from sqlalchemy import func, insert, literal, select, text
from sqlalchemy.exc import OperationalError

from ratelimit.ledger.ledger import Ledger, LedgerAwayError, NoTextError
from ratelimit.ledger.schema import Tree
from ratelimit.ledger.tables.privacy import ERASURE
from tests.ledger.database import new_database, opened


async def _count(ledger: Ledger) -> int:
    async with ledger.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(ERASURE))).scalar_one())


async def _write(ledger: Ledger, fail: bool = False) -> None:
    async with ledger.write() as connection:
        await connection.execute(insert(ERASURE).values(kind="account", digest=b"x" * 16, at=0.0))
        if fail:
            raise ZeroDivisionError


async def test_all_or_nothing(ledger: Ledger) -> None:
    """What is written before an error is not there after it."""
    with pytest.raises(ZeroDivisionError):
        await _write(ledger, fail=True)
    assert await _count(ledger) == 0


async def test_together(ledger: Ledger) -> None:
    """Many who write at once all come to their turn."""
    await asyncio.gather(*(_write(ledger) for _ in range(30)))
    assert await _count(ledger) == 30


async def test_reads_one_state(ledger: Ledger) -> None:
    """Whoever reads sees the same state to the end, while others write."""
    count = select(func.count()).select_from(ERASURE)
    async with ledger.read() as connection:
        before = (await connection.execute(count)).scalar_one()
        await _write(ledger)
        assert (await connection.execute(count)).scalar_one() == before
    assert await _count(ledger) == before + 1


async def test_entangled(postgres_socket: str) -> None:
    """Of two that wait for one another one is told to come again, and nothing of it was made."""
    meeting = asyncio.Barrier(2)

    async def write(first: int, second: int) -> None:
        async with ledger.write() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": first})
            await connection.execute(insert(ERASURE).values(kind="account", digest=b"%d" % first, at=0.0))
            await meeting.wait()
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": second})

    async with opened(await new_database(postgres_socket)) as ledger:
        told = await asyncio.gather(write(1, 2), write(2, 1), return_exceptions=True)
        assert [type(one) for one in told if one is not None] == [LedgerAwayError]
        assert await _count(ledger) == 1


async def test_away(tmp_path: Path) -> None:
    """A database that is not there is a fault that has a name, and so is a file that is none."""
    (tmp_path / "noise.db").write_bytes(b"noise" * 2_000)
    for url in (f"sqlite://{tmp_path}/no/ledger.db", f"sqlite://{tmp_path}/noise.db", f"postgresql://nobody@/none?host={tmp_path}"):
        ledger = Ledger(url)
        with pytest.raises(LedgerAwayError):
            await _count(ledger)
        await ledger.close()
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:  # aiosqlite's, which lets go of its loop a moment after it failed
            await asyncio.to_thread(thread.join)


async def test_what_is_said_of_it(ledger: Ledger) -> None:
    """What goes to the log names neither the statement nor whom it was about."""
    with pytest.raises(LedgerAwayError) as caught:
        async with ledger.read():
            raise OperationalError("SELECT :whom", {"whom": "acc_42"}, OSError("it went away"))
    assert str(caught.value) == "it went away"


async def test_shutting_down(postgres_socket: str) -> None:
    """A server that ends our connections while it shuts down is away, which is no bug of ours."""
    url = await new_database(postgres_socket)
    async with opened(url) as ledger:
        with pytest.raises(LedgerAwayError):
            async with ledger.read() as connection:
                await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert await _count(ledger) == 0


@pytest.mark.parametrize("tree", [False, True])
async def test_no_text(ledger: Ledger, *, tree: bool) -> None:
    """Text that PostgreSQL does not take is said to be that, and its connection goes on."""
    wanted = select(literal({"text": "a\0b"}, Tree)) if tree else select(literal("a\0b"))
    with pytest.raises(NoTextError) if ledger.dialect == "postgresql" else nullcontext():
        async with ledger.write() as connection:
            await connection.execute(wanted)
    await _write(ledger)
