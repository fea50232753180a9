"""Tells apart at next to no cost what a condition cannot hold for from what CEL has to be asked about, which costs microseconds.

A screen looks at comparisons of one signal with a constant, at flags, and at how && and || join them; of whatever else there is it takes
for granted that it might hold. So it never passes over what CEL would say yes to. A missing value is NaN, which is in no relation to
anything: what hangs on it does not hold, which is CEL's word on it, too.
"""

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, Final

from ratelimit.core.rule_names import Name
from ratelimit.core.rule_syntax import Node, parse

# takes the values of a row and gives a bool; or the columns of many rows, and gives an array of them, or True where all might hold
Screen = Callable[[Any], Any]
Names = Mapping[str, Mapping[str, Name]]

_COMPARING: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}
_FROM_BEHIND: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}  # 3 < x is x > 3


def screen(source: str, names: Names) -> Screen:
    """The screen of a sound condition."""
    return _screen(parse(source), names) or (lambda _: True)


def _screen(node: Node, names: Names) -> Screen | None:
    """None: it might hold, whatever the values."""
    match node.kind:
        case "group":
            return _screen(node.branches[0], names)
        case "all":
            parts = [part for part in (_screen(branch, names) for branch in node.branches) if part is not None]
            return _joined(operator.and_, parts) if parts else None
        case "any":
            parts = [part for part in (_screen(branch, names) for branch in node.branches) if part is not None]
            return _joined(operator.or_, parts) if len(parts) == len(node.branches) else None
        case "select":
            column = _column(node, names)
            return None if column is None else _compared(operator.eq, column, 1.0)
        case "relation":
            return _relation(node, names)
    return None


def _relation(node: Node, names: Names) -> Screen | None:
    left, sign, right = node.parts
    if sign.text not in _COMPARING:
        return None
    if (constant := _constant(right)) is not None and (column := _column(left, names)) is not None:
        return _compared(_COMPARING[sign.text], column, constant)
    if (constant := _constant(left)) is not None and (column := _column(right, names)) is not None:
        return _compared(_COMPARING[_FROM_BEHIND[sign.text]], column, constant)
    return None


def _joined(join: Callable[[Any, Any], Any], parts: list[Screen]) -> Screen:
    if len(parts) == 1:
        return parts[0]
    first, *rest = parts
    return lambda values: reduce(join, (part(values) for part in rest), first(values))


def _compared(keeps: Callable[[Any, Any], Any], column: int, constant: float) -> Screen:
    return lambda values: keeps(values[column], constant)


def _column(node: Node, names: Names) -> int | None:
    if node.kind != "select":
        return None
    variable, name = node.parts
    return names[variable.text][name.text].column


def _constant(node: Node) -> float | None:
    if node.kind == "integer":
        return float(int(node.text, 16 if node.text.startswith("0x") else 10))
    return float(node.text) if node.kind == "number" else None
