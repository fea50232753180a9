"""What is just: one bucket in one place, asked without delay. It shares no line with the product, so that it can find the product wrong.

Everything is in units, integers: a token is `per` units, and one microsecond refills `num` of them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.fleet.trace import Ints
from ratelimit.core.units import Refill


class Size(NamedTuple):
    """A bucket's capacity in tokens and its refill."""

    capacity: int
    refill: Refill

    @property
    def per_s(self) -> float:
        """Tokens per second."""
        return self.refill.num / self.refill.per * 1e6


class _Levels:
    """The levels of all buckets of one limit."""

    def __init__(self, size: Size, subjects: int) -> None:
        self._full, (self._num, self.token) = size.capacity * size.refill.per, size.refill
        self._level = [self._full] * subjects
        self._at = [0] * subjects

    def has(self, subject: int, now: int, units: int) -> bool:
        level = min(self._full, self._level[subject] + self._num * (now - self._at[subject]))
        self._level[subject], self._at[subject] = level, now
        return level >= units

    def take(self, subject: int, units: int) -> None:
        self._level[subject] -= units


def ideal(at: Ints, subjects: Sequence[Ints], sizes: Sequence[Size], cost: int) -> NDArray[np.bool_]:
    """Which requests ideal buckets admit; of several limits all must have room, or nothing is charged."""
    levels = [_Levels(size, int(subject.max(initial=0)) + 1) for size, subject in zip(sizes, subjects, strict=True)]
    admitted = np.zeros(len(at), bool)
    for i, (now, *whose) in enumerate(zip(at.tolist(), *(subject.tolist() for subject in subjects), strict=True)):
        if all(level.has(subject, now, cost * level.token) for level, subject in zip(levels, whose, strict=True)):
            admitted[i] = True
            for level, subject in zip(levels, whose, strict=True):
                level.take(subject, cost * level.token)
    return admitted


def overdraft(instants: Ints, subjects: Ints, size: Size, cost: int, late_us: int = 0) -> float:
    """The most by which any window of any subject's admissions passes capacity + refill * its length, in tokens; not above 0.

    Where the instants are those of answers that came up to `late_us` late, that much refill may come on top.
    """
    num, per = size.refill
    order = np.lexsort((instants, subjects))
    instants, subjects = instants[order], subjects[order]
    starts = np.flatnonzero(np.r_[True, subjects[1:] != subjects[:-1]]) if len(subjects) else np.empty(0, np.int64)
    worst = -size.capacity * per
    for start, end in zip(starts, np.r_[starts[1:], len(subjects)], strict=True):
        before = np.arange(end - start) * cost * per - num * instants[start:end]
        drawn = before + cost * per - np.minimum.accumulate(before)
        worst = max(worst, int(drawn.max()) - size.capacity * per - num * late_us)
    return worst / per
