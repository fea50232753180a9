"""The schema of the ledger and its migrations."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from ratelimit.core.errors import ConfigError
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.migrate import migrate
from ratelimit.ledger.tables.every import SCHEMA
from tests.ledger.database import empty_database, sqlite_url


def _differences(connection: Connection) -> Any:
    return compare_metadata(MigrationContext.configure(connection), SCHEMA)


async def test_tables(ledger: Ledger) -> None:
    """Migrations lead to exactly the tables that the queries know."""
    async with ledger.read() as connection:
        assert await connection.run_sync(_differences) == []


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[Ledger]]:
    """Two programs' ledgers on one database without a table."""
    url = sqlite_url(tmp_path) if request.param == "sqlite" else await empty_database(request.getfixturevalue("postgres_socket"))
    ledgers = [Ledger(url), Ledger(url)]
    yield ledgers
    for ledger in ledgers:
        await ledger.close()


async def test_once(empty: list[Ledger]) -> None:
    """Several that start together on an empty database migrate it once, and one that starts later has nothing to do."""
    assert sorted(await asyncio.gather(*map(migrate, empty))) == [False, True]
    assert not await migrate(empty[0])


async def test_newer(ledger: Ledger) -> None:
    """A schema of a newer version is refused by name, and left alone."""
    async with ledger.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match=r"schema is 9999.*use a newer version"):
        await migrate(ledger)
