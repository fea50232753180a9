"""A ledger for a test: a new SQLite file, or a new database of the one PostgreSQL server of the test run.

The migrations make the tables once in a process; each further ledger is a copy of the first, which costs a tenth of the time.
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

_FIRST: dict[str, str] = {}  # what is copied: by the socket of its server, or by "sqlite" the file
_FOLDER = tempfile.TemporaryDirectory(prefix="rl-ledger-")  # of that file; goes with the process


async def empty_database(socket: str, template: str = "template1") -> str:
    """The URL of a database of that server that nobody else uses; without a table, unless the template has some."""
    name = f"ledger_{token_hex(6)}"
    connection = await asyncpg.connect(host=socket, user="ratelimit", database="postgres")
    await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    await connection.close()
    return f"postgresql://ratelimit@/{name}?host={socket}"


async def new_database(socket: str) -> str:
    """The URL of a database of that server that nobody else uses, with the ledger's tables."""
    if socket not in _FIRST:
        url = await empty_database(socket)
        await _make_tables(url)
        _FIRST[socket] = url.removeprefix("postgresql://ratelimit@/").partition("?")[0]
    return await empty_database(socket, _FIRST[socket])


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
