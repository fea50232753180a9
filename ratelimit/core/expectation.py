"""The words of messages about a file: a value as it was found, and what was expected in its place."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from operator import ge, gt, le, lt
from typing import Any, Final

from msgspec import inspect

from ratelimit.core.limit import LIMIT_NAME
from ratelimit.core.units import Duration

PATTERNS: Final = {  # what a text that fits the pattern looks like
    LIMIT_NAME: "lower-case letters, digits, - and _, at most 64 of them, such as 'key-free'",
}

_SHOWN: Final = 60  # characters of a value that are shown
_CLOSE: Final = 0.75  # of difflib: one letter missing in four is close
_NAME: Final = 40  # characters of a name that is worth a guess


def shown(data: object) -> str:
    """A value as a message quotes it: small ones as YAML writes them, long ones cut, without control characters."""
    match data:
        case None:
            return "nothing"
        case bool():
            return str(data).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case int() if data.bit_length() > 64:
            return "a number of many digits"
        case str():
            return repr(data if len(data) <= _SHOWN else f"{data[:_SHOWN]}…")
    return str(data)[:_SHOWN]


def expected(shape: inspect.Type) -> str:
    """What a value of `shape` looks like, in a few words."""
    match shape:
        case inspect.StructType():
            return "a mapping"
        case inspect.VarTupleType(item_type=item):
            return f"a list, each {expected(item)}"
        case inspect.LiteralType(values=choices):
            return choices_of(choices)
        case inspect.NamedTupleType(cls=cls) if cls is Duration:
            return "a duration such as '120s' or '24h'"
        case inspect.NamedTupleType():
            return "tokens per time such as '10/s' or '100/min'"
        case inspect.IntType(ge=least):
            return "an integer" if least is None else f"an integer >= {least}"
        case inspect.FloatType():
            return "a number " + " and ".join(f"{sign} {bound:g}" for sign, bound, _ in _bounds(shape))
        case inspect.UnionType(types=(inner, _)):
            return expected(inner)
    return "a text"


def within(shape: inspect.FloatType, number: float) -> bool:
    """Whether a number keeps every bound of `shape`, which has one at least on each side."""
    return all(keeps(number, bound) for _, bound, keeps in _bounds(shape))


def _bounds(shape: inspect.FloatType) -> list[tuple[str, float, Callable[[float, float], bool]]]:
    signs = ((">", shape.gt, gt), (">=", shape.ge, ge), ("<", shape.lt, lt), ("<=", shape.le, le))
    return [(sign, bound, keeps) for sign, bound, keeps in signs if bound is not None]


def choices_of(choices: tuple[Any, ...]) -> str:
    """The values that a field may have."""
    return str(choices[0]) if len(choices) == 1 else f"one of {', '.join(map(str, choices))}"


def meant(name: object, known: Iterable[Any]) -> str:
    """The tail of a message that names the one of `known` closest to `name`; nothing if none is close."""
    if not isinstance(name, str) or len(name) > _NAME:
        return ""
    by_lower = {str(one).lower(): one for one in known}
    close = get_close_matches(name.lower(), by_lower, n=1, cutoff=_CLOSE)
    return f" (did you mean '{by_lower[close[0]]}'?)" if close else ""
