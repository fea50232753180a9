"""How many subjects have which risk, on steps of ten: of each one row an hour is counted, its first.

What is told is the last whole hour, or this one while it is the first.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ratelimit.core.signals import Kind

STEPS: Final = (0.0, 0.9, 0.99, 0.999, 0.9999)  # a subject is on the last that its risk is not below
HOUR_S: Final = 3_600
_CUTS: Final = np.array(STEPS[1:])

Counts = NDArray[np.int64]


class RiskSteps:
    """That of one sidecar."""

    def __init__(self) -> None:
        self._hour = 0
        self._now: dict[Kind, Counts] = {}
        self._before: dict[Kind, Counts] = {}

    def see(self, kind: Kind, risks: NDArray[np.float64], tick: int) -> None:
        """Risks of subjects that are scored for the first time in the hour of that tick; NaN is none."""
        hour = tick // HOUR_S
        if hour != self._hour:
            self._before = self._now if hour == self._hour + 1 else {}
            self._hour, self._now = hour, {}
        known = risks[~np.isnan(risks)]
        counts = np.bincount(np.searchsorted(_CUTS, known, side="right"), minlength=len(STEPS))
        self._now[kind] = self._now.get(kind, 0) + counts

    @property
    def counts(self) -> dict[Kind, list[int]]:
        """By kind, how many are on each of STEPS."""
        return {kind: counts.tolist() for kind, counts in (self._before or self._now).items()}
