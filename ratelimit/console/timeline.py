"""Geometry of a case's timeline: one axis of time with lanes for requests, addresses, purchases, logins and keys, decisions, the case.

Lengths are CSS pixels and go into attributes of SVG; times are seconds since the epoch. "Now" is a line, and what is in force reaches
past it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from statistics import median
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from ratelimit.ledger.evidence import Bin
from ratelimit.review.dossier import ADDRESS_STEPS, SPANS_S, STEPS

Lane = Literal["purchases", "logins", "decisions", "case"]

SPAN_S: Final = SPANS_S["48h"]

WIDTH: Final = 936
HEIGHT: Final = 280
LEFT: Final = 124.0  # where the axis begins, right of the lanes' names
NOW: Final = 806.0  # where it ends
_END: Final = 926.0  # how far what is in force may reach
_REQUESTS: Final = (12.0, 78.0)  # top of the scale, zero
_ADDRESSES: Final = (94.0, 126.0)
LANES: Final[dict[Lane, float]] = {"purchases": 152.0, "logins": 182.0, "decisions": 212.0, "case": 242.0}
_STACK: Final = ("allow", "throttle", "block")
_LEAST: Final = 0.6  # of a bar that is there
_MARK: Final = 17.0  # that a mark takes of its lane
_LETTER: Final = 6.0
_LONG_S: Final = 4 * 86_400.0  # a span that is marked by days alone
_HOURS: Final = 6
_DAYS: Final = 5
_RISEN: Final = 3.0  # times its usual number is a rise


class Mark(Struct, frozen=True):
    """Something that happened. `decision` colours it, and then it may last until an instant; None there: without an end."""

    lane: Lane
    at: float
    icon: str
    words: str = ""
    decision: str = ""
    until: float | None = None
    lasts: bool = False


class Box(Struct, frozen=True):
    """One part of a bar."""

    decision: str
    x: float
    y: float
    width: float
    height: float


class Tick(Struct, frozen=True):
    """A place on the axis; `day`: a new one begins."""

    x: float
    words: str
    day: bool


class Placed(Struct, frozen=True):
    """A mark in its lane, with its words on the side where there is room, or none. `count`: as many that came close together."""

    mark: Mark
    x: float
    y: float
    count: int = 1
    bar: tuple[float, float] | None = None
    words_x: float = 0.0
    side: Literal["", "left", "right"] = ""


class Timeline(Struct, frozen=True):
    """All that is drawn. `top` is of the requests in one step, `most` of the addresses; `rising` where these began to be more, and when."""

    boxes: tuple[Box, ...]
    line: str
    ticks: tuple[Tick, ...]
    marks: tuple[Placed, ...]
    top: float
    most: int
    rising: tuple[float, float] | None


def timeline(
    *, now: float, zone: tzinfo, bins: Iterable[Bin], addresses: Mapping[int, int], marks: Iterable[Mark], span_s: float = SPAN_S
) -> Timeline:
    """The timeline of the span that ends now; steps count from its beginning."""
    bins = list(bins)
    top = max(_sums(bins).values(), default=0.0)
    return Timeline(
        boxes=_boxes(bins, top),
        line=_line(addresses),
        ticks=_ticks(now, zone, span_s),
        marks=tuple(_placed(marks, now, span_s)),
        top=top,
        most=max(addresses.values(), default=0),
        rising=_rising(addresses, now, span_s),
    )


def _x(at: float, now: float, span_s: float) -> float:
    return round(min(_END, max(LEFT, NOW - (now - at) / span_s * (NOW - LEFT))), 1)


def _sums(bins: Iterable[Bin]) -> dict[int, float]:
    found: dict[int, float] = {}
    for one in bins:
        found[one.step] = found.get(one.step, 0.0) + one.count
    return found


def _boxes(bins: Sequence[Bin], top: float) -> tuple[Box, ...]:
    width = (NOW - LEFT) / STEPS
    room = _REQUESTS[1] - _REQUESTS[0]
    height: dict[int, float] = {}
    found = []
    for one in sorted(bins, key=lambda it: (it.step, _STACK.index(it.decision) if it.decision in _STACK else len(_STACK))):
        if not one.count or not 0 <= one.step < STEPS:
            continue
        size = max(_LEAST, one.count / top * room)
        below = height.get(one.step, 0.0)
        height[one.step] = below + size
        found.append(
            Box(
                one.decision,
                round(LEFT + one.step * width, 2),
                round(_REQUESTS[1] - below - size, 1),
                round(width - 0.7, 2),
                round(size, 1),
            )
        )
    return tuple(found)


def _line(addresses: Mapping[int, int]) -> str:
    steps = ADDRESS_STEPS
    most = max(addresses.values(), default=0) or 1
    width = (NOW - LEFT) / steps
    room = _ADDRESSES[1] - _ADDRESSES[0]
    levels = [round(_ADDRESSES[1] - addresses.get(step, 0) / most * room, 1) for step in range(steps)]
    return f"M{LEFT} {levels[0]}" + "".join(f"V{level}H{LEFT + (step + 1) * width:.1f}" for step, level in enumerate(levels))


def _ticks(now: float, zone: tzinfo, span_s: float) -> tuple[Tick, ...]:
    long = span_s > _LONG_S
    at = datetime.fromtimestamp(now - span_s, zone).replace(minute=0, second=0, microsecond=0)
    found = []
    while (instant := at.timestamp()) <= now:
        wanted = at.hour == 0 and at.toordinal() % _DAYS == 0 if long else at.hour % _HOURS == 0
        if instant >= now - span_s and wanted:
            x, day = _x(instant, now, span_s), at.hour == 0
            words = f"{at:%a} {at.day} {at:%b}" if day else f"{at:%H:%M}"
            found.append(Tick(x, "" if _hidden(x) else words, day))
        at += timedelta(hours=1)
    return tuple(found)


def _hidden(x: float) -> bool:
    return x > NOW - 34 or x < LEFT + 10  # under "now", or cut by the edge


def _placed(marks: Iterable[Mark], now: float, span_s: float) -> Iterable[Placed]:
    for lane, y in LANES.items():
        inside = sorted((mark for mark in marks if mark.lane == lane and _touches(mark, now, span_s)), key=lambda it: it.at)
        yield from _with_words([_one(mark, y, now, span_s) for mark in inside])


def _touches(mark: Mark, now: float, span_s: float) -> bool:
    return mark.at <= now and (mark.at >= now - span_s or (mark.lasts and (mark.until is None or mark.until > now - span_s)))


def _one(mark: Mark, y: float, now: float, span_s: float) -> Placed:
    x = _x(mark.at, now, span_s)
    bar = None
    if mark.lasts:
        bar = (x, max(x + 2.0, _END if mark.until is None else _x(mark.until, now, span_s)))
    return Placed(mark, x, y, bar=bar)


def _with_words(lane: list[Placed]) -> list[Placed]:
    """What stands too close is one mark; the last of each lane, and whatever has room, has its words."""
    apart: list[Placed] = []
    for one in lane:
        last = apart[-1] if apart else None
        if last is None or one.x - last.x >= _MARK:
            apart.append(one)
        elif one.mark.icon == last.mark.icon and not one.bar and not last.bar:
            apart[-1] = replace(one, x=last.x, count=last.count + 1)
        else:
            apart.append(replace(one, x=round(last.x + _MARK, 1)))
    return [_worded(apart, position) for position in range(len(apart))]


def _worded(lane: list[Placed], position: int) -> Placed:
    one = lane[position]
    if not one.mark.words:
        return one
    needs = len(one.mark.words) * _LETTER + 4
    after = max(one.x + _MARK / 2, one.bar[1] if one.bar else 0.0) + 4
    right = lane[position + 1].x - _MARK / 2 if position + 1 < len(lane) else _END
    if after + needs <= right:
        return replace(one, side="right", words_x=round(after, 1))
    before = one.x - _MARK / 2 - 2
    left = _taken(lane[position - 1]) if position else LEFT
    if before - needs >= left:
        return replace(one, side="left", words_x=round(before, 1))
    return one


def _taken(one: Placed) -> float:
    """How far a mark reaches to the right, with words that it may have there."""
    return max(one.x + _MARK / 2, one.bar[1] if one.bar else 0.0) + len(one.mark.words) * _LETTER + 8


def _rising(addresses: Mapping[int, int], now: float, span_s: float) -> tuple[float, float] | None:
    """Since when there have been more addresses than usual, if there are many more now."""
    steps = ADDRESS_STEPS
    counts = [addresses.get(step, 0) for step in range(steps)]
    usual = max(1.0, median(counts[: steps // 2]))
    if max(counts[-2:], default=0) < _RISEN * usual:
        return None
    first = next((step for step in reversed(range(steps - 2)) if counts[step] <= usual * 1.5), -1) + 1
    at = now - span_s + first * span_s / ADDRESS_STEPS
    return _x(at, now, span_s), at
