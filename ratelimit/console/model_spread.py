"""How a signal is spread now, over how it was spread on the days of ranking: a small plot, and the same numbers as a table. Pure.

Bins are those of the model: about a tenth of what was usual in each, so bars that are all as high say that nothing has changed. Bins that
nothing can be in, between two equal cuts, are left out. Lengths are CSS pixels.
"""

from itertools import pairwise
from typing import Final, NamedTuple

from msgspec import Struct

from ratelimit.console.wording import percent
from ratelimit.core.purchase_signal_words import PURCHASE_WORDS
from ratelimit.core.quantity import Unit, quantity, span
from ratelimit.core.signal_words import REQUEST_WORDS
from ratelimit.review.model_drift import RISK, Distribution

WIDTH: Final = 300.0
HEIGHT: Final = 112.0
_LEFT: Final = 40.0
_TOP: Final = 12.0
_BOTTOM: Final = 90.0
_GAP: Final = 2.0
_STEPS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)  # where a scale may end


class Column(Struct, frozen=True):
    """One bin: the bar of now, and the line of what was usual, `usual_y` from the top."""

    x: float
    width: float
    y: float
    height: float
    usual_y: float


class Line(Struct, frozen=True):
    """One bin in words."""

    values: str
    usual: str
    seen: str


class SpreadChart(Struct, frozen=True, kw_only=True):
    """The plot of one. `marks` are pairs (x, words) below the columns; `strong`: it is another distribution."""

    title: str
    index: str
    strong: bool
    top: str
    columns: tuple[Column, ...]
    marks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]
    label: str


class _Bin(NamedTuple):
    values: str
    below: str  # its upper end, "" where it has none
    usual: float
    seen: float


def spread_chart(it: Distribution, kind: str, much: float) -> SpreadChart:
    """That of one signal of a kind; from an index of `much` on it is another distribution."""
    words = (PURCHASE_WORDS if kind == "purchase" else REQUEST_WORDS).get(it.signal)
    title = "Risk" if it.signal == RISK else words.title if words is not None else it.signal
    bins = _bins(it, words.unit if words is not None else "number")
    top = next((step for step in _STEPS if step >= max(max(one.usual, one.seen) for one in bins)), 1.0)
    step = (WIDTH - _LEFT) / len(bins)
    columns = tuple(_column(one, _LEFT + place * step, step - _GAP, top) for place, one in enumerate(bins))
    lines = tuple(Line(one.values, percent(one.usual), percent(one.seen)) for one in bins)
    farthest = max(bins, key=lambda one: abs(one.seen - one.usual))
    label = f"{title}: {percent(farthest.seen)} are {farthest.values} now, {percent(farthest.usual)} on the days of ranking"
    return SpreadChart(
        title=title,
        index=f"{it.index:.2f}",
        strong=it.index >= much,
        top=percent(top),
        columns=columns,
        marks=tuple(_marks(bins, step)),
        lines=lines,
        label=label,
    )


def _bins(it: Distribution, unit: Unit) -> list[_Bin]:
    ends: list[float | None] = [None, *it.cuts, None]
    found = []
    for place, (low, high) in enumerate(pairwise(ends)):
        if low is not None and low == high:
            continue
        values = f"over {quantity(low, unit)}" if high is None and low is not None else span(low, high, unit)
        found.append(_Bin(values, quantity(high, unit) if high is not None else "", it.usual[place], it.seen[place]))
    if it.usual[-1] or it.seen[-1]:
        found.append(_Bin("not known", "not known", it.usual[-1], it.seen[-1]))
    return found


def _column(one: _Bin, x: float, width: float, top: float) -> Column:
    high = (_BOTTOM - _TOP) * one.seen / top
    return Column(
        round(x, 1), round(width, 1), round(_BOTTOM - high, 1), round(high, 1), round(_BOTTOM - (_BOTTOM - _TOP) * one.usual / top, 1)
    )


def _marks(bins: list[_Bin], step: float) -> list[tuple[float, str]]:
    """The ends of some bins, as far as there is room: of the first, of the one in the middle, and of the last that has one."""
    ended = [place for place, one in enumerate(bins) if one.below and one.below != "not known"]
    if not ended:
        return []
    chosen = sorted({ended[0], ended[len(ended) // 2], ended[-1]})
    return [(round(_LEFT + (place + 1) * step - _GAP / 2, 1), bins[place].below) for place in chosen]
