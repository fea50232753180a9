"""How far in its tail a value lies: a table of quantiles for each signal, which tells nothing of any one subject.

Each subject weighs the same, however many rows it has. Between two edges of a table there are at least 20 subjects, below the first and
above the last as well: so neither the smallest nor the greatest value of anybody is in it. Edges lie closer in the tails, as far as that
allows; where a signal is known of too few, its outer edges are infinite, and no value is beyond them.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST_SUBJECTS: Final = 20  # in a step
MAX_LEVELS: Final = 1_000
NORMAL: Final = (0.05, 0.95)  # between these shares of subjects a value is normal

_WIDER: Final = 1.25  # each step towards the middle, against the one before

Floats = NDArray[np.float64]


class Quantiles(NamedTuple):
    """`edges` (signals, levels): the least value that at least a share `levels` of the subjects does not exceed."""

    levels: Floats
    edges: Floats

    def normal(self) -> Floats:
        """The range that 90 % of the subjects are in (signals, 2); infinite where it is not known."""
        low, high = np.searchsorted(self.levels, NORMAL[0], "right") - 1, np.searchsorted(self.levels, NORMAL[1])
        unknown = np.full(len(self.edges), np.inf)
        return np.stack([self.edges[:, low] if low >= 0 else -unknown, self.edges[:, high] if high < len(self.levels) else unknown], axis=1)

    def problem(self, signals: int) -> str | None:
        """What keeps these arrays from being tables of so many signals; None if nothing does."""
        levels, edges = self.levels, self.edges
        if levels.ndim != 1 or not 1 <= len(levels) <= MAX_LEVELS or edges.shape != (signals, len(levels)):
            return f"edges has the shape {edges.shape}, levels {levels.shape}; expected {signals} signals by at most {MAX_LEVELS} levels"
        if not (levels > 0).all() or (np.diff(levels) <= 0).any() or np.abs(levels + levels[::-1] - 1).max() > 1e-9:
            return "levels do not rise from above 0 to below 1, the same on both sides of one half"
        if np.isnan(edges).any() or (edges[:, 1:] < edges[:, :-1]).any():
            return "edges hold NaN, or fall"
        return None


class Tails:
    """The tables made ready to be asked how far out values lie."""

    def __init__(self, quantiles: Quantiles) -> None:
        levels, middle = quantiles.levels, len(quantiles.levels) // 2
        self._below, self._above = (np.ascontiguousarray(half) for half in np.split(quantiles.edges, [middle], axis=1))
        # by how many edges of its half a value is beyond; NaN is beyond none
        self._at_most, self._at_least = np.append(1.0, levels[:middle][::-1]), np.append(1.0, 1 - levels[middle:])
        self._ones = np.ones(len(levels), np.uint16)

    def of(self, rows: Floats) -> Floats:
        """For each value (n, signals) the share of subjects that lie at least as far out on its side, at most; NaN has 1."""
        values = rows[:, :, None]
        at_most = self._at_most.take(self._count(self._below > values))
        shares: Floats = np.minimum(at_most, self._at_least.take(self._count(self._above < values)))
        return shares

    def _count(self, reached: NDArray[np.bool_]) -> NDArray[np.uint16]:
        # a product is twice as fast as any sum of NumPy's over so short an axis
        counts: NDArray[np.uint16] = reached.view(np.uint8) @ self._ones[: reached.shape[2]]
        return counts


def quantiles_of(rows: Floats, subjects: NDArray[np.int64]) -> Quantiles:
    """The tables of these rows (n, signals), of which row i is of subject `subjects[i]`. Raises ValueError for too few subjects."""
    found = len(np.unique(subjects))
    if found < 3 * LEAST_SUBJECTS:
        raise ValueError(f"{found} subjects are too few for a table of quantiles; expected at least {3 * LEAST_SUBJECTS}")
    levels = _levels(found)
    return Quantiles(levels, np.stack([_edges(column, subjects, levels) for column in rows.T]))


def _levels(subjects: int) -> Floats:
    """Shares with steps of at least LEAST_SUBJECTS between them, symmetrical around one half."""
    least = LEAST_SUBJECTS / subjects
    below = [least]
    while (following := max(below[-1] * _WIDER, below[-1] + least)) <= 0.5 - least / 2:
        below.append(following)
    return np.array([*below, *(1 - level for level in reversed(below))])


def _edges(column: Floats, subjects: NDArray[np.int64], levels: Floats) -> Floats:
    known = ~np.isnan(column)
    values, (_, index, rows_of) = column[known], np.unique(subjects[known], return_inverse=True, return_counts=True)
    if len(rows_of) < 3 * LEAST_SUBJECTS:
        return np.where(levels < 0.5, -np.inf, np.inf)
    order = np.argsort(values, kind="stable")
    share = np.cumsum((1 / rows_of[index])[order]) / len(rows_of)
    # a hair less, since the sum of many parts of one may miss a level that it reaches
    edges = values[order][np.minimum(np.searchsorted(share, levels - 1e-12), len(values) - 1)]
    outward = _spaced(levels, LEAST_SUBJECTS / len(rows_of))
    last = len(levels) - 1
    return np.array(
        [
            *(edges[stand] if stand >= 0 else -np.inf for stand in outward),
            *(edges[last - stand] if stand >= 0 else np.inf for stand in reversed(outward)),
        ]
    )


def _spaced(levels: Floats, least: float) -> list[int]:
    """For each level below one half the one whose edge stands for it, so that steps hold enough subjects: the next further out, or -1."""
    stands, last = [], -1
    for level_index, level in enumerate(levels[: len(levels) // 2]):
        if least - 1e-12 <= level <= 0.5 - least / 2 and level - (levels[last] if last >= 0 else 0.0) >= least - 1e-12:
            last = level_index
        stands.append(last)
    return stands
