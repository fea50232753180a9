"""One row of the report: what was measured, how it spread, and whether it keeps its budget."""

from collections.abc import Sequence
from statistics import median
from typing import Literal

from msgspec import Struct

Sense = Literal["at least", "at most"]


class Budget(Struct, frozen=True):
    """What is to be reached."""

    sense: Sense
    value: float

    def __str__(self) -> str:
        return f"{'≥' if self.sense == 'at least' else '≤'} {self.value:,g}"


class Row(Struct, frozen=True, kw_only=True):
    """Values are one per round, in `unit`; none at all means that it could not be measured, and `note` says why."""

    group: str
    name: str
    unit: str
    values: tuple[float, ...] = ()
    budget: Budget | None = None
    note: str = ""

    @property
    def median(self) -> float | None:
        """The middle of all rounds."""
        return median(self.values) if self.values else None

    @property
    def met(self) -> bool | None:
        """Whether the median keeps the budget; None where there is no budget or no measurement."""
        if self.budget is None or self.median is None:
            return None
        return self.median >= self.budget.value if self.budget.sense == "at least" else self.median <= self.budget.value


def at_least(value: float) -> Budget:
    """A budget that is a floor."""
    return Budget("at least", value)


def at_most(value: float) -> Budget:
    """A budget that is a ceiling."""
    return Budget("at most", value)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, ...]:
    """Ours over theirs, round by round: what slows a whole round down cancels out."""
    return tuple(one / other for one, other in zip(ours, theirs, strict=True))
