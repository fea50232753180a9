"""A ledger for a test: a new SQLite file, or a new database of the one PostgreSQL server of the test run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex

import asyncpg

from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.migrate import migrate


async def new_database(socket: str) -> str:
    """The URL of a database of that server that nobody else uses."""
    name = f"ledger_{token_hex(6)}"
    connection = await asyncpg.connect(host=socket, user="ratelimit", database="postgres")
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()
    return f"postgresql://ratelimit@/{name}?host={socket}"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Ledger]:
    """A ledger there, with its tables."""
    ledger = Ledger(url)
    try:
        await migrate(ledger)
        yield ledger
    finally:
        await ledger.close()


def sqlite_url(folder: Path) -> str:
    """The URL of a file in a folder."""
    return f"sqlite://{folder / 'ledger.db'}"
