"""A number of requests that is known from a sample in part: what it is about, and from where to where it is in 95 of 100.

Each row that was drawn with chance 1/w stands for w requests. Such rows are counted as a Poisson number, whose interval is Byar's
approximation (Breslow and Day 1987, p. 69), exact to 1 % from one row on; rows of weight 1 are all there are and count for themselves.

    900 refusals and 4 rows of weight 1,000: 4,900, from 1,976 to 11,144
"""

from math import sqrt
from typing import Final, NamedTuple

from msgspec import Struct

_Z: Final = 1.959964  # of the normal distribution, 95 %


class Drawn(NamedTuple):
    """What rows of a sample add up to: rows of weight 1 apart, of the others the sums of weights and of their squares."""

    whole: float = 0.0
    weights: float = 0.0
    squares: float = 0.0

    def and_(self, other: "Drawn") -> "Drawn":
        """Both together."""
        return Drawn(self.whole + other.whole, self.weights + other.weights, self.squares + other.squares)


class Estimate(Struct, frozen=True):
    """A number that is counted in part and estimated from a sample for the rest; in 95 of 100 it is from `low` to `high`."""

    value: float
    low: float
    high: float

    @property
    def exact(self) -> bool:
        """Whether nothing of it is an estimate."""
        return self.low == self.high


def drawn(weight: float, count: int) -> Drawn:
    """So many rows of one weight."""
    return Drawn(whole=float(count)) if weight <= 1 else Drawn(weights=weight * count, squares=weight * weight * count)


def estimate(of: Drawn, weight: float = 1.0) -> Estimate:
    """The number behind a sample. `weight` is what one row would have stood for, where none was drawn."""
    if not of.weights:
        return Estimate(of.whole, of.whole, of.whole + (_high(0) * weight if weight > 1 else 0.0))
    scale = of.squares / of.weights  # what one of so many equal rows would stand for
    rows = of.weights / scale
    return Estimate(of.whole + of.weights, of.whole + _low(rows) * scale, of.whole + _high(rows) * scale)


def share(found: Estimate, part: float) -> Estimate:
    """That part of it, and of its interval."""
    return Estimate(found.value * part, found.low * part, found.high * part)


def _low(rows: float) -> float:
    return float(max(0.0, rows * (1 - 1 / (9 * rows) - _Z / (3 * sqrt(rows))) ** 3))


def _high(rows: float) -> float:
    more = rows + 1
    return float(more * (1 - 1 / (9 * more) + _Z / (3 * sqrt(more))) ** 3)
