"""Makes rows of what messages say: text as the columns take it, signals in shadow as plain data."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import JSON, String, Table

from ratelimit.core.decision import ShadowFinding
from ratelimit.ledger.subjects import clean


class Fitting:
    """Fits the values of a row to the columns of its table: too long a text is cut, and no database takes all that a client can send."""

    def __init__(self, table: Table) -> None:
        self._texts = {column.key: column.type.length for column in table.c if isinstance(column.type, String)}
        self._trees = [column.key for column in table.c if isinstance(column.type, JSON)]

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row, changed in place."""
        for name, most in self._texts.items():
            value = row.get(name)
            if value is not None and (len(value) > (most or len(value)) or not value.isprintable()):
                row[name] = clean(value, most)
        for name in self._trees:
            row[name] = row.get(name) or None
        return row


def shadow_tree(shadow: Iterable[ShadowFinding]) -> Any:
    """As a column of JSON has it."""
    return msgspec.to_builtins(tuple(shadow))
