"""Whether signals and risks are still spread as on the days that the model was ranked on.

Of each subject one row an hour is counted, the first, on those days as here: so a busy caller weighs no more than others who are there as
long. What was counted is halved each day, so that a change shows within hours and is not held up by the past; nights show, too.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ratelimit.core.protocols import Scorer
from ratelimit.core.signals import Kind, Rows
from ratelimit.core.spread import BINS, Spread

HOUR_S: Final = 3_600
HALF_LIFE_S: Final = 86_400
LEAST_ROWS: Final = 500  # with fewer chance alone makes an index of 10 / rows, and more

Floats = NDArray[np.float64]


class _Seen:
    """What was counted of a kind, as of `tick`."""

    def __init__(self, spread: Spread) -> None:
        self.spread = spread
        self.counts = np.zeros((len(spread.cuts), BINS + 1))
        self.tick = 0

    @property
    def rows(self) -> float:
        return float(self.counts[0].sum())


class Drift:
    """That of one sidecar; it starts anew with another model."""

    def __init__(self) -> None:
        self._seen: dict[Kind, _Seen] = {}

    def see(self, scorer: Scorer, kind: Kind, rows: Rows, risks: Floats, tick: int) -> None:
        """Rows that were scored at about that tick, each the first of its subject in the hour, and their risks."""
        spread = scorer.spread(kind)
        if spread is None:
            self._seen.pop(kind, None)
            return
        seen = self._seen.get(kind)
        if seen is None or seen.spread is not spread:
            seen = self._seen[kind] = _Seen(spread)
        if tick > seen.tick:
            seen.counts *= 0.5 ** ((tick - seen.tick) / HALF_LIFE_S)
            seen.tick = tick
        seen.counts += spread.counts(np.column_stack([rows, risks]))

    @property
    def rows(self) -> dict[Kind, float]:
        """How many rows are counted; an older one is a part of one."""
        return {kind: seen.rows for kind, seen in self._seen.items()}

    def bins(self, kind: Kind) -> Floats | None:
        """How many rows are in each bin (columns, 11) of each signal, and behind them of the risk; None while too little is known."""
        seen = self._seen.get(kind)
        return seen.counts.copy() if seen is not None and seen.rows >= LEAST_ROWS else None

    def index(self, kind: Kind) -> Floats | None:
        """The stability index of each signal, and behind them that of the risk; None while too little is known."""
        seen = self._seen.get(kind)
        return seen.spread.psi(seen.counts) if seen is not None and seen.rows >= LEAST_ROWS else None
