"""The parts of a condition that can be looked at by themselves: what it joins by && at the top, of which none may fail.

Two uses are made of that. *Bounds* are those parts that compare one signal with a constant. To look at them costs next to nothing, and only
of what keeps them all need CEL be asked, which costs microseconds and has the last word. And a condition that is about the site *and* about
a purchase falls into those two, for a guard.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from ratelimit.core.rule_names import Name
from ratelimit.core.rule_syntax import Node, parse

_COMPARING: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}
_FROM_BEHIND: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}  # 3 < x is x > 3


class Bound(NamedTuple):
    """`variable.name` has to be in that relation to a constant. A missing value is in none."""

    variable: str
    name: str
    keeps: Callable[[Any, Any], Any]
    constant: float


def bounds(source: str, names: Mapping[str, Mapping[str, Name]]) -> tuple[Bound, ...]:
    """What a sound condition asks of single signals in any case; one that is a bool is 1 where it is true."""
    found = [_flag(part) or _bound(part) for part in _parts(parse(source))]
    return tuple(bound for bound in found if bound is not None and names[bound.variable][bound.name].signal)


def split(source: str, variable: str) -> tuple[str, str]:
    """What a sound condition says of one variable alone, and the rest of it, each a condition; empty where it says nothing."""
    alone: list[str] = []
    rest: list[str] = []
    for part in _parts(parse(source)):
        (alone if _variables(part) == {variable} else rest).append(f"({part.text})")
    return " && ".join(alone), " && ".join(rest)


def _parts(tree: Node) -> Iterator[Node]:
    if tree.kind == "group":
        yield from _parts(tree.branches[0])
    elif tree.kind == "all":
        for part in tree.branches:
            yield from _parts(part)
    else:
        yield tree


def _variables(node: Node) -> set[str]:
    if node.kind == "name":
        return {node.text}
    return {variable for part in node.branches for variable in _variables(part)}


def _flag(part: Node) -> Bound | None:
    found = _named(part)
    return Bound(*found, operator.eq, 1.0) if found is not None else None


def _bound(part: Node) -> Bound | None:
    if part.kind != "relation" or len(part.parts) != 3:
        return None
    left, right = part.branches
    sign = part.parts[1].text
    if sign not in _COMPARING:
        return None
    if (found := _named(left)) is not None and (constant := _constant(right)) is not None:
        return Bound(*found, _COMPARING[sign], constant)
    if (found := _named(right)) is not None and (constant := _constant(left)) is not None:
        return Bound(*found, _COMPARING[_FROM_BEHIND[sign]], constant)
    return None


def _named(node: Node) -> tuple[str, str] | None:
    if node.kind != "select":
        return None
    return node.parts[0].text, node.parts[1].text


def _constant(node: Node) -> float | None:
    if node.kind == "integer":
        text = node.text
        return float(int(text, 16 if text.startswith("0x") else 10))
    return float(node.text) if node.kind == "number" else None
