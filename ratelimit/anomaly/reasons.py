"""Why a subject is unusual: the signals that lie farthest in their tails, each with its value, what is normal, and how many share it.

Signals are looked at one by one, and the forest sees how they go together; so the reasons are what a person should look at first, not
all that the score is made of.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ratelimit.anomaly.quantiles import Quantiles
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.signals import NAMES

REASONS: Final = 3

Floats = NDArray[np.float64]


class Reasons:
    """Made once of a kind's tables."""

    def __init__(self, quantiles: Quantiles) -> None:
        self._quantiles = quantiles
        self._normal = quantiles.normal()
        low, high = self._normal.T
        with np.errstate(invalid="ignore"):
            width = high - low
        # what a value's distance is measured in; where all are normally the same, in that value
        self._scale = np.where(np.isfinite(width) & (width > 0), width, np.maximum(np.abs(np.where(np.isfinite(high), high, 1)), 1e-9))

    def of(self, rows: Floats) -> list[tuple[SignalReason, ...]]:
        """The reasons of each row (n, signals), the strongest first; fewer where fewer signals are known."""
        tails = self._quantiles.tails(rows)
        low, high = self._normal.T
        order = self._order(rows, tails)
        return [
            tuple(
                SignalReason(NAMES[column], float(row[column]), float(low[column]), float(high[column]), float(shares[column]))
                for column in columns
                if not np.isnan(row[column])
            )
            for row, shares, columns in zip(rows, tails, order, strict=True)
        ]

    def _order(self, rows: Floats, tails: Floats) -> NDArray[np.intp]:
        """The columns of each row's reasons. Beyond the outermost edge all have the same share; there the distance decides."""
        low, high = self._normal.T
        beyond = np.maximum(np.maximum(rows - high, low - rows), 0) / self._scale
        key = tails - np.nan_to_num(beyond / (1 + beyond)) * 1e-9  # far less than any step between shares
        return np.argsort(np.where(np.isnan(rows), np.inf, key), axis=1, kind="stable")[:, :REASONS]
