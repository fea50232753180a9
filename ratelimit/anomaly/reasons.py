"""Why a subject is unusual: the signals that lie farthest in their tails, each with its value, what is normal, and how many share it.

Signals are looked at one by one, and the forest sees how they go together; so the reasons are what a person should look at first, not
all that the score is made of.
"""

from collections.abc import Sequence
from math import isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ratelimit.anomaly.quantiles import Quantiles, Tails
from ratelimit.core.signal_reason import SignalReason

REASONS: Final = 3

_FAR: Final = 1e6  # normal ranges; what is farther is as far
_HAIR: Final = 1e-9  # a share; far less than one subject of any table

Floats = NDArray[np.float64]


class Reasons:
    """Made once of a kind's tables, of the signals of these names."""

    def __init__(self, quantiles: Quantiles, names: Sequence[str]) -> None:
        self._names = names
        self._tails = Tails(quantiles)
        self._low, self._high = (np.ascontiguousarray(end) for end in quantiles.normal().T)
        bounded = np.isfinite(self._low) & np.isfinite(self._high)
        low, high = np.where(bounded, self._low, 0.0), np.where(bounded, self._high, 1.0)
        # what a distance is measured in: the normal range; where all are normally the same, that value
        self._range = np.maximum(np.where(high > low, high - low, np.abs(high)), 1e-9)

    def of(self, rows: Floats) -> list[tuple[SignalReason, ...]]:
        """The reasons of each row (n, signals) of finite numbers and NaN, the strongest first; fewer where fewer signals are known."""
        shares = self._tails.of(rows)
        columns = self._order(rows, shares)
        picked = (np.take_along_axis(rows, columns, axis=1), self._low.take(columns), self._high.take(columns))
        tables = [array.tolist() for array in (columns, *picked, np.take_along_axis(shares, columns, axis=1))]
        return [
            tuple(
                SignalReason(self._names[column], value, low, high, share)
                for column, value, low, high, share in zip(*parts, strict=True)
                if not isnan(value)
            )
            for parts in zip(*tables, strict=True)
        ]

    def _order(self, rows: Floats, shares: Floats) -> NDArray[np.intp]:
        """The columns of each row's reasons, missing ones last. Beyond the outermost edge all have one share; there distance decides."""
        beyond = np.maximum(rows - self._high, self._low - rows) / self._range
        hair = np.minimum(np.maximum(beyond, -_FAR), _FAR) * (_HAIR / _FAR)
        return np.argsort(shares - hair, axis=1, kind="stable")[:, :REASONS]
