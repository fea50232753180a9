"""The traffic page as it is shown: key figures, spans, top subjects, and how many subjects have which risk. Pure."""

from collections.abc import Sequence
from math import log10
from typing import Final

from msgspec import Struct

from ratelimit.console.subject_name import name_of
from ratelimit.console.wording import count, percent
from ratelimit.core.principal import Role
from ratelimit.review.live import Shown
from ratelimit.review.top_subjects import BY, SPANS, By, Span, Top, Tops
from ratelimit.review.traffic import Series
from ratelimit.service.risk_steps import STEPS
from ratelimit.web.measured import Measured

SPAN_WORDS: Final[dict[Span, str]] = {"15m": "15 min", "1h": "1 h", "6h": "6 h", "24h": "24 h", "7d": "7 days"}
BY_WORDS: Final[dict[By, str]] = {
    "refused": "Most refused",
    "requests": "Most requests",
    "cost": "Most cost",
    "rising": "Fastest rising",
}
LATENCY_BUDGET_US: Final = 250  # what the product promises to add at most, see README
CALLS_BUDGET: Final = 0.010
_SPARK: Final = 60  # points of a figure's line


class Figure(Struct, frozen=True, kw_only=True):
    """A key figure: its name, value and unit, what to hold it against, and how it went. `id` is by which it changes in place."""

    id: str
    name: str
    value: str
    unit: str
    beside: str
    spark: tuple[float | None, ...]
    glyph: str = ""


class LiveRow(Struct, frozen=True):
    """A decision of the live list."""

    id: str
    at: float
    decision: str
    reason: str
    name: str
    path: str


class TopRow(Struct, frozen=True, kw_only=True):
    """A subject of the list."""

    subject: int
    kind: str
    name: str
    rate: str
    refused: str
    share: float
    share_words: str
    decision: str
    reason: str
    risk: str
    good: int
    spark: tuple[float, ...]


class TopList(Struct, frozen=True):
    """The subjects of one list, and what it was made of."""

    rows: tuple[TopRow, ...]
    words: str


class Step(Struct, frozen=True):
    """One bar of the risks: lengths are CSS pixels from the bottom; `above` is what of it is more than expected."""

    words: str
    number: int
    height: float
    expected: float
    more: bool


class Risks(Struct, frozen=True):
    """The bars, and what they come to."""

    steps: tuple[Step, ...]
    ticks: tuple[tuple[float, str], ...]
    subjects: int
    drift: str
    high: int
    high_expected: int


class Link(Struct, frozen=True):
    """One of several views of the page."""

    words: str
    href: str
    current: bool
    key: str = ""


class TrafficView(Struct, frozen=True, kw_only=True):
    """The page."""

    span: Span
    since: float
    sidecars: int
    figures: tuple[Figure, ...]
    spans: tuple[Link, ...]
    live: tuple[LiveRow, ...]
    tops: tuple[Link, ...]
    top: TopList | None
    top_href: str
    csv: str
    risks: Risks | None
    may_see: bool


class Rates(Struct, frozen=True, kw_only=True):
    """Per second now and a day before, None where nothing was told."""

    all: float | None
    all_before: float | None
    throttle: float | None
    throttle_before: float | None
    block: float | None
    block_before: float | None
    latency_us: float | None


class Opened(Struct, frozen=True):
    """Cases of the span: when they were opened, how many are open, and of these overdue."""

    at: tuple[float, ...]
    open: int
    late: int


def figures(rates: Rates, series: Series, opened: Opened, measured: Measured) -> tuple[Figure, ...]:
    """The six of the head."""
    sums = [None if None in some else sum(one or 0.0 for one in some) for some in zip(*(lane.rates for lane in series.lanes), strict=True)]
    shares = {lane.decision: [_over(one, whole) for one, whole in zip(lane.rates, sums, strict=True)] for lane in series.lanes}
    changed = _change(rates.all, rates.all_before)
    throttled, blocked = _over(rates.throttle, rates.all), _over(rates.block, rates.all)
    throttled_before, blocked_before = _over(rates.throttle_before, rates.all_before), _over(rates.block_before, rates.all_before)
    return (
        Figure(id="all", name="Decisions", value=_rate(rates.all), unit="/s", beside=changed, spark=_thin(sums)),
        Figure(
            id="throttle", name="Throttled", glyph="throttle", value=_percent(throttled), unit="%",
            beside=_yesterday(throttled_before), spark=_thin(shares["throttle"]),
        ),
        Figure(
            id="block", name="Blocked", glyph="block", value=_percent(blocked), unit="%",
            beside=_yesterday(blocked_before), spark=_thin(shares["block"]),
        ),
        Figure(
            id="latency", name="Latency added, p99", value="–" if rates.latency_us is None else count(rates.latency_us), unit="µs",
            beside="not measured" if rates.latency_us is None else f"budget {LATENCY_BUDGET_US} µs", spark=_thin(series.latency_us),
        ),
        Figure(
            id="calls", name="Store calls per decision", value="–" if measured.calls is None else f"{measured.calls:.3f}", unit="",
            beside=f"budget {CALLS_BUDGET:.3f}", spark=(),
        ),
        Figure(
            id="cases", name="Cases opened", value=count(len(opened.at)), unit=f"in {SPAN_WORDS[series.span]}",
            beside=f"{opened.open:,} open, {opened.late:,} overdue", spark=_histogram(opened.at, series.since, series.until),
        ),
    )  # fmt: skip


