"""The site of the demonstration: people and abusers of the simulation, living now. What they did until now, and what they will do next.

Nobody in it exists. Its days are those of the calendar, so that what is shown of the last 24 hours is of the last 24 hours.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final

from ratelimit.anomaly.simulation.cast import ABUSE, Part, abuser, cast
from ratelimit.anomaly.simulation.folder import Tally, bought, used
from ratelimit.anomaly.simulation.member import Span, Verdict, within
from ratelimit.anomaly.simulation.purchase import Purchase
from ratelimit.anomaly.simulation.row import DAY_MS
from ratelimit.anomaly.simulation.shopper import shoppers
from ratelimit.anomaly.simulation.site import days
from ratelimit.anomaly.simulation.text import account_text, entries, subject_text
from ratelimit.core.log_entry import Entry

_DAYS_BEFORE: Final = 60  # of purchases: thirty that are shown, and those that their disputes are held against
_QUIET_DAYS: Final = 3  # of requests, before there was abuse: what is usual is learned from them
_MONEY: Final = ("farming", "card_testing") * 2  # once more: who takes money is what people look into
_TESTERS: Final = 6  # who bought with stolen cards in the weeks before, and took care: their disputes come in by now
_MS: Final = 1_000


class Site:
    """A site of a size (1.0 is some 3,900 honest people), with an abuser of each kind since yesterday, as of `now_s`."""

    def __init__(self, now_s: float, *, scale: float, seed: int) -> None:
        self.now_ms: Final = round(now_s * _MS)
        midnight_ms = self.now_ms // DAY_MS * DAY_MS
        self._lately = Span(midnight_ms - DAY_MS, midnight_ms + 2 * DAY_MS)  # abuse is what there is to be seen
        self._span = Span(midnight_ms - _DAYS_BEFORE * DAY_MS, self._lately.end_ms)
        self._seed, self._scale = seed, scale
        self._honest = list(cast(seed, self._span, scale, frozenset()))
        self._bad = [abuser(kind, seed, self._lately, index, evasive=False) for index, kind in enumerate((*ABUSE, *_MONEY))]
        before = Span(self._span.first_ms, self._lately.first_ms - _QUIET_DAYS * DAY_MS)
        self._testers = [abuser("card_testing", seed, before, index, evasive=True) for index in range(_TESTERS)]
        self._days = days(seed, self._span.first_ms, self._span.days)
        self._tally = Tally(Counter(), set(), set())

    def quiet(self) -> Iterator[Entry]:
        """What was asked for on the days before the abuse, by time, and the events of accounts' lives."""
        yield from self._entries(self._lately.first_ms - _QUIET_DAYS * DAY_MS, self._lately.first_ms)

    def requests(self) -> Iterator[Entry]:
        """The same since then, until now: of yesterday and today."""
        yield from self._entries(self._lately.first_ms, self.now_ms)

    def later(self) -> Iterator[Entry]:
        """The same from now on, for at least a day."""
        yield from self._entries(self.now_ms, self._span.end_ms)

    def purchases(self) -> list[Purchase]:
        """Attempts of the last sixty days, by time, each with what became of it."""
        return [purchase for purchase in self._bought([*self._honest, *self._testers, *self._bad]) if purchase.time_ms < self.now_ms]

    @property
    def began_s(self) -> float:
        """Since when anything is known."""
        return self._span.first_ms / _MS

    @property
    def abuse_from_s(self) -> float:
        """Since when there is abuse."""
        return self._lately.first_ms / _MS

    def later_purchases(self) -> list[Purchase]:
        """What honest people buy from now on."""
        return [purchase for purchase in self._bought(self._honest) if purchase.time_ms >= self.now_ms]

    @cached_property
    def wrong(self) -> Mapping[str, Verdict]:
        """Who does wrong, as logs name them, and what it is: what people find out who look into it."""
        labels = [label for part in self._bad for label in part.member.labels]
        buyers: dict[str, Verdict] = {
            account_text(one.account) or "": "fraud" for one in self._bought([*self._testers, *self._bad], shop=False)
        }
        return buyers | {subject_text(label): label.verdict for label in labels}

    def _bought(self, parts: list[Part], *, shop: bool = True) -> list[Purchase]:
        buyers = list(shoppers(self._seed, self._span, self._scale)) if shop else []
        return [purchase for day in self._days for purchase in bought(parts, buyers, self._seed, day, self._tally)]

    def _entries(self, from_ms: int, until_ms: int) -> Iterator[Entry]:
        parts = [*self._honest, *self._bad]
        for day in self._days:
            if day.start_ms < until_ms and day.start_ms + DAY_MS > from_ms:
                yield from entries(within(used(parts, self._seed, day, self._tally), from_ms, until_ms))
