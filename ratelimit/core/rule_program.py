"""Compiles rules. What cannot be compiled is a problem of the policy; what was compiled cannot fail, but for want of a value.

A value that is missing is left out of what CEL is given. An operation on it is an error, which && and || absorb where the other side
decides; what is left at the end is "does not hold", and so is its negation. That is CEL's own way, and what three-valued logic asks for.
"""

import re
from collections.abc import Mapping
from math import prod
from typing import Any, Final, NamedTuple

from ratelimit.core import cel_library
from ratelimit.core.errors import ConfigError
from ratelimit.core.expectation import shown
from ratelimit.core.rule import Rule
from ratelimit.core.rule_check import check, located
from ratelimit.core.rule_names import NAMES, Name
from ratelimit.core.rule_part import split
from ratelimit.core.rule_screen import screen

Values = Mapping[str, Mapping[str, float | str | bool]]  # by variable and name; what is missing is left out

_SITE: Final = "site"
_LONGEST_PATTERN: Final = 200
_MOST_REPEATED: Final = 32  # counted repetitions, multiplied: a pattern is compiled each time that it is asked for
_REPEATED: Final = re.compile(r"\{(?:\d*,)?(\d+)\}")
_REGEX_ERROR: Final = re.compile(r"error: ([^\n]*?)\. Check")
_PLACE: Final = re.compile(r"<input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)")


class Use(NamedTuple):
    """A name in a condition; `column` None: a fact."""

    variable: str
    name: str
    column: int | None
    is_bool: bool


class Condition:
    """A sound condition, to be asked again and again, where its `screen` lets something through. `uses` are the names in it."""

    def __init__(self, source: str, names: Mapping[str, Mapping[str, Name]]) -> None:
        self.uses = [_use(variable, name, names[variable][name]) for variable, name in sorted(check(source, names).uses)]
        self.screen = screen(source, names)
        self._program = cel_library.compiled(source)

    def holds(self, values: cel_library.Context) -> bool | None:
        """Whether it holds; None: that hangs on something that is missing."""
        try:
            return self._program.execute(values) is True
        except MISSING:
            return None


# a name that is not there; NaN, which is compared with nothing; a number that no integer can hold
MISSING: Final = (KeyError, TypeError, OverflowError)


def _use(variable: str, name: str, about: Name) -> Use:
    return Use(variable, name, about.column, about.type == "bool")


class CompiledRule(NamedTuple):
    """A rule of the policy and its condition. A guard's condition is in two parts, `guard` about the site and `condition` the rest."""

    rule: Rule
    condition: Condition
    guard: Condition | None = None


def context(values: Values) -> cel_library.Context:
    """What conditions are asked about. It costs some microseconds a value, so it is made once for all of them."""
    return cel_library.Context(variables={variable: dict(names) for variable, names in values.items()})


def problems_of(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """Every problem of the condition of a rule, of which `on` and `when` are known."""
    source, names = rule["when"], NAMES[rule["on"]]
    found = check(source, names)
    problems = list(found.problems)
    for at, pattern in found.patterns:
        if (problem := _pattern_problem(pattern)) is not None:
            problems.append(f"{at}: {shown(pattern)} {problem}")
    if not problems and (problem := _compile_problem(source)) is not None:
        problems.append(problem)
    return tuple(problems)


def is_guard(rule: Rule) -> bool:
    """Whether a rule stays on for a while for everybody, once the site gave cause for it."""
    return rule.on == "purchase" and rule.for_ is not None and not rule.of


def compiled_rule(rule: Rule) -> CompiledRule:
    """A rule, compiled. Raises ConfigError where it has problems."""
    if problems := problems_of({"on": rule.on, "when": rule.when}):
        raise ConfigError([f"rule {rule.name}: {problem}" for problem in problems])
    names = NAMES[rule.on]
    if not is_guard(rule):
        return CompiledRule(rule, Condition(rule.when, names))
    site, rest = split(rule.when, _SITE)
    return CompiledRule(rule, Condition(rest or "true", names), Condition(site or "true", names))


def _pattern_problem(pattern: str) -> str | None:
    if len(pattern) > _LONGEST_PATTERN or prod(int(count) or 1 for count in _REPEATED.findall(pattern)) > _MOST_REPEATED:
        return f"is too long or repeats too often to be compiled at each purchase; expected at most {_LONGEST_PATTERN} characters"
    try:
        cel_library.compiled(f"''.matches({pattern})").execute({})
    except RuntimeError as error:
        found = _REGEX_ERROR.search(str(error))
        return f"is not a pattern{': ' + found[1] if found else ''}; expected a regular expression such as '^[a-z]+$'"
    except ValueError:
        return "is no text that CEL understands; expected \\\\ for each \\ in it, or r before its first quote"
    return None


def _compile_problem(source: str) -> str | None:
    """What the check does not look into, such as an escape in a text that means nothing."""
    try:
        cel_library.compiled(source)
    except ValueError as error:
        place = _PLACE.search(str(error))
        if place is None:
            return f"{located(source, 1, 1)}: CEL does not understand it"
        return f"{located(source, int(place[1]), int(place[2]))}: CEL does not understand it: {shown(place[3])}"
    return None
