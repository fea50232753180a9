"""What an evaluation says of a model: figures with their intervals, as they go to a file and to people."""

from math import sqrt
from typing import Final, Literal, Self

from msgspec import Struct

By = Literal["unusual", "labels"]

_Z: Final = 1.959964  # 95 % of a normal distribution


class Share(Struct, frozen=True):
    """`part` of `whole`, and the interval that is 95 % sure to hold the share that they were drawn from (Wilson 1927)."""

    part: int
    whole: int
    low: float
    high: float

    @classmethod
    def of(cls, part: int, whole: int) -> Self:
        """The share; of nothing everything is possible."""
        if not whole:
            return cls(part, whole, 0.0, 1.0)
        share, spread = part / whole, _Z * _Z / whole
        middle, reach = share + spread / 2, _Z * sqrt(share * (1 - share) / whole + spread / (4 * whole))
        return cls(part, whole, max((middle - reach) / (1 + spread), 0.0), min((middle + reach) / (1 + spread), 1.0))


class Found(Struct, frozen=True):
    """Of one kind of abuse: `recall` is of the subjects that were labelled, of which `scored` ever had a score.

    `median_s`: from when it was first scored while doing wrong until it was found.
    `auc` and `average_precision` are over days.
    """

    abuse: str
    evasive: bool
    scored: int
    recall: Share
    median_s: float | None
    auc: float | None
    average_precision: float | None


class KindReport(Struct, frozen=True):
    """What is said of the subjects of one kind; `alarms` are the flagged days of those that have no label."""

    subjects: int
    days: int
    flagged_subjects: int
    flagged_days: int
    alarms: Share
    found: list[Found]
    reasons: dict[str, int]  # signal: flagged subjects of which it was the first reason


class Evaluation(Struct, frozen=True):
    """All that was found about a model. `by` is the score that was judged: the forest's, or what labels taught.

    `ranked`: on whose days a risk is a rank. `precision`: of so many cases a day, which share was abuse; empty without labels.
    """

    version: str
    by: By
    ranked: Literal["by the model", "on simulated days", "on this log"]
    first: str
    last: str
    labels: int
    kinds: dict[str, KindReport]
    precision: dict[str, Share]
