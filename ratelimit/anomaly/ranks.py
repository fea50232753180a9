"""From score to risk: the share of its peers' days that were less unusual than this.

A table of knots for each cohort, made of the greatest score of each of its subjects on each day. Of n days, whoever is above all has n of
n + 1: the chance of a day that is as unusual as the r-th of n is, before it has come, r of n + 1. Between knots risk goes straight, and
never falls. A cohort is a plan and an age; where it has too few days the whole plan stands for it, then everybody.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratelimit.anomaly.manifest import Age, Cohort

LEAST_DAYS: Final = 2_000  # of a cohort's subjects; with fewer no risk can be told apart from 0.999
MAX_KNOTS: Final = 1_000

_DAY_S: Final = 86_400.0
_AGES: Final[tuple[Age, ...]] = ("new", "young", "old")
_AGES_END_S: Final = np.array([_DAY_S, 14 * _DAY_S])
_APART: Final = 4.0  # a power of two, so that hardly a digit of a score is lost
_BESIDE: Final = 1e-9  # of a score
_SPREAD: Final = np.linspace(0, 1, 200)  # shares of days that have a knot

Floats = NDArray[np.float64]


class Knots(NamedTuple):
    """A rising line: at `scores` (0..1) the risk is `risks`; 0 before the first, and after the last what the last has."""

    scores: Floats
    risks: Floats


class Ranks:
    """The tables of one kind of subject, one for each of its cohorts.

    They are joined to one line, each moved up by _APART, on which all rows are found at once: scores lie between 0 and 1.
    """

    def __init__(self, cohorts: Sequence[Cohort], tables: Sequence[Knots]) -> None:
        self.cohorts, self.tables = tuple(cohorts), tuple(tables)
        self._number = {(cohort.plan, cohort.age): number for number, cohort in enumerate(cohorts)}
        self._found: dict[tuple[str | None, Age], int] = {}
        ends = [np.array([table.scores[0] - _BESIDE, *table.scores, _APART - 1]) + _APART * at for at, table in enumerate(tables)]
        self._line = Knots(np.concatenate(ends), np.concatenate([[0.0, *table.risks, table.risks[-1]] for table in tables]))

    def risks(self, scores: Floats, plans: Sequence[str | None], ages_s: Floats) -> Floats:
        """The risk of each row (n,), among its peers; NaN if not even everybody is a cohort."""
        numbers = np.array([self._cohort(plan, age) for plan, age in zip(plans, ages(ages_s), strict=True)])
        risks: Floats = np.interp(scores + _APART * numbers, *self._line)
        risks[numbers < 0] = np.nan
        return risks

    def _cohort(self, plan: str | None, age: Age) -> int:
        found = self._found.get((plan, age))
        if found is None:
            found = next((self._number[wider] for wider in wider_cohorts(plan, age) if wider in self._number), -1)
            if plan is None or len(self._found) < MAX_KNOTS:  # plans are the client's to name where the gateway does not
                self._found[plan, age] = found
        return found


def ages(ages_s: Floats) -> list[Age]:
    """Which age each of these (seconds since first seen) counts as."""
    return [_AGES[number] for number in np.searchsorted(_AGES_END_S, ages_s, "right")]


def wider_cohorts(plan: str | None, age: Age) -> tuple[tuple[str | None, Age | None], ...]:
    """The cohorts that a subject may be compared with, the narrowest first; `plan` None: it has none."""
    return (plan or "", age), (plan or "", None), (None, None)


def rank(maxima: Floats) -> Knots:
    """The table of a cohort whose subjects' days had these greatest scores."""
    ordered = np.sort(maxima)
    scores = np.unique(ordered)
    less = np.searchsorted(ordered, scores)  # days below each score
    kept = np.unique(np.searchsorted(less / len(maxima), _levels(len(maxima))).clip(max=len(scores) - 1))
    above = np.nextafter(scores[-1], np.inf)
    return Knots(np.append(scores[kept], above), np.append(less[kept], len(maxima)) / (len(maxima) + 1))


def _levels(days: int) -> Floats:
    """Shares of days that get a knot: evenly, and ever closer towards the most unusual."""
    tail = 1 - np.geomspace(1 / days, 0.5, 200)
    return np.concatenate([_SPREAD, tail])
