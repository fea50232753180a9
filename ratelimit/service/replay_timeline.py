"""How many requests a replay saw and refused over time, in spans that grow with the log: of a minute it keeps seconds, of a year days."""

from datetime import UTC, datetime
from typing import Final

from ratelimit.core.units import US_PER_S
from ratelimit.service.replay_report import TimelineReport

MOST_SPANS: Final = 240
_WEEK_S: Final = 604_800
_SHORT_S: Final = (1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400)
# how wide a span may be: each divides the next; the last are for logs whose clock was wrong by centuries
_WIDTHS_S: Final[tuple[int, ...]] = (*_SHORT_S, *(_WEEK_S * 4**power for power in range(7)))
_YEAR_1_S: Final = -62_135_596_800  # before it there are no dates


class Timeline:
    """Counts by span of time: seen, refused, refused by the other policy. Time never goes back."""

    def __init__(self) -> None:
        self._width = 0  # which of _WIDTHS_S
        self._spans: dict[int, list[int]] = {}  # by the span's number since the epoch
        self._now: list[int] = []
        self._end_us = -(1 << 62)  # of the span that `_now` counts

    def note(self, now_us: int, refused: bool, refused_against: bool = False) -> None:
        """Count one request."""
        if now_us >= self._end_us:
            self._enter(now_us)
        now = self._now
        now[0] += 1
        now[1] += refused
        now[2] += refused_against

    def _enter(self, now_us: int) -> None:
        while self._spans and now_us // self._width_us - next(iter(self._spans)) >= MOST_SPANS:
            self._widen()
        number = now_us // self._width_us
        self._now = self._spans.setdefault(number, [0, 0, 0])
        self._end_us = (number + 1) * self._width_us

    def _widen(self) -> None:
        times = _WIDTHS_S[self._width + 1] // _WIDTHS_S[self._width]
        self._width += 1
        wider: dict[int, list[int]] = {}
        for number, counts in self._spans.items():
            into = wider.setdefault(number // times, [0, 0, 0])
            for index, count in enumerate(counts):
                into[index] += count
        self._spans = wider

    @property
    def _width_us(self) -> int:
        return _WIDTHS_S[self._width] * US_PER_S

    def report(self, *, against: bool) -> TimelineReport | None:
        """Every span from the first to the last, also those without a request; None of an empty log."""
        if not self._spans:
            return None
        width_s = _WIDTHS_S[self._width]
        first, last = min(self._spans), max(self._spans)
        spans = [self._spans.get(number, (0, 0, 0)) for number in range(first, last + 1)]
        return TimelineReport(
            start=datetime.fromtimestamp(max(first * width_s, _YEAR_1_S), UTC).isoformat().replace("+00:00", "Z"),
            span_s=width_s,
            seen=[span[0] for span in spans],
            refused=[span[1] for span in spans],
            refused_against=[span[2] for span in spans] if against else None,
        )
