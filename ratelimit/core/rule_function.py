"""The functions that a condition can call: of CEL's own those that cannot fail when they are run, and what each takes and gives."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from ratelimit.core.rule_names import Type

NUMBERS: Final = frozenset[Type]({"number", "integer"})


class Function(NamedTuple):
    """`takes` are the types of each argument, with what it is called on first; a `method` is called on something."""

    takes: tuple[frozenset[Type], ...]
    gives: Type
    method: bool
    like: str


_TEXT: Final = frozenset[Type]({"text"})
_OF_TEXT: Final = (_TEXT, _TEXT)
FUNCTIONS: Final[Mapping[str, Function]] = {
    "has": Function((), "bool", method=False, like="has(purchase.NAME)"),
    "size": Function((_TEXT,), "integer", method=False, like="size(TEXT)"),
    "startsWith": Function(_OF_TEXT, "bool", method=True, like="TEXT.startsWith(TEXT)"),
    "endsWith": Function(_OF_TEXT, "bool", method=True, like="TEXT.endsWith(TEXT)"),
    "contains": Function(_OF_TEXT, "bool", method=True, like="TEXT.contains(TEXT)"),
    "matches": Function(_OF_TEXT, "bool", method=True, like="TEXT.matches('PATTERN')"),
    "double": Function((NUMBERS,), "number", method=False, like="double(INTEGER)"),
    "int": Function((NUMBERS,), "integer", method=False, like="int(NUMBER)"),
    "string": Function((NUMBERS | {"bool"},), "text", method=False, like="string(NUMBER)"),
}
