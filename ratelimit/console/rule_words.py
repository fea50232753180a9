"""How rules are spoken of: what they do, where they stand, and how their text is shown line by line. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from ratelimit.core.rule_text import DiffLine, compared, rule_lines
from ratelimit.ledger.rules import RuleVersion, Step

_FIELD: Final = re.compile(r"([a-z]+:)( ?)(.*)", re.DOTALL)
_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*[a-z_])")
STEPS: Final[Mapping[Step, str]] = {
    "draft": "Draft",
    "backtest": "Backtest",
    "shadow": "Shadow",
    "canary": "Canary",
    "live": "Live",
    "paused": "Paused",
    "replaced": "Replaced",
}
ON: Final = {"purchase": "on purchase", "request": "on request"}


class Piece(Struct, frozen=True):
    """A part of a line, in one style: field, number or plain."""

    text: str
    style: str = ""


class TextLine(Struct, frozen=True):
    """A line of a rule's text; `number` None: only the older text has it."""

    number: int | None
    sign: str
    pieces: tuple[Piece, ...]


def lines_of(rule: Mapping[str, Any], before: Mapping[str, Any] | None) -> tuple[TextLine, ...]:
    """The lines of a rule, with what is changed against an older one."""
    now = rule_lines(rule)
    found = compared(rule_lines(before), now) if before is not None else [DiffLine(place, " ", it) for place, it in enumerate(now, 1)]
    return tuple(TextLine(line.number, line.sign, tuple(_pieces(line.text))) for line in found)


def text_of(rule: Mapping[str, Any]) -> str:
    """A rule's text as it is edited."""
    return "\n".join(rule_lines({name: value for name, value in rule.items() if name not in {"mode", "canary"}}))


def _pieces(text: str) -> Iterator[Piece]:
    indent = text[: len(text) - len(text.lstrip())]
    rest = text[len(indent) :]
    found = _FIELD.match(rest) if not indent else None
    if found is not None:
        yield Piece(found[1] + found[2], "field")
        rest = found[3]
    elif indent:
        yield Piece(indent)
    at = 0
    for number in _NUMBER.finditer(rest):
        if number.start() > at:
            yield Piece(rest[at : number.start()])
        yield Piece(number[0], "number")
        at = number.end()
    if at < len(rest):
        yield Piece(rest[at:])


def does(rule: Mapping[str, Any]) -> str:
    """What a rule does where it holds, as `it ...`."""
    match rule.get("then"), rule.get("on"):
        case "block", _:
            return "blocks"
        case "allow", _:
            return "allows"
        case "review", _:
            return "opens a case"
        case _, "request":
            return "slows down"
    if rule.get("action") == "challenge":
        return "challenges"
    return f"holds {_percent(rule.get('hold', 0.5))} of the tokens"


def would(rule: Mapping[str, Any]) -> str:
    """The same of one that is not in force."""
    return f"would {_infinitive(does(rule))}"


def _infinitive(text: str) -> str:
    verb, _, rest = text.partition(" ")
    return f"{verb.removesuffix('s')} {rest}".strip()


def decision_of(rule: Mapping[str, Any]) -> str:
    """By which mark it is shown: allow, throttle, hold, block; "" for what opens a case alone."""
    then, on = rule.get("then"), rule.get("on")
    if then == "review":
        return ""
    if then == "throttle":
        return "hold" if on == "purchase" else "throttle"
    return str(then)


def sentence(version: RuleVersion, against: RuleVersion | None) -> str:
    """What a version is, beside the one that it is compared with."""
    mine = does(version.rule) if version.step == "live" else would(version.rule)
    if against is None:
        return f"Version {version.version} {mine}"
    theirs = does(against.rule)
    if does(version.rule) != theirs:
        return f"Version {version.version} {mine} where version {against.version} {theirs}"
    changed = [name for name in {**version.rule, **against.rule} if version.rule.get(name) != against.rule.get(name)]
    return (
        f"Version {version.version} has another {_listed(sorted(changed))} than version {against.version}"
        if changed
        else (f"Version {version.version} says the same as version {against.version}")
    )


_FIELDS: Final = {"when": "condition", "of": "list of whom it stands for", "for": "duration", "lapse": "time until tokens are released"}


def _listed(names: Sequence[str]) -> str:
    words = [_FIELDS.get(name, name) for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _percent(share: float) -> str:
    return f"{share * 100:g}\u00a0%"
