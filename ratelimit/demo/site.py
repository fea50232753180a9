"""The site of the demonstration: people and abusers of the simulation, living now. What they did until now, and what they will do next.

Nobody in it exists. Its days are those of the calendar, so that what is shown of the last 24 hours is of the last 24 hours.
"""

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from ratelimit.anomaly.simulation.cast import ABUSE, abuser, cast
from ratelimit.anomaly.simulation.folder import Tally, bought, used
from ratelimit.anomaly.simulation.member import Span
from ratelimit.anomaly.simulation.purchase import Purchase
from ratelimit.anomaly.simulation.row import DAY_MS, Rows
from ratelimit.anomaly.simulation.shopper import shoppers
from ratelimit.anomaly.simulation.site import days
from ratelimit.anomaly.simulation.text import entries, purchase_line
from ratelimit.core.log_entry import Entry
from ratelimit.core.purchase_event import PurchaseEvent
from ratelimit.core.purchase_log import events_of

_DAYS_BEFORE: Final = 30  # of purchases, by which an account is known; of requests, `shown_days`
_MONEY: Final = ("farming", "card_testing") * 2  # once more: who takes money is what people look into
_MS: Final = 1_000


class Site:
    """A site of a size (1.0 is some 3,900 honest people), with an abuser of each kind, as of `now_s`.

    Requests are known of the last `shown_days` days.
    """

    def __init__(self, now_s: float, *, scale: float, seed: int, shown_days: int = 1) -> None:
        self.now_ms: Final = round(now_s * _MS)
        self._from_ms = self.now_ms - shown_days * DAY_MS
        midnight_ms = self.now_ms // DAY_MS * DAY_MS
        self._span = Span(midnight_ms - _DAYS_BEFORE * DAY_MS, midnight_ms + 2 * DAY_MS)
        self._seed, self._scale = seed, scale
        honest = cast(seed, self._span, scale, frozenset())
        lately = Span(midnight_ms - DAY_MS, self._span.end_ms)  # abuse is what there is to be seen
        self._parts = [*honest, *(abuser(kind, seed, lately, index, evasive=False) for index, kind in enumerate((*ABUSE, *_MONEY)))]
        self._days = days(seed, self._span.first_ms, self._span.days)
        self._tally = Tally(Counter(), set(), set())

    def requests(self) -> Iterator[Entry]:
        """What was asked for until now, by time, and the events of accounts' lives."""
        for rows in self._rows(self._from_ms, self.now_ms):
            yield from entries(rows)

    def later(self) -> Iterator[Entry]:
        """The same from now on, for at least a day."""
        for rows in self._rows(self.now_ms, self._span.end_ms):
            yield from entries(rows)

    def purchases(self) -> Iterator[list[PurchaseEvent]]:
        """Purchases until now, by time, each with what became of it."""
        for purchase in self._purchases:
            if purchase.time_ms < self.now_ms:
                yield list(events_of(purchase_line(purchase)))

    def later_purchases(self) -> Iterator[list[PurchaseEvent]]:
        """The same from now on."""
        for purchase in self._purchases:
            if purchase.time_ms >= self.now_ms:
                yield list(events_of(purchase_line(purchase)))

    @cached_property
    def _purchases(self) -> list[Purchase]:
        shop = list(shoppers(self._seed, self._span, self._scale))
        return [purchase for day in self._days for purchase in bought(self._parts, shop, self._seed, day, self._tally)]

    def _rows(self, from_ms: int, until_ms: int) -> Iterator[Rows]:
        for day in self._days:
            if day.start_ms < until_ms and day.start_ms + DAY_MS > from_ms:
                rows = used(self._parts, self._seed, day, self._tally)
                yield rows[(rows["time_ms"] >= from_ms) & (rows["time_ms"] < until_ms)]
