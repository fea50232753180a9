"""Reads the text of one rule as people edit it: YAML as in the policy's file, without its name. A problem has its line, if it has one."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ratelimit.core.errors import ConfigError
from ratelimit.core.policy_file import parse_rule
from ratelimit.core.rule import Rule
from ratelimit.service.policy_source import KeyPlace, decode_yaml, key_places

MOST_CHARACTERS: Final = 8_000  # of a text; a condition has 2,000
_SOURCE: Final = "rule"
_MARKED: Final = re.compile(rf"{_SOURCE}:(\d+):(\d+): (.*)", re.DOTALL)
_PATH: Final = re.compile(rf"{_SOURCE}: \$(?:\.(\w+))?([^:]*): (?:line (\d+), )?(?:column (\d+): )?(.*)", re.DOTALL)


class TextProblem(NamedTuple):
    """`line` and `column` count from 1 in the text as it was edited; None where it is about no one place."""

    line: int | None
    column: int | None
    text: str


class RuleText(NamedTuple):
    """What was read: a `rule`, or the `problems` why there is none."""

    rule: Rule | None
    problems: tuple[TextProblem, ...] = ()


def read_rule(name: str, text: str) -> RuleText:
    """The rule of that name with that text."""
    if len(text) > MOST_CHARACTERS:
        return RuleText(None, (TextProblem(None, None, f"has {len(text)} characters; expected at most {MOST_CHARACTERS}"),))
    try:
        data = decode_yaml(text.encode("utf-8", "replace"), _SOURCE)
    except ConfigError as error:
        return RuleText(None, tuple(map(_marked, error.problems)))
    if not isinstance(data, dict):
        return RuleText(None, (TextProblem(1, None, "is no mapping; expected lines such as `then: block`"),))
    if "name" in data:
        line = key_places(text)["name"].line
        return RuleText(None, (TextProblem(line, None, "name: stands above the text; expected none in it"),))
    try:
        return RuleText(parse_rule({"name": name, **data}, _SOURCE))
    except ConfigError as error:
        lines = key_places(text)
        return RuleText(None, tuple(_placed(problem, lines) for problem in error.problems))


def rule_problems(name: str, data: Mapping[str, Any]) -> tuple[str, ...]:
    """The problems of a rule that is plain data, for those who do not edit a text."""
    try:
        parse_rule({**data, "name": name}, _SOURCE)
    except ConfigError as error:
        return tuple(problem.removeprefix(f"{_SOURCE}: ") for problem in error.problems)
    return ()


def _marked(problem: str) -> TextProblem:
    found = _MARKED.fullmatch(problem)
    if found is None:
        return TextProblem(None, None, problem.removeprefix(f"{_SOURCE}:").strip())
    return TextProblem(int(found[1]), int(found[2]), found[3])


def _placed(problem: str, places: Mapping[str, KeyPlace]) -> TextProblem:
    found = _PATH.fullmatch(problem)
    if found is None:
        return TextProblem(None, None, problem.removeprefix(f"{_SOURCE}:").strip())
    field, below, line, column, text = found.groups()
    at = places.get(field) if field else None
    said = f"{field}{below}: {text}" if field else text
    if at is None:
        return TextProblem(None, None, said)
    if column is None:
        return TextProblem(at.line, None, said)
    return TextProblem(at.value_line + int(line or 1) - 1, at.value_column + int(column) - 1, said)
