"""What a forest is shown of a row of signals: no gaps, no infinities, long tails as logarithms, all of it exact in float32.

Training and serving make it with the same numbers, which go with the artifact. A missing signal is filled with what is usual, and a column
of its own says that it was missing, where that has happened in training. A forest cuts at random between the least and the greatest of a
signal, so of a signal with a long tail it is shown log(1 + x): else nearly all cuts fall where nearly nobody is.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratelimit.anomaly.forest import Rows

Floats = NDArray[np.float64]

_SHORT_TAILED: Final = frozenset({"share", "log2", "hours", "0 or 1", "deviations"})  # units
_MOST: Final = float(np.finfo(np.float32).max)


class Design(NamedTuple):
    """`fills` for every signal; which columns have an indicator behind them, and which are shown as logarithms."""

    fills: Floats
    indicated: NDArray[np.int16]
    logged: NDArray[np.int16]

    @property
    def columns(self) -> int:
        """Of what `apply` gives."""
        return len(self.fills) + len(self.indicated)

    def apply(self, rows: Floats) -> Rows:
        """Rows of signals (n, signals) as the forest sees them (n, columns)."""
        missing = np.isnan(rows)
        shown = np.empty((len(rows), self.columns))
        signals = shown[:, : len(self.fills)]
        np.copyto(signals, rows)
        np.copyto(signals, self.fills, where=missing)
        tails = signals[:, self.logged]
        signals[:, self.logged] = np.copysign(np.log1p(np.abs(tails)), tails)
        shown[:, len(self.fills) :] = missing[:, self.indicated]
        return np.clip(shown, -_MOST, _MOST).astype(np.float32)

    def problem(self, signals: int) -> str | None:
        """What keeps these arrays from being a design over so many signals; None if nothing does."""
        if self.fills.shape != (signals,) or not np.isfinite(self.fills).all():
            return f"fills has the shape {self.fills.shape}; expected {signals} finite numbers"
        for name in ("indicated", "logged"):
            columns = getattr(self, name)
            if columns.ndim != 1 or (np.diff(columns) <= 0).any() or (columns < 0).any() or (columns >= signals).any():
                return f"{name} holds what are no columns in their order; expected numbers from 0 to {signals - 1}, each once"
        return None


def design_of(rows: Floats, units: Sequence[str]) -> Design:
    """The design for training on these rows, whose columns have these units.

    Filled with medians; what is missing everywhere is 0, and tells nothing.
    """
    missing = np.isnan(rows)
    some = ~missing.all(axis=0)
    fills = np.zeros(rows.shape[1])
    fills[some] = np.nanmedian(rows[:, some], axis=0)
    indicated = np.flatnonzero(missing.any(axis=0) & some)
    logged = [column for column, unit in enumerate(units) if unit not in _SHORT_TAILED]
    return Design(fills, indicated.astype(np.int16), np.array(logged, np.int16))
