"""Makes rows of what messages say: text as the columns take it, signals in shadow as plain data."""

from collections.abc import Iterable, Sequence
from sys import maxsize
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


class FittingInOrder:
    """The same for values that stand in the order of `names`."""

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        types = [table.c[name].type for name in names]
        self._texts = [(at, type_.length or maxsize) for at, type_ in enumerate(types) if isinstance(type_, String)]

    def __call__(self, values: list[Any]) -> tuple[Any, ...]:
        """The values of a row."""
        for at, most in self._texts:
            value = values[at]
            if value is not None and (len(value) > most or not value.isprintable()):
                values[at] = clean(value, most)
        return tuple(values)


def packed_tree(shadow: tuple[ShadowFinding, ...]) -> str | None:
    """As text of JSON; None: nothing stood in shadow."""
    return msgspec.json.encode(shadow).decode() if shadow else None


def shadow_tree(shadow: Iterable[ShadowFinding]) -> Any:
    """As a column of JSON has it."""
    return msgspec.to_builtins(tuple(shadow))
