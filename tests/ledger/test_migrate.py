"""The schema of the ledger and its migrations."""

import asyncio
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from ratelimit.core.errors import ConfigError
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.migrate import migrate
from ratelimit.ledger.tables.every import SCHEMA


def _differences(connection: Connection) -> Any:
    return compare_metadata(MigrationContext.configure(connection), SCHEMA)


async def test_tables(ledger: Ledger) -> None:
    """Migrations lead to exactly the tables that the queries know."""
    async with ledger.read() as connection:
        assert await connection.run_sync(_differences) == []


async def test_once(ledger: Ledger) -> None:
    """Several that start together migrate once, and one that starts later has nothing to do."""
    assert list(await asyncio.gather(migrate(ledger), migrate(ledger))) == [False, False]


async def test_newer(ledger: Ledger) -> None:
    """A schema of a newer version is refused by name, and left alone."""
    async with ledger.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match=r"schema is 9999.*use a newer version"):
        await migrate(ledger)
