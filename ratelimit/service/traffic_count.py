"""Tells the ledger every ten seconds how many decisions of each kind this process has made, and how long they took."""

import asyncio
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Final

from ratelimit.core.decision import Reason, Verdict
from ratelimit.core.message import Counted, Tally

SPAN_S: Final = 10.0

Decided = Mapping[tuple[Verdict, Reason], int]


class TrafficCount:
    """`decided` gives the counts since the start, `latency_us` the p99 since it was asked before, `wall` seconds since the epoch."""

    def __init__(
        self,
        decided: Callable[[], Decided],
        latency_us: Callable[[], float | None],
        tell: Callable[[Counted], None],
        wall: Callable[[], float],
    ) -> None:
        self._decided, self._latency_us, self._tell, self._wall = decided, latency_us, tell, wall
        self._before: Decided = {}
        self._sidecar = token_hex(6)
        self._since = self._span(wall())

    async def run(self) -> None:
        """Tell for ever, at the end of each span."""
        while True:
            await asyncio.sleep(max(0.0, self._since + SPAN_S - self._wall()))
            self.count()

    def count(self) -> None:
        """Tell what was counted since the last time. It may come before the span ends, when the process does."""
        now, since = self._decided(), self._since
        self._since = max(self._span(self._wall()), since + SPAN_S)
        more = [Tally(*kind, count - self._before.get(kind, 0)) for kind, count in now.items() if count > self._before.get(kind, 0)]
        self._before = dict(now)
        latency_us = self._latency_us()
        if more:
            self._tell(Counted(since, self._sidecar, tuple(more), latency_us))

    @staticmethod
    def _span(now: float) -> float:
        return now // SPAN_S * SPAN_S
