"""Very many rows with one statement, past what makes SQL of Python expressions: for the intake, where each microsecond is of every row.

PostgreSQL is given a column as one array, and so works through a statement once for all rows; SQLite has no round trips, and is given rows.
Values are as the driver takes them: a tree is its JSON as text.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import JSON, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

AT_ONCE: Final = 500  # values in one statement of SQLite

_TYPES: Final = postgresql.dialect()  # type: ignore[no-untyped-call]


class Insert:
    """Inserts rows, each with values of `names` in their order. `conflict` is what follows ON CONFLICT, as both databases say it."""

    def __init__(self, table: Table, names: Sequence[str], conflict: str = "DO NOTHING") -> None:
        columns = [table.c[name] for name in names]
        into = f'INSERT INTO "{table.name}" ({_listed(names)})'
        given = [f'"{column.key}"::jsonb' if _is_tree(column) else f'"{column.key}"' for column in columns]
        arrays = ", ".join(f"${at}::{_type(column)}[]" for at, column in enumerate(columns, 1))
        self._rows = f"{into} VALUES ({', '.join('?' * len(columns))}) ON CONFLICT {conflict}"
        self._columns = f"{into} SELECT {', '.join(given)} FROM unnest({arrays}) AS given({_listed(names)}) ON CONFLICT {conflict}"  # noqa: S608  our own names

    async def __call__(self, connection: AsyncConnection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert them."""
        if not rows:
            return
        if connection.dialect.name == "sqlite":
            await connection.exec_driver_sql(self._rows, list(rows))
        else:
            await connection.exec_driver_sql(self._columns, _turned(rows))


class Look:
    """Reads `names` of the rows of a table whose `key`, one or several columns, is one of those that are given."""

    def __init__(self, table: Table, names: Sequence[str], key: Sequence[str]) -> None:
        arrays = ", ".join(f"${at}::{_type(table.c[name])}[]" for at, name in enumerate(key, 1))
        given, columns = f"given({_listed(key)})", _listed(names)
        place = " AND ".join(f'"{table.name}"."{name}" = given."{name}"' for name in key)
        self._mark = f"({', '.join('?' * len(key))})"
        self._with = f"WITH {given} AS (VALUES "
        # CROSS has SQLite, and OFFSET has PostgreSQL, look for each of those that are given by the index. Of its own accord the one would
        # read the whole table for a list of pairs, and the other for a long list, which it takes for cheaper than it is
        self._rows = f') SELECT {columns} FROM given CROSS JOIN "{table.name}" USING ({_listed(key)})'  # noqa: S608  our own names
        one = f'SELECT {columns} FROM "{table.name}" WHERE {place} OFFSET 0'  # noqa: S608
        self._columns = f"SELECT found.* FROM unnest({arrays}) AS {given} CROSS JOIN LATERAL ({one}) AS found"  # noqa: S608

    async def __call__(self, connection: AsyncConnection, keys: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Those that are there, in no order."""
        wanted = list(keys)
        if not wanted:
            return []
        if connection.dialect.name != "sqlite":
            return list((await connection.exec_driver_sql(self._columns, _turned(wanted))).all())
        found: list[Any] = []
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            statement = f"{self._with}{', '.join([self._mark] * len(some))}{self._rows}"
            found += (await connection.exec_driver_sql(statement, tuple(value for key in some for value in key))).all()
        return found


def _turned(rows: Sequence[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    """Their columns."""
    return tuple(map(list, zip(*rows, strict=True)))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _is_tree(column: Any) -> bool:
    return isinstance(column.type, JSON)


def _type(column: Any) -> str:
    return "text" if _is_tree(column) else str(column.type.compile(dialect=_TYPES))
