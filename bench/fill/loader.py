"""Puts very many rows into a ledger quickly: without its indexes, which are made afterwards, and past the product's own writing."""

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy import Connection, Table

from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.migrate import migrate

_AT_ONCE: Final = 10_000
_FAST: Final = ("journal_mode=MEMORY", "synchronous=OFF", "temp_store=MEMORY", "cache_size=-262144", "locking_mode=EXCLUSIVE")

Rows = Iterable[Sequence[Any]]


class Loader:
    """Of an empty ledger at a URL such as RATELIMIT_DATABASE_URL's."""

    def __init__(self, url: str) -> None:
        self.url: Final = url
        self._is_file = url.startswith("sqlite")

    def prepare(self, tables: Sequence[Table]) -> None:
        """Make the tables, without the indexes of these."""
        asyncio.run(self._with_ledger(tables, make=True))

    def finish(self, tables: Sequence[Table]) -> None:
        """Make the indexes, and let the database look at what it has."""
        asyncio.run(self._with_ledger(tables, make=False))

    def load(self, table: Table, columns: Sequence[str], rows: Rows) -> Iterator[int]:
        """Write rows; how many there are so far, now and then."""
        return self._into_file(table, columns, rows) if self._is_file else self._into_server(table, columns, rows)

    def _into_file(self, table: Table, columns: Sequence[str], rows: Rows) -> Iterator[int]:
        connection = sqlite3.connect(urlsplit(self.url).path, isolation_level=None)
        for pragma in _FAST:
            connection.execute(f"PRAGMA {pragma}")
        names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
        done, given = 0, iter(rows)
        try:
            while some := list(islice(given, _AT_ONCE)):
                connection.execute("BEGIN")
                connection.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', some)  # noqa: S608  our own names
                connection.execute("COMMIT")
                done += len(some)
                yield done
        finally:
            connection.close()

    def _into_server(self, table: Table, columns: Sequence[str], rows: Rows) -> Iterator[int]:
        with asyncio.Runner() as runner:
            connection = runner.run(asyncpg.connect(self.url))
            done, given = 0, iter(rows)
            try:
                while some := list(islice(given, _AT_ONCE)):
                    runner.run(connection.copy_records_to_table(table.name, records=some, columns=list(columns)))
                    done += len(some)
                    yield done
            finally:
                runner.run(connection.close())

    async def _with_ledger(self, tables: Sequence[Table], *, make: bool) -> None:
        ledger = Ledger(self.url)
        try:
            if make:
                await migrate(ledger)
            async with ledger.write() as connection:
                await connection.run_sync(_drop if make else _create, tables)
            if not make:
                async with ledger.write() as connection:
                    await connection.exec_driver_sql("ANALYZE")
        finally:
            await ledger.close()


def _drop(connection: Connection, tables: Sequence[Table]) -> None:
    for table in tables:
        for index in table.indexes:
            index.drop(connection)


def _create(connection: Connection, tables: Sequence[Table]) -> None:
    for table in tables:
        for index in table.indexes:
            index.create(connection)
    if connection.dialect.name == "postgresql":
        for table in tables:
            key = next(iter(table.primary_key.columns))
            if key.autoincrement in {True, "auto"} and key.type.python_type is int and len(table.primary_key.columns) == 1:
                name = f"'\"{table.name}\"', '{key.name}'"
                connection.exec_driver_sql(
                    f'SELECT setval(pg_get_serial_sequence({name}), (SELECT coalesce(max("{key.name}"), 1) FROM "{table.name}")) '  # noqa: S608
                    f"WHERE pg_get_serial_sequence({name}) IS NOT NULL"
                )
