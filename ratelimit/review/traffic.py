"""Traffic as the console shows it: counts over time from memory, and who was behind the latest decisions.

All sidecars tell the ledger what they counted every ten seconds. The book reads that once, at its start for two weeks, and from then on
only what is new: so a page costs no scan, however long its span. Times are seconds since the epoch.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.message import Counted
from ratelimit.ledger import traffic
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.rollup import HOUR_S
from ratelimit.ledger.subjects import named
from ratelimit.ledger.traffic import Count, Mark
from ratelimit.review.top_subjects import BY, LENGTH_S, SPARK, Span, Tops, by_subject, most_by, with_name

DECISIONS: Final = ("allow", "throttle", "block")

FINE_S: Final = 10.0  # as sidecars count
COARSE_S: Final = 60.0
FINE_KEPT_S: Final = 26 * 3_600.0  # so that an hour can be held against yesterday's
COARSE_KEPT_S: Final = 14 * 86_400.0 + 3_600.0
LATE_S: Final = 60.0  # for which counts of a step may still come in
COMMITTED_S: Final = 10.0  # after which what a handler has seen is there to be read
REFRESH_S: Final = 2.0
MOST_RECORDS: Final = 10_000  # that a list of top subjects is made of
_TOP_FRESH_S: Final = 5.0
_TOP_LIVES_S: Final = 60.0
_STEP: Final[Mapping[Span, float]] = {"15m": 10.0, "1h": 10.0, "6h": 60.0, "24h": 300.0, "7d": 1_800.0}
_MARKS: Final = 20


class Lane(Struct, frozen=True):
    """Decisions of one kind per second, one number a step, and the same one span or a day before; None where nothing was told."""

    decision: str
    rates: list[float | None]
    before: list[float | None]


class Series(Struct, frozen=True, kw_only=True):
    """What a chart draws: `at` is when each step begins."""

    span: Span
    step_s: float
    since: float
    until: float
    at: list[float]
    lanes: list[Lane]
    latency_us: list[float | None]
    marks: list[Mark]


Steps = dict[int, dict[str, float]]


class TrafficBook:
    """What was counted. `wall` gives the time."""

    def __init__(self, ledger: Ledger, wall: Callable[[], float] = time.time) -> None:
        self._ledger, self._wall = ledger, wall
        self._fine: Steps = {}
        self._coarse: Steps = {}
        self._latency: dict[int, float] = {}
        self._read_until: float | None = None
        self._late: float | None = None  # since when counts have come in that were long under way
        self._late_until = 0.0
        self._turn = asyncio.Lock()
        self._tops: dict[Span, Tops] = {}
        self._remaking: set[asyncio.Task[Tops]] = set()
        self.sidecars = 0

    async def take(self, _connection: AsyncConnection, messages: Sequence[Counted], now: float) -> None:
        """Counts came in: what was long under way, since the ledger was away, is read with what is new."""
        late = min((one.at for one in messages if one.at < now - LATE_S), default=None)
        if late is not None:
            self._late = late if self._late is None else min(late, self._late)
            self._late_until = self._wall() + COMMITTED_S

    async def run(self) -> None:
        """Keep up, for ever."""
        while True:
            with suppress(LedgerAwayError):
                await self.refresh()
            await asyncio.sleep(REFRESH_S)

    async def refresh(self) -> None:
        """Read what is new; raises LedgerAwayError."""
        async with self._turn:
            now, late = self._wall(), self._late
            if now > self._late_until:
                self._late = None
            since = now - COARSE_KEPT_S if self._read_until is None else min(self._read_until - LATE_S, late if late is not None else now)
            since -= since % COARSE_S
            async with self._ledger.read() as connection:
                if self._read_until is None:
                    _put(self._coarse, await traffic.counts(connection, since, now, COARSE_S), COARSE_S)
                    since = now - FINE_KEPT_S - now % FINE_S
                fine = await traffic.counts(connection, since, now, FINE_S)
                self.sidecars = await traffic.sidecars(connection, now - LATE_S)
            self._take(fine, since)
            self._read_until = now
            self._forget(now)

    async def series(self, span: Span) -> Series:
        """The lanes of a span that ends with the last step that is told of in full."""
        if self._read_until is None:
            await self.refresh()
        step, length = _STEP[span], LENGTH_S[span]
        until = self._wall() - FINE_S
        until -= until % step
        since, before = until - length, length if span == "7d" else 86_400.0
        at = [since + index * step for index in range(round(length / step))]
        async with self._ledger.read() as connection:
            marks = await traffic.marks(connection, since, _MARKS)
        return Series(
            span=span,
            step_s=step,
            since=since,
            until=until,
            at=at,
            lanes=[Lane(one, self._rates(one, at, step), self._rates(one, [when - before for when in at], step)) for one in DECISIONS],
            latency_us=[self._worst(when, step) for when in at],
            marks=marks,
        )

    async def tops(self, span: Span) -> Tops:
        """Who was behind the decisions of a span."""
        return self.tops_at_hand(span) or await self._remake(span)

    def tops_at_hand(self, span: Span) -> Tops | None:
        """As of a moment ago, while they are made anew behind the back of whoever looks; None: they have to be waited for."""
        known, now = self._tops.get(span), self._wall()
        if known is None or not 0 <= now - known.at < _TOP_LIVES_S:
            return None
        if now - known.at >= _TOP_FRESH_S and not self._remaking:
            task = asyncio.create_task(self._remake(span))
            self._remaking.add(task)
            task.add_done_callback(self._remade)
        return known

    async def _remake(self, span: Span) -> Tops:
        found = self._tops[span] = await self._find_tops(span, self._wall())
        return found

    def _remade(self, task: asyncio.Task[Tops]) -> None:
        self._remaking.discard(task)
        if not task.cancelled():
            task.exception()  # the ledger is away: what is known is shown until it is too old

    def rate(self, decision: str | None, seconds: float) -> float | None:
        """Decisions per second in the latest so many seconds that were told of; None: none were."""
        until = self._wall() - FINE_S
        until -= until % FINE_S
        steps = [self._fine.get(round((until - FINE_S * (index + 1)) / FINE_S)) for index in range(max(1, round(seconds / FINE_S)))]
        told = [one for one in steps if one is not None]
        if not told:
            return None
        return sum(_of(one, decision) for one in told) / (len(told) * FINE_S)

    def rate_before(self, decision: str | None, seconds: float) -> float | None:
        """The same a day before."""
        until = self._wall() - 86_400.0
        told = [one for index in range(max(1, round(seconds / FINE_S))) if (one := self._fine.get(int(until / FINE_S) - index)) is not None]
        if not told:
            return None
        return sum(_of(one, decision) for one in told) / (len(told) * FINE_S)

    def latency_us(self, seconds: float) -> float | None:
        """The worst p99 of what deciding added, in the latest so many seconds."""
        first = int((self._wall() - seconds) / FINE_S)
        return max((value for step, value in self._latency.items() if step >= first), default=None)

    def _take(self, fine: Sequence[Count], since: float) -> None:
        _put(self._fine, fine, FINE_S)
        if self._read_until is not None:  # the minutes that are touched are made anew from their steps
            minutes = {int(one.at // COARSE_S) for one in fine if one.at >= since}
            for minute in minutes:
                parts = [self._fine[step] for step in range(minute * 6, minute * 6 + 6) if step in self._fine]
                self._coarse[minute] = _added(parts)
        for one in fine:
            if one.latency_us is not None:
                step = round(one.at / FINE_S)
                self._latency[step] = max(self._latency.get(step, 0.0), one.latency_us)

    def _forget(self, now: float) -> None:
        for steps, step_s, kept_s in ((self._fine, FINE_S, FINE_KEPT_S), (self._coarse, COARSE_S, COARSE_KEPT_S)):
            first = int((now - kept_s) / step_s)
            for old in [step for step in steps if step < first]:
                del steps[old]
        first = int((now - FINE_KEPT_S) / FINE_S)
        for old in [step for step in self._latency if step < first]:
            del self._latency[old]

    def _rates(self, decision: str, at: Iterable[float], step_s: float) -> list[float | None]:
        steps, unit = (self._fine, FINE_S) if step_s < COARSE_S else (self._coarse, COARSE_S)
        found: list[float | None] = []
        for when in at:
            first = round(when / unit)
            told = [one for index in range(round(step_s / unit)) if (one := steps.get(first + index)) is not None]
            found.append(sum(_of(one, decision) for one in told) / (len(told) * unit) if told else None)
        return found

    def _worst(self, when: float, step_s: float) -> float | None:
        first = round(when / FINE_S)
        return max((value for step in range(first, first + round(step_s / FINE_S)) if (value := self._latency.get(step))), default=None)

    async def _find_tops(self, span: Span, now: float) -> Tops:
        since = now - LENGTH_S[span]
        async with self._ledger.read() as connection:
            extent = await traffic.extent(connection, since, MOST_RECORDS)
            whole = extent.records < MOST_RECORDS
            since = since if whole else extent.since
            found = by_subject(await traffic.asked(connection, since, now, MOST_RECORDS, SPARK))
            lists = {by: most_by(found, by) for by in BY}
            names = await named(connection, {one.subject for some in lists.values() for one in some})
        shown = {by: [with_name(one, names.get(one.subject)) for one in some] for by, some in lists.items()}
        return Tops(span=span, at=now, since=since, records=extent.records, whole=whole, **shown)


def _put(steps: Steps, counts: Sequence[Count], step_s: float) -> None:
    """Add what was counted; what is known by the hour alone is spread over its steps evenly."""
    fresh: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for one in counts:
        first, parts = round(one.at / step_s), round(HOUR_S / step_s) if one.hourly else 1
        for step in range(first, first + parts):
            fresh[step][one.decision] += one.count / parts
    steps.update(fresh)


def _of(step: Mapping[str, float], decision: str | None) -> float:
    return sum(step.values()) if decision is None else step.get(decision, 0.0)


def _added(steps: Iterable[Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for step in steps:
        for decision, count in step.items():
            found[decision] += count
    return found
