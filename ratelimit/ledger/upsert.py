"""What SQLite and PostgreSQL both know and SQL does not: to insert what is not there yet, or to change what is; long lists of numbers.

A list is one value, however long it is: the database makes it, and takes it back as one parameter, and nobody reads it between.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, Table, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def inserting(connection: AsyncConnection, table: Table) -> Any:
    """An insert that has `on_conflict_do_nothing` and `on_conflict_do_update`, of the database's dialect."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def listing(connection: AsyncConnection, numbers: ColumnElement[Any]) -> ColumnElement[Any]:
    """The list of all numbers in a column."""
    return func.json_group_array(numbers) if connection.dialect.name == "sqlite" else func.array_agg(numbers)


def listed(connection: AsyncConnection, numbers: Sequence[int] | str | None) -> Select[Any]:
    """The rows of such a list, or of numbers that are known here."""
    if connection.dialect.name == "sqlite":
        given = numbers if isinstance(numbers, str) else json.dumps(numbers or [])
        return select(func.json_each(given).table_valued("value").c.value)
    return select(func.unnest(cast(numbers or [], ARRAY(BigInteger))).column_valued("value"))