def links(span: Span, by: By) -> tuple[tuple[Link, ...], tuple[Link, ...]]:
    """The spans, and the lists of top subjects."""
    spans = tuple(Link(SPAN_WORDS[one], _href(one, by), one == span, str(number)) for number, one in enumerate(SPANS, 1))
    return spans, tuple(Link(BY_WORDS[one], _href(span, one), one == by) for one in BY)


def top_rows(tops: Tops, by: By, role: Role) -> tuple[TopRow, ...]:
    """The subjects of one list."""
    minutes = max(1.0, (tops.at - tops.since) / 60)
    return tuple(_top(one, minutes, role) for one in getattr(tops, by))


def top_list(tops: Tops, by: By, role: Role) -> TopList:
    """One list."""
    words = f"of {tops.records:,} records" if tops.whole else f"of the latest {tops.records:,} records"
    return TopList(top_rows(tops, by, role), words)


def live_rows(rows: Sequence[Shown], role: Role) -> tuple[LiveRow, ...]:
    """Decisions of the live list."""
    return tuple(LiveRow(it.id, it.at, it.decision, it.reason, name_of(it.kind, it.subject, role), it.path) for it in rows)


def risks(measured: Measured, height: float = 150.0) -> Risks | None:
    """Bars on a log axis; None: no risk is known."""
    total = sum(measured.risks)
    if not total:
        return None
    shares = [upper - lower for lower, upper in zip(STEPS, (*STEPS[1:], 1.0), strict=True)]
    top = max(1.0, log10(total))

    def tall(number: float) -> float:
        return round(max(0.0, log10(number)) / top * height, 1) if number >= 1 else 0.0

    steps = tuple(
        Step(
            "below 0.9" if index == 0 else f"{STEPS[index]:g}", number, max(tall(number), 2.0 if number else 0.0), tall(total * share),
            more=index > 0 and number > total * share,
        )
        for index, (number, share) in enumerate(zip(measured.risks, shares, strict=True))
    )  # fmt: skip
    ticks = tuple((tall(10.0**power), f"{10**power:,}") for power in range(int(top) + 1))
    high = sum(measured.risks[3:])
    drift = "" if measured.drift is None else f", PSI {measured.drift:.2f}"
    return Risks(steps, ticks, total, drift, high, round(total * (1 - STEPS[3])))


def _top(it: Top, minutes: float, role: Role) -> TopRow:
    share = it.refused / it.requests if it.requests else 0.0
    return TopRow(
        subject=it.subject,
        kind=it.kind or "account",
        name=name_of(it.kind, it.shown, role),
        rate=count(it.requests / minutes) if it.requests >= minutes else "< 1",
        refused=count(it.refused),
        share=share,
        share_words=percent(share),
        decision="block" if it.blocked * 2 > it.refused else "throttle" if it.refused else "allow",
        reason=it.reason or "–",
        risk="–" if it.risk is None else f"{it.risk:.4f}",
        good=it.good,
        spark=tuple(it.spark),
    )


def _href(span: Span, by: By) -> str:
    return f"/traffic?span={span}&top={by}"


def _over(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _rate(value: float | None) -> str:
    return "–" if value is None else count(value) if value >= 100 else f"{value:.3g}"


def _percent(share: float | None) -> str:
    return "–" if share is None else percent(share).partition("\u00a0")[0]


def _yesterday(share: float | None) -> str:
    return "nothing known of yesterday" if share is None else f"{percent(share)} yesterday"


def _change(now: float | None, before: float | None) -> str:
    if now is None or not before:
        return "nothing known of yesterday"
    change = now / before - 1
    if change >= 1:
        times = float(f"{now / before:.2g}")
        return f"{_rate(times)} times yesterday's"
    if abs(change) < 0.005:
        return "as yesterday"
    return f"{percent(abs(change))} {'over' if change > 0 else 'under'} yesterday"


def _thin(values: Sequence[float | None]) -> tuple[float | None, ...]:
    """At most so many points, each the mean of those that it stands for."""
    width = max(1, -(-len(values) // _SPARK))
    found: list[float | None] = []
    for start in range(0, len(values), width):
        known = [value for value in values[start : start + width] if value is not None]
        found.append(sum(known) / len(known) if known else None)
    return tuple(found)


def _histogram(times: Sequence[float], since: float, until: float, bins: int = 24) -> tuple[float, ...]:
    found = [0.0] * bins
    for at in times:
        if since <= at:
            found[min(bins - 1, int((at - since) / (until - since) * bins))] += 1
    return tuple(found)
