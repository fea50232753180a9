"""Geometry of a rule's figures: shares with their intervals side by side, and days as bars. Lengths are CSS pixels, shares 0..1."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ratelimit.console import wording

ROW: Final = 22
_LEFT: Final = 34.0
_RIGHT: Final = 16.0
_TOP: Final = 10.0
_STEPS: Final = (0.1, 0.2, 0.25, 0.5)


class Interval(Struct, frozen=True):
    """A share of a version: its dot at `x`, its interval from `low` to `high`, its words left of it."""

    version: int
    words: str
    y: float
    x: float
    low: float
    high: float
    strong: bool
    label_x: float


class Intervals(Struct, frozen=True):
    """The whole figure; `marks` are pairs (x, words)."""

    width: float
    height: float
    rows: tuple[Interval, ...]
    marks: tuple[tuple[float, str], ...]


def intervals(shares: Sequence[tuple[int, float, float, float]], strong: int, width: float = 372) -> Intervals:
    """Of versions, each with its share and the interval's ends, latest first; `strong` is the version that is looked at."""
    least = min((low for _, _, low, _ in shares), default=0.0)
    start = int(least * 10) / 10
    room = width - _LEFT - _RIGHT

    def at(share: float) -> float:
        return round(_LEFT + room * (share - start) / max(0.1, 1 - start), 1)

    step = next((step for step in _STEPS if (1 - start) / step <= 6), 0.5)
    marks = []
    share = start
    while share <= 1.0001:
        marks.append((at(share), f"{round(share * 100):g}\u00a0%"))
        share += step
    rows = []
    for place, (version, part, low, high) in enumerate(shares):
        words = wording.tenths(part)
        left = at(low)
        label = left - 6 if left > _LEFT + 44 else at(high) + 48
        rows.append(Interval(version, words, _TOP + place * ROW, at(part), left, at(high), version == strong, round(min(label, width), 1)))
    return Intervals(width, _TOP + len(rows) * ROW + 18, tuple(rows), tuple(marks))


class DayBar(Struct, frozen=True):
    """One day: its bar, its count above it, its words below, and how many good customers were among them."""

    x: float
    y: float
    height: float
    count: int
    day: str
    good: int
    middle: float


class Days(Struct, frozen=True):
    """Days side by side. `marks` are pairs (y, words) of the scale."""

    width: float
    height: float
    bar: float
    floor: float
    bars: tuple[DayBar, ...]
    marks: tuple[tuple[float, str], ...]


def days(counted: Sequence[tuple[str, int, int]], width: float = 440, height: float = 176) -> Days:
    """Of days, oldest first, each with its words, count and good customers among them."""
    top = _round_up(max((count for _, count, _ in counted), default=0))
    left, floor, ceiling = 30.0, height - 36, 18.0
    step = (width - left) / max(1, len(counted))
    bar = round(min(34.0, step * 0.6), 1)

    def at(count: float) -> float:
        return round(floor - (floor - ceiling) * count / top, 1)

    bars = []
    for place, (day, count, good) in enumerate(counted):
        middle = round(left + step * (place + 0.5), 1)
        bars.append(DayBar(round(middle - bar / 2, 1), at(count), round(floor - at(count), 1), count, day, good, middle))
    return Days(width, height, bar, floor, tuple(bars), tuple((at(mark), f"{mark:,g}") for mark in (0, top / 2, top)))


def _round_up(count: int) -> int:
    size = 2
    while size < count:
        text = str(size)
        size = int("5" + text[1:]) if text[0] == "2" else size * 2
    return size
