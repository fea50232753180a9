"""The ledger of a process that serves: it comes when it comes, and whoever asks before is told so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from ratelimit.books import Books
from ratelimit.core.message import Entity
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.subjects import Subjects
from ratelimit.ledger.tables.audit import AUDIT
from ratelimit.settings import read_settings
from tests.ledger.database import empty_database


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as made:
        yield made


def begun(folder: Path, stack: AsyncExitStack, **environment: str) -> Books:
    return Books.begin(read_settings({"RATELIMIT_DATA": str(folder), **environment}), stack)


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def count(books: Ledger) -> int:
    async with books.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(AUDIT))).scalar_one())


async def test_opened_in_the_background(tmp_path: Path, stack: AsyncExitStack) -> None:
    """Whoever comes at once waits for its tables; its key is made once."""
    books = begun(tmp_path / "data", stack)
    assert await count(books) == 0
    assert books.away_since is None
    assert begun(tmp_path / "data", stack).keys == books.keys == ((tmp_path / "data" / "ledger.key").read_bytes(),)


async def test_not_there(tmp_path: Path, stack: AsyncExitStack) -> None:
    """A server that does not answer is away, for the first as well, and why is known."""
    books = begun(tmp_path, stack, RATELIMIT_DATABASE_URL=f"postgresql://nobody@/none?host={tmp_path}", RATELIMIT_LEDGER_KEY="ab" * 32)
    for _ in range(2):
        with pytest.raises(LedgerAwayError, match="No such file"):
            await count(books)
    assert books.away_since is not None


async def test_postgres(tmp_path: Path, stack: AsyncExitStack, postgres_socket: str) -> None:
    """The one that the settings name, with the key that they bring."""
    url = await empty_database(postgres_socket)
    books = begun(tmp_path, stack, RATELIMIT_DATABASE_URL=url, RATELIMIT_LEDGER_KEY="ab" * 32)
    await asyncio.wait_for(books.opened.wait(), 60)
    assert (await count(books), books.keys) == (0, (b"\xab" * 32,))
    assert files(tmp_path) == []


async def test_newer_schema(tmp_path: Path, stack: AsyncExitStack) -> None:
    """A ledger that a newer version has written to stays away, and says why."""
    books = begun(tmp_path, stack)
    await asyncio.wait_for(books.opened.wait(), 60)
    async with books.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    later = begun(tmp_path, stack)
    await asyncio.wait_for(later._tried.wait(), 60)
    with pytest.raises(LedgerAwayError, match="use a newer version"):
        await count(later)


async def test_another_key(tmp_path: Path, stack: AsyncExitStack) -> None:
    """A ledger whose key was lost stays away, and says why; with the old key behind a new one it is there."""
    first = begun(tmp_path, stack, RATELIMIT_LEDGER_KEY="ab" * 32)
    await asyncio.wait_for(first.opened.wait(), 60)
    async with first.write() as connection:
        await Subjects(first.keys).ids(connection, [Entity("account", "a1")], 1.0)
    for keys, there in (("cd" * 32, False), (f"{'cd' * 32},{'ab' * 32}", True)):
        later = begun(tmp_path, stack, RATELIMIT_LEDGER_KEY=keys)
        await asyncio.wait_for(later._tried.wait(), 60)
        assert later.opened.is_set() is there
        assert there or "not what the ledger was written with" in str(later.why)


async def test_away_and_back(tmp_path: Path, stack: AsyncExitStack) -> None:
    """Since when it is away is known, until somebody finds it there."""
    books = begun(tmp_path, stack)
    await asyncio.wait_for(books.opened.wait(), 60)
    await books.engine.dispose()
    (tmp_path / "ledger.db").rename(tmp_path / "else")
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(LedgerAwayError):
        await count(books)
    assert books.away_since is not None
    (tmp_path / "ledger.db").rmdir()
    (tmp_path / "else").rename(tmp_path / "ledger.db")
    assert await count(books) == 0
    assert books.away_since is None
