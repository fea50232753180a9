"""A rule as the policy's file writes it: plain data, and the lines in which people read, edit and compare it.

The lines are YAML that reads back as the same rule. A long condition is broken before its && and ||, which YAML folds into spaces again.
"""

import json
import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, Final, Literal, NamedTuple

import msgspec

from ratelimit.core.rule import Rule
from ratelimit.core.units import Duration

WIDTH: Final = 88  # of a condition's line, in characters
_ORDER: Final = (
    "on", "of", "when", "then", "action", "hold", "lapse", "bucket", "for", "scope", "mode", "canary", "reason",
)  # fmt: skip
_UNITS: Final = (("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000), ("ms", 1_000))
_PLAIN: Final = re.compile(r"[A-Za-z(][^\n]*[^\s:]|[a-z0-9]")
_SPECIAL: Final = re.compile(r": | #|^(?:true|false|null|True|False|Null|TRUE|FALSE|NULL)$")
_QUOTED: Final = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")

Sign = Literal[" ", "+", "-"]


class DiffLine(NamedTuple):
    """One line of two texts side by side: `number` counts in the newer one, and is None for what is only in the older."""

    number: int | None
    sign: Sign
    text: str


def plain_rule(rule: Rule) -> dict[str, Any]:
    """A rule as plain data in the way the file writes it, without what is the default."""
    given: dict[str, Any] = {"name": rule.name}
    for field in msgspec.structs.fields(rule):
        value = getattr(rule, field.name)
        if field.name != "name" and (field.required or value != field.default):
            given[field.encode_name] = _plain(value)
    return {name: given[name] for name in ("name", *_ORDER) if name in given}


def _plain(value: Any) -> Any:
    if isinstance(value, Duration):
        return shown_duration(value)
    return msgspec.to_builtins(value) if not isinstance(value, tuple) else list(value)


def shown_duration(span: Duration) -> str:
    """In the largest unit of which it is a whole number."""
    unit, us = next(((unit, us) for unit, us in _UNITS if span.us and span.us % us == 0), ("ms", 1_000))
    return f"{span.us // us}{unit}"


def rule_lines(rule: Mapping[str, Any]) -> list[str]:
    """The lines of a rule that is plain data; its name stands above them and not in them."""
    known = [name for name in _ORDER if name in rule]
    rest = [name for name in rule if name not in _ORDER and name != "name"]
    return [line for name in (*known, *rest) for line in _field(str(name), rule[name])]


def _field(name: str, value: Any) -> Iterator[str]:
    if name == "when" and isinstance(value, str):
        yield from _condition(value)
    else:
        yield f"{name}: {value if isinstance(value, str) and _is_plain(value) else _flow(value)}"


def _flow(value: Any) -> str:
    if isinstance(value, str):
        return value if _is_plain(value) and "," not in value else json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    return json.dumps(value)


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and _SPECIAL.search(text) is None and not set(text) & set("[]{}&*?|>@`\"'%!\x7f\x85\ufeff")


def _condition(text: str) -> Iterator[str]:
    given = text.strip().split("\n")
    lines = given if len(given) > 1 else _broken(given[0])
    foldable = len(given) == 1 and lines[0][:1].isalpha() and not any(": " in line or " #" in line for line in lines)
    if foldable and text == text.strip() and text.isprintable():
        yield f"when: {lines[0]}"
        yield from (f"  {line}" for line in lines[1:])
    else:
        yield "when: |-" if len(given) > 1 else "when: >-"
        yield from (f"  {line}" for line in lines)


def _broken(condition: str) -> list[str]:
    """Cut before && and || outside of quotes, where it is one space that is cut, if it is long."""
    if len(condition) <= WIDTH // 2:
        return [condition]
    quoted = [range(*found.span()) for found in _QUOTED.finditer(condition)]
    lines, start, depth = [], 0, 0
    for place, sign in enumerate(condition):
        if any(place in span for span in quoted):
            continue
        depth += (sign in "([{") - (sign in ")]}")
        joint = condition[place - 1 : place + 2] in {" &&", " ||"} and condition[place - 2 : place - 1] != " "
        if joint and depth == 0:
            lines.append(condition[start : place - 1])
            start = place
    return [*lines, condition[start:]]


def compared(before: list[str], after: list[str]) -> list[DiffLine]:
    """The lines of `after`, and among them those of `before` that are gone."""
    found: list[DiffLine] = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found += [DiffLine(j + 1, " ", after[j]) for j in range(j1, j2)]
            continue
        found += [DiffLine(None, "-", line) for line in before[i1:i2]]
        found += [DiffLine(j + 1, "+", after[j]) for j in range(j1, j2)]
    return found
