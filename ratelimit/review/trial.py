"""One rule tried on many rows of signals at once, each judged as it stood then. Pure: rows come in, what holds goes out.

What its screen cannot rule out CEL is asked about, as when it serves. A guard is on for its `for` after the last row, in their order, for
which its part about the site held.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratelimit.core.policy_file import parse_rule
from ratelimit.core.rule import Rule
from ratelimit.core.rule_names import NAMES
from ratelimit.core.rule_program import Condition, compiled_rule, context

Fact = str | float | None
Facts = Callable[[int, str], Fact]  # of a row by its index, that of a name
Rows = NDArray[np.float64]


class Trial:
    """`version` is which of the rule's it is. `facts` are the names of facts that its condition hangs on."""

    def __init__(self, name: str, version: int, written: Mapping[str, Any]) -> None:
        self.version: Final = version
        plain = {field: value for field, value in written.items() if field not in {"mode", "canary"}}
        self.rule: Final[Rule] = parse_rule({**plain, "name": name}, "rule")
        _, self._condition, self._guard = compiled_rule(self.rule)
        self._on_until = float("-inf")
        conditions = [self._condition, *([self._guard] if self._guard is not None else [])]
        uses = {(use.variable, use.name, use.column) for condition in conditions for use in condition.uses}
        self.facts: Final = frozenset(name for _, name, column in uses if column is None)
        found = {(name, column) for variable, name, column in uses if column is not None and variable != "site"}
        self.signals: Final = tuple(sorted(found, key=lambda it: self.rule.when.find(f".{it[0]}")))  # in the condition's order

    def holding(self, rows: Rows, at: Sequence[float], facts: Facts) -> list[int]:
        """The indices of the rows, which are in the order of their times, for which it holds."""
        found = _holding(self._condition, rows, facts)
        if self._guard is None or self.rule.for_ is None:
            return found
        cause, lasts = set(_holding(self._guard, rows, facts)), self.rule.for_.seconds
        on = []
        for index, when in enumerate(at):
            if index in cause:
                self._on_until = max(self._on_until, when + lasts)
            on.append(self._on_until > when)
        return [index for index in found if on[index]]


class Reasoned(NamedTuple):
    """A signal of a row that the condition hangs on."""

    name: str
    value: float


def reasons(trial: Trial, row: Sequence[float]) -> list[Reasoned]:
    """What the condition looked at in a row, without what was missing there."""
    return [Reasoned(name, row[column]) for name, column in trial.signals if row[column] == row[column]]


def _holding(condition: Condition, rows: Rows, facts: Facts) -> list[int]:
    possible = np.flatnonzero(np.broadcast_to(condition.screen(rows.T), len(rows)))
    return [index for index in possible.tolist() if condition.holds(_given(condition, rows[index].tolist(), facts, index))]


def _given(condition: Condition, row: Sequence[float], facts: Facts, index: int) -> Any:
    values: dict[str, dict[str, str | float | bool]] = {variable: {} for names in NAMES.values() for variable in names}
    for variable, name, column, is_bool in condition.uses:
        value = facts(index, name) if column is None else row[column]
        if value is not None and value == value:  # noqa: PLR0124 - NaN is not itself
            values[variable][name] = bool(value) if is_bool else value
    return context(values)
