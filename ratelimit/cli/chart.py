"""Where the bars, ticks and labels of a chart over time stand; the page draws them. Units of the drawing, y downwards; times are UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

WIDTH: Final = 960
HEIGHT: Final = 220
LEFT: Final = 56  # of the first bar; the labels of the y axis stand before it
RIGHT: Final = 950
TOP: Final = 10
BOTTOM: Final = 190

_MOST_LABELS: Final = 9
_LEAST_SEEN: Final = 1.5  # height of a bar for something that is not nothing
_GAP_FROM: Final = 4  # width from which bars stand apart
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_STEPS_S: Final = (
    *(1, 5, 10, 30, 60, 300, 600, 1_800, _HOUR_S, 3 * _HOUR_S, 6 * _HOUR_S, 12 * _HOUR_S),
    *(_DAY_S, 2 * _DAY_S, 7 * _DAY_S, 14 * _DAY_S, 28 * _DAY_S, 91 * _DAY_S, 182 * _DAY_S, 364 * _DAY_S),
)


class Tick(NamedTuple):
    """A place on an axis, and what is written there."""

    at: float
    label: str


class Bar(NamedTuple):
    """One span of time: what was admitted stands on the axis, what was refused on top of it."""

    x: float
    width: float
    admitted_y: float
    admitted_height: float
    refused_y: float
    refused_height: float
    title: str


class Chart(NamedTuple):
    """All that is to be drawn."""

    bars: list[Bar]
    y_ticks: list[Tick]
    x_ticks: list[Tick]


def stacked(start: str, span_s: int, seen: list[int], refused: list[int]) -> Chart:
    """A bar for each span of `span_s` seconds from `start` on."""
    begin = datetime.fromisoformat(start)
    step = _round_step(max(seen))
    top = step * -(-max(seen) // step)
    width = (RIGHT - LEFT) / len(seen)
    bars = [
        _bar(LEFT + index * width, width, (BOTTOM - TOP) / top, (all_of, not_passed), _title(begin, index, span_s, all_of, not_passed))
        for index, (all_of, not_passed) in enumerate(zip(seen, refused, strict=True))
        if all_of
    ]
    y_ticks = [Tick(BOTTOM - (BOTTOM - TOP) * value / top, f"{value:,}") for value in range(0, top + 1, step)]
    return Chart(bars, y_ticks, _x_ticks(begin, span_s * len(seen)))


def _bar(x: float, width: float, per_request: float, counts: tuple[int, int], title: str) -> Bar:
    seen, refused = counts
    gap = 1 if width >= _GAP_FROM else 0
    refused_height = max(refused * per_request, _LEAST_SEEN) if refused else 0
    admitted_height = max((seen - refused) * per_request, _LEAST_SEEN) if seen > refused else 0
    admitted_y = BOTTOM - admitted_height
    return Bar(
        round(x, 2),
        round(width - gap, 2),
        round(admitted_y, 2),
        round(admitted_height, 2),
        round(admitted_y - refused_height, 2),
        round(refused_height, 2),
        title,
    )


def _round_step(most: int) -> int:
    """The distance of ticks on an axis to `most`: 1, 2 or 5 times a power of ten, so that there are at most five."""
    ten: int = 10 ** max(0, len(str(most)) - 2)
    return next(times * ten for times in (1, 2, 5, 10, 20) if times * ten * 5 >= most)


def _title(begin: datetime, index: int, span_s: int, seen: int, refused: int) -> str:
    since = begin + timedelta(seconds=index * span_s)
    return f"{since:%Y-%m-%d %H:%M:%S} UTC, {duration(span_s)}: {seen - refused:,} admitted, {refused:,} refused"


def _x_ticks(begin: datetime, length_s: int) -> list[Tick]:
    step_s = next((step for step in _STEPS_S if length_s / step <= _MOST_LABELS), None)
    if step_s is None:
        step_s = _DAY_S * -(-length_s // (_MOST_LABELS * _DAY_S))
    begin_s = int(begin.timestamp())
    first_s = -(-begin_s // step_s) * step_s
    return [
        Tick(round(LEFT + (RIGHT - LEFT) * (at_s - begin_s) / length_s, 2), _label(at_s, step_s))
        for at_s in range(first_s, begin_s + length_s, step_s)
    ]


def _label(at_s: int, step_s: int) -> str:
    at = datetime.fromtimestamp(at_s, UTC)
    if step_s >= _DAY_S:
        return f"{at:%Y-%m-%d}"
    if at_s % _DAY_S == 0:
        return f"{at:%b} {at.day}"
    return f"{at:%H:%M:%S}" if step_s < 60 else f"{at:%H:%M}"


def duration(span_s: int) -> str:
    """`1 s`, `5 min`, `3 h`, `7 d`."""
    for unit_s, unit in ((_DAY_S, "d"), (_HOUR_S, "h"), (60, "min")):
        if span_s % unit_s == 0:
            return f"{span_s // unit_s} {unit}"
    return f"{span_s} s"
