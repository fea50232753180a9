"""Geometry of the one gauge: how unusual a value is, whatever its unit. Lengths are CSS pixels, numbers are what SVG attributes take.

The grey band is where 98 of 100 normal subjects lie. Outside, each third of an arm is ten times rarer, low values to the left. The input is
one signed number: log10 of 1 / tail share, negative for a low value. So 2 is the band's edge (1 in 100), 5 the arm's end (1 in 100,000).
"""

from math import log10
from typing import Final

from msgspec import Struct

_EDGE: Final = 2.0  # log10 of 1 / tail share where the band ends
_END: Final = 5.0  # where the arm ends; what is rarer stands there as well


class Scale(Struct, frozen=True):
    """A gauge's size: `arm` from the band's edge to its end, `band` the half of the band."""

    width: int
    height: int
    arm: float
    band: float
    dot: float

    @property
    def centre(self) -> float:
        """Of the band."""
        return self.width / 2

    def at(self, signed: float) -> float:
        """Where that value stands."""
        size = min(abs(signed), _END)
        away = size / _EDGE * self.band if size <= _EDGE else self.band + (size - _EDGE) / (_END - _EDGE) * self.arm
        return round(self.centre + (away if signed > 0 else -away), 1)


ROW: Final = Scale(80, 14, 26.0, 9.5, 4.0)
CASE: Final = Scale(196, 18, 69.0, 24.0, 4.5)


class Gauge(Struct, frozen=True):
    """One gauge to draw. `stem` None: the value is usual, and its dot is hollow."""

    scale: Scale
    dot: float
    stem: tuple[float, float] | None
    ticks: tuple[float, ...]


def gauge(signed: float, ticks: bool = False) -> Gauge:
    """The gauge of that value, small as in a row or, with `ticks`, as on the case."""
    scale = CASE if ticks else ROW
    dot = scale.at(signed)
    edge = scale.at(_EDGE if signed > 0 else -_EDGE)
    return Gauge(scale, dot, (edge, dot) if abs(signed) > _EDGE else None, _ticks(scale) if ticks else ())


def _ticks(scale: Scale) -> tuple[float, ...]:
    return tuple(scale.at(side * step) for side in (-1, 1) for step in (3, 4, 5))


class Threshold(Struct, frozen=True):
    """Where the policy acts on risk: `decision` above `risk`."""

    decision: str
    risk: float
    at: float


class Ruler(Struct, frozen=True):
    """The risk ruler: the same instrument cut at 0. `marks` are risk and place of its ticks."""

    width: int
    height: int
    band: tuple[float, float]
    arm: tuple[float, float]
    dot: float
    usual: bool
    marks: tuple[tuple[str, float], ...]
    thresholds: tuple[Threshold, ...]


_RULER_LEFT: Final = 12.0
_RULER_STEP: Final = 80.0  # pixels for each ten times rarer


def ruler(risk: float, thresholds: tuple[tuple[str, float], ...] = ()) -> Ruler:
    """The ruler for a risk in 0..1; `thresholds` are a decision and the risk above which it is taken."""
    end = _RULER_LEFT + _END * _RULER_STEP
    marks = (("0", _at(0.0)), ("0.9", _at(0.9)), ("0.99", _at(0.99)), ("0.999", _at(0.999)), ("0.9999", _at(0.9999)))
    return Ruler(
        width=int(end + _RULER_LEFT),
        height=46,
        band=(_RULER_LEFT, _at(0.99)),
        arm=(_RULER_LEFT, end),
        dot=_at(risk),
        usual=risk <= 0.99,
        marks=marks,
        thresholds=tuple(Threshold(decision, at, _at(at)) for decision, at in thresholds),
    )


def _at(risk: float) -> float:
    rarity = min(_END, _log10_of_rarity(risk))
    return round(_RULER_LEFT + rarity * _RULER_STEP, 1)


def _log10_of_rarity(risk: float) -> float:
    return -log10(max(1e-9, 1 - risk))
