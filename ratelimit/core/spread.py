"""How values are spread over bins, and how far that is from how they used to be: the population stability index.

Each column has ten bins between its own nine cuts, about a tenth of what was usual in each, and one more for what is missing. The index is
the sum of (seen - usual) · ln(seen / usual) over the bins: 0 where nothing has changed, and the same for twice as much as for half as much.
A value that equals a cut lies below it, so that of a signal that is mostly 0 all the zeros are in one bin. Compared is in float32, as
signals are stored.
"""

from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

BINS: Final = 10
MISSING: Final = BINS  # the number of the bin after those

_LEAST: Final = 1e-3  # a share that is less counts as this: nobody can tell a thousandth from nothing by some hundred rows
_ONES: Final = np.ones(BINS - 1, np.uint8)

Floats = NDArray[np.float64]


class Spread(NamedTuple):
    """`cuts` (columns, 9) do not fall; `shares` (columns, 11) of the usual rows in each bin, the missing ones last."""

    cuts: NDArray[np.float32]
    shares: Floats

    @classmethod
    def of(cls, cuts: NDArray[np.float32], values: Floats) -> Self:
        """That of these rows (n, columns), which are the usual ones."""
        return cls(cuts, counts_in(cuts, values) / len(values))

    def problem(self, columns: int) -> str | None:
        """What keeps these arrays from being a spread of so many columns; None if nothing does."""
        if self.cuts.shape != (columns, BINS - 1) or self.shares.shape != (columns, BINS + 1):
            return f"spread_cuts has the shape {self.cuts.shape}, spread_shares {self.shares.shape}; expected {columns} by 9 and by 11"
        if np.isnan(self.cuts).any() or (self.cuts[:, 1:] < self.cuts[:, :-1]).any():
            return "spread_cuts hold NaN, or fall"
        if not (self.shares >= 0).all() or np.abs(self.shares.sum(axis=1) - 1).max() > 1e-6:
            return "spread_shares are no shares; expected numbers from 0 that add up to 1 for each column"
        return None

    def counts(self, values: Floats) -> Floats:
        """How many of these rows (n, columns) are in each bin (columns, 11)."""
        return counts_in(self.cuts, values)

    def psi(self, counts: Floats) -> Floats:
        """The index of each column, for what was counted (columns, 11), of at least one row."""
        seen, usual = (np.maximum(shares, _LEAST) for shares in (counts / counts.sum(axis=1, keepdims=True), self.shares))
        found: Floats = ((seen - usual) * np.log(seen / usual)).sum(axis=1)
        return found


def counts_in(cuts: NDArray[np.float32], values: Floats) -> Floats:
    """How many of these rows are in each bin between cuts."""
    short = values.astype(np.float32)
    # a product is faster than a sum over so short an axis
    bins = (short[:, :, None] > cuts).view(np.uint8) @ _ONES
    bins[np.isnan(short)] = MISSING
    places = bins + np.arange(len(cuts)) * (BINS + 1)
    return np.bincount(places.ravel(), minlength=len(cuts) * (BINS + 1)).reshape(len(cuts), BINS + 1).astype(np.float64)
