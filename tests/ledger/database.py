"""A ledger for a test: a new SQLite file, or a new database of the one PostgreSQL server of the test run.

The migrations make the tables once in a process; each further ledger is a copy of the first, which costs a tenth of the time, and one of
PostgreSQL that is given back is emptied, which costs a hundredth.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex

import asyncpg

from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.migrate import migrate
from ratelimit.ledger.tables.every import SCHEMA

_FREE: list[str] = []  # databases that are empty again
_EMPTY = "; ".join(
    [
        "SET lock_timeout = '60s'",
        "SET session_replication_role = replica",  # so that no table waits for another
        *(str(table.delete()) for table in SCHEMA.sorted_tables),
        "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'",
    ]
)
_SCHEMA = "SELECT version_num, (SELECT count(*) FROM pg_attribute) FROM alembic_version"
_SHAPE: dict[str, list[asyncpg.Record]] = {}  # what that says of the first, by the socket of its server
_FIRST: dict[str, str] = {}  # what is copied: by the socket of its server, or by "sqlite" the file
_FOLDER = tempfile.TemporaryDirectory(prefix="rl-ledger-")  # of that file; goes with the process


async def empty_database(socket: str, template: str = "template1") -> str:
    """The URL of a database of that server that nobody else uses; without a table, unless the template has some."""
    name = f"ledger_{token_hex(6)}"
    async with _connection(_url("postgres", socket)) as connection:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return _url(name, socket)


def _url(name: str, socket: str) -> str:
    return f"postgresql://ratelimit@/{name}?host={socket}"


async def new_database(socket: str) -> str:
    """The URL of a database of that server that nobody else uses, with the ledger's tables."""
    if socket not in _FIRST:
        url = await empty_database(socket)
        await _make_tables(url)
        async with _connection(url) as connection:
            _SHAPE[socket] = await connection.fetch(_SCHEMA)
        _FIRST[socket] = url.removeprefix("postgresql://ratelimit@/").partition("?")[0]
    return await empty_database(socket, _FIRST[socket])


@asynccontextmanager
async def lent_database(socket: str) -> AsyncIterator[str]:
    """The URL of a database as `new_database` makes it, which is emptied for somebody else afterwards."""
    url = _FREE.pop() if _FREE else await new_database(socket)
    yield url
    async with _connection(url) as connection:
        if await connection.fetch(_SCHEMA) == _SHAPE[socket]:  # else a test changed what stays
            await connection.execute(_EMPTY)
            _FREE.append(url)


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Ledger]:
    """A ledger there, with its tables."""
    if url.startswith("sqlite://"):
        _begin(url.removeprefix("sqlite://"), await _first_file())
    ledger = Ledger(url)
    try:
        await migrate(ledger)
        yield ledger
    finally:
        await ledger.close()


def sqlite_url(folder: Path) -> str:
    """The URL of a file in a folder."""
    return f"sqlite://{folder / 'ledger.db'}"


def _begin(file: str, first: str) -> None:
    if not Path(file).exists():
        shutil.copyfile(first, file)


async def _first_file() -> str:
    if "sqlite" not in _FIRST:
        url = sqlite_url(Path(_FOLDER.name))
        await _make_tables(url)
        _FIRST["sqlite"] = url.removeprefix("sqlite://")
    return _FIRST["sqlite"]


async def _make_tables(url: str) -> None:
    ledger = Ledger(url)
    await migrate(ledger)
    await ledger.close()  # the last connection of a SQLite file writes its journal back, so that the file alone is whole
