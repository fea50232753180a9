"""What SQLite and PostgreSQL both know and SQL does not: to insert what is not there yet, or to change what is; long lists."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Select, Table, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def inserting(connection: AsyncConnection, table: Table) -> Any:
    """An insert that has `on_conflict_do_nothing` and `on_conflict_do_update`, of the database's dialect."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def listed(connection: AsyncConnection, numbers: Sequence[int]) -> Select[Any]:
    """These numbers as rows: one parameter however many they are, where a list in a condition has one for each."""
    if connection.dialect.name == "sqlite":
        return select(func.json_each(json.dumps(numbers)).table_valued("value").c.value)
    return select(func.unnest(cast(numbers, ARRAY(BigInteger))).column_valued("value"))
