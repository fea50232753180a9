"""Reads decoded YAML into msgspec structs and reports every problem on the way, each with its path.

`msgspec.convert` stops at the first problem and its messages name neither the file nor what was found, so this walks the types as
`msgspec.inspect` describes them and knows just those that a policy is made of. What fields must be together is not its business: the checks
it is given say that, for each struct, from what was read so far.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, inspect

from ratelimit.core.errors import UnitError
from ratelimit.core.expectation import PATTERNS, choices_of, expected, meant, shown, within
from ratelimit.core.units import Duration, Refill

MAX_PROBLEMS: Final = 50  # shown at once; a file with more is no policy

Given = Mapping[str, Any]  # the fields of a struct that could be read
Data = Mapping[Any, Any]  # the same struct as it was written
Check = Callable[[Given, Data], Iterator[tuple[str, str]]]  # yields the path below the struct and what is wrong

_BAD: Final = object()  # stands for a value that has been reported
_PLAIN_NAME: Final = re.compile(r"\w{1,40}", re.ASCII)


class _Enough(Exception):  # noqa: N818 - ends the walk, no error of a user
    """There are so many problems that more would not help."""


class Reading:
    """One pass over one file's content: collects `problems`, each a line that begins with `source`."""

    def __init__(self, source: str, checks: Mapping[type[Struct], Check], not_built: Mapping[type[Struct], Mapping[str, str]]) -> None:
        self.problems: list[str] = []
        self._source = source
        self._checks = checks
        self._not_built = not_built

    def read(self, shape: inspect.Type, data: object) -> Any:
        """`data` as `shape`; meaningless where `problems` is not empty afterwards."""
        try:
            return self._value(shape, data, "$")
        except _Enough:
            self.problems.append(f"{self._source}: there are more problems; these are the first {MAX_PROBLEMS}")
            return _BAD

    def _report(self, at: str, text: str) -> object:
        self.problems.append(f"{self._source}: {at}: {text}")
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Enough
        return _BAD

    def _refuse(self, at: str, data: object, expected: str) -> object:
        return self._report(at, f"{shown(data)} is not allowed; expected {expected}")

    def _value(self, shape: inspect.Type, data: object, at: str) -> Any:
        match shape:
            case inspect.StructType():
                return self._struct(shape, data, at)
            case inspect.VarTupleType():
                return self._tuple(shape, data, at)
            case inspect.UnionType(types=(inner, inspect.NoneType())):
                return None if data is None else self._value(inner, data, at)
            case inspect.LiteralType(values=choices):
                return self._choice(choices, data, at)
            case inspect.NamedTupleType(cls=cls) if cls is Refill or cls is Duration:
                return self._quantity(cls, shape, data, at)
            case inspect.StrType():
                return self._text(shape, data, at)
            case inspect.IntType():
                return self._integer(shape, data, at)
            case inspect.FloatType():
                return self._number(shape, data, at)
            case inspect.BoolType():
                return data if isinstance(data, bool) else self._refuse(at, data, "true or false")
        raise TypeError(f"{at}: a policy has no way to write {shape}")

    def _struct(self, shape: inspect.StructType, data: object, at: str) -> Any:
        if not isinstance(data, dict):
            return self._refuse(at, data, f"a mapping with {', '.join(field.encode_name for field in shape.fields)}")
        before = len(self.problems)
        self._unknown(shape, data, at)
        given = {}
        for field in shape.fields:
            written = field.encode_name  # a word such as `for` is no name in Python
            if written in data:
                value = self._value(field.type, data[written], f"{at}.{written}")
                if value is not _BAD:
                    given[field.name] = value
            elif field.required:
                self._report(f"{at}.{written}", f"is missing; expected {expected(field.type)}")
        if check := self._checks.get(shape.cls):
            for below, text in check(given, data):
                self._report(at + below, text)
        return shape.cls(**given) if len(self.problems) == before else _BAD

    def _unknown(self, shape: inspect.StructType, data: dict[Any, Any], at: str) -> None:
        known = [field.encode_name for field in shape.fields]
        for name in data:
            if name in known:
                continue
            if name in (not_built := self._not_built.get(shape.cls, {})):
                self._report(f"{at}.{name}", f"is not built yet; {not_built[name]}")
                continue
            plain = isinstance(name, str) and _PLAIN_NAME.fullmatch(name)
            where = f"{at}.{name}" if plain else f"{at}[{shown(name)}]"
            self._report(where, f"is not a field here{meant(name if plain else None, known)}; expected one of {', '.join(known)}")

    def _tuple(self, shape: inspect.VarTupleType, data: object, at: str) -> Any:
        if not isinstance(data, list):
            return self._refuse(at, data, expected(shape))
        if len(data) < (shape.min_length or 0):
            return self._report(at, f"is empty; expected {expected(shape)}")
        if shape.max_length is not None and len(data) > shape.max_length:
            return self._report(at, f"has {len(data)} items; expected at most {shape.max_length}")
        items = tuple(self._value(shape.item_type, item, f"{at}[{index}]") for index, item in enumerate(data))
        return _BAD if any(item is _BAD for item in items) else items

    def _choice(self, choices: tuple[Any, ...], data: object, at: str) -> Any:
        if any(type(data) is type(choice) and data == choice for choice in choices):
            return data
        return self._refuse(at, data, choices_of(choices) + meant(data, choices))

    def _quantity(self, kind: type[Refill | Duration], shape: inspect.Type, data: object, at: str) -> Any:
        if not isinstance(data, str):
            return self._refuse(at, data, expected(shape))
        try:
            return kind.parse(data)
        except UnitError as error:
            return self._report(at, str(error))

    def _text(self, shape: inspect.StrType, data: object, at: str) -> Any:
        if not isinstance(data, str):
            return self._refuse(at, data, "a text" if isinstance(data, dict | list | None) else "a text, in quotes")
        if shape.pattern is not None and not re.fullmatch(shape.pattern, data):
            return self._refuse(at, data, PATTERNS[shape.pattern])
        if len(data) < (shape.min_length or 0):
            return self._refuse(at, data, "a text that is not empty")
        if shape.max_length is not None and len(data) > shape.max_length:
            return self._report(at, f"has {len(data)} characters; expected at most {shape.max_length}")
        return data

    def _integer(self, shape: inspect.IntType, data: object, at: str) -> Any:
        if not isinstance(data, int) or isinstance(data, bool):
            return self._refuse(at, data, expected(shape))
        if shape.ge is not None and data < shape.ge:
            return self._refuse(at, data, f"an integer >= {shape.ge}")
        if shape.le is not None and data > shape.le:
            return self._refuse(at, data, f"an integer <= {shape.le}")
        return data

    def _number(self, shape: inspect.FloatType, data: object, at: str) -> Any:
        if isinstance(data, bool) or not isinstance(data, int | float) or not within(shape, data):  # NaN and infinities are within nothing
            return self._refuse(at, data, expected(shape))
        return float(data)
