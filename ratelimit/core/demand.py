"""How many tokens a subject will want soon, from what it wanted lately: what a lease is sized by.

The hot path only adds to `arrived`. The estimate is made when a call is composed: an exponential average with a memory of half a second, in
which what arrived since the last call counts as spread evenly over that time.
Times are microseconds of the sidecar's clock.
"""

from math import exp
from typing import Final

_MEMORY_US: Final = 500_000.0


class Demand:
    """One subject's demand on one limit. A share of that limit is one of these, too: an object of its own would cost 40 bytes each."""

    __slots__ = ("_at", "_folded", "_looked", "_rate", "arrived")

    def __init__(self, now: int) -> None:
        self.arrived = 0  # tokens asked for since the beginning, whatever became of them
        self._folded = self._looked = 0
        self._rate, self._at = 0.0, now

    def expected(self, now: int, span: int) -> float:
        """Tokens expected in the next `span`."""
        elapsed, arrived = now - self._at, self.arrived - self._folded
        decay = exp(-elapsed / _MEMORY_US)
        spread = (1 - decay) * _MEMORY_US / elapsed if arrived > 1 and elapsed > 0 else 1.0
        self._rate = self._rate * decay + arrived * spread / _MEMORY_US
        self._folded, self._at = self.arrived, now
        return self._rate * span

    def unasked(self) -> bool:
        """Whether nothing arrived since this was asked the last time."""
        quiet = self.arrived == self._looked
        self._looked = self.arrived
        return quiet
