"""The lead's figures of thirty days: ratios with how sure they are, against what the card networks allow, and how the work stands.

They are made anew every minute in the background, so that looking costs nothing. Times are seconds since the epoch, money minor units.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.anomaly.evaluation_report import Share
from ratelimit.ledger import overview, traffic
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.overview import DAY_S, Bought, Daily, Told
from ratelimit.service.standings import Standings

DAYS: Final = 30
REFRESH_S: Final = 60.0
AGES_S: Final = (DAY_S, 3 * DAY_S, 7 * DAY_S)  # between which held money is counted


Row = TypeVar("Row", Bought, Told, Daily)


class Ratio(Struct, frozen=True, kw_only=True):
    """`part` of `whole`, and the interval of 95 % around the share. `by_day` is the share of each day, None where there was nothing."""

    part: int
    whole: int
    low: float
    high: float
    by_day: list[float | None]

    @property
    def share(self) -> float | None:
        """The share; None: of nothing."""
        return self.part / self.whole if self.whole else None


class Money(Struct, frozen=True, kw_only=True):
    """Lost and paid in one currency."""

    currency: str
    lost_minor: int
    paid_minor: int


class Held(Struct, frozen=True, kw_only=True):
    """Money of tokens that are held, in the currency of most of it, by how long: AGES_S. `others` is in other currencies."""

    currency: str
    minor: list[int]
    purchases: int
    others: int


class Overview(Struct, frozen=True, kw_only=True):
    """All of it. `vamp` counts disputes and warnings over payments of the same days, `ecm` disputes over those of the days before."""

    at: float
    since: float
    vamp: Ratio
    ecm: Ratio
    approved: Ratio
    loss: list[Money]
    loss_by_day: list[float | None]
    stopped_good: list[int]
    opened: list[int]
    closed: list[int]
    open: int
    late: int
    work_s: tuple[float, float] | None
    worked: int
    overturned: Ratio
    agreed: Ratio
    held: Held


class OverviewBook:
    """Makes the figures. `wall` gives the time."""

    def __init__(self, ledger: Ledger, standings: Standings, wall: Callable[[], float]) -> None:
        self._ledger, self._standings, self._wall = ledger, standings, wall
        self._known: Overview | None = None
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Keep up, for ever."""
        while True:
            with suppress(LedgerAwayError):
                await self.refresh()
            await asyncio.sleep(REFRESH_S)

    async def overview(self) -> Overview:
        """The figures as they were last made; raises LedgerAwayError where they never were."""
        return self._known or await self.refresh()

    async def refresh(self) -> Overview:
        """Make them anew."""
        async with self._turn:
            now = self._wall()
            today = int(now // DAY_S)
            first, since = today - DAYS + 1, (today - DAYS + 1) * DAY_S
            async with self._ledger.read() as connection:
                bought = await overview.bought(connection, since - DAYS * DAY_S)
                told = await overview.told(connection, since)
                stopped = await overview.stopped_good(connection, since)
                opened, closed = await overview.opened(connection, since), await overview.closed(connection, since)
                work = await overview.work_s(connection, since)
                appeals, agreed = await overview.appeals(connection, since), await overview.second_reviews(connection, since)
                open_, late = await traffic.cases_open(connection, now)
                held = await self._held(connection, now)
            recent = [one for one in bought if one.day >= first]
            before = [one for one in bought if one.day < first]
            self._known = Overview(
                at=now,
                since=since,
                vamp=_ratio(_by_day(first, told, lambda it: it.disputed + it.warned), _by_day(first, recent, lambda it: it.paid)),
                ecm=_over(sum(it.disputed for it in told), sum(it.paid for it in before)),
                approved=_ratio(_by_day(first, recent, lambda it: it.approved), _by_day(first, recent, lambda it: it.attempts)),
                loss=_loss(recent, told),
                loss_by_day=_shares(_by_day(first, told, lambda it: it.lost_minor), _by_day(first, recent, lambda it: it.paid_minor)),
                stopped_good=_by_day(first, stopped, _count),
                opened=_by_day(first, opened, _count),
                closed=_by_day(first, closed, _count),
                open=open_,
                late=late,
                work_s=(_quantile(work, 0.5), _quantile(work, 0.9)) if work else None,
                worked=len(work),
                overturned=_over(appeals.part, appeals.whole),
                agreed=_over(agreed.part, agreed.whole),
                held=held,
            )
            return self._known

    async def _held(self, connection: AsyncConnection, now: float) -> Held:
        holds = [
            hold
            for word in self._standings.all()
            if word.held is not None
            for hold in word.held.holds
            if hold.state == "held" and hold.held and now < hold.lapses_at
        ]
        prices = await overview.prices(connection, [hold.purchase for hold in holds])
        money: dict[str, list[int]] = defaultdict(lambda: [0] * (len(AGES_S) + 1))
        for hold in holds:
            amount, tokens, currency = prices.get(hold.purchase, (0, 0, ""))
            if tokens:
                money[currency][sum(now - hold.made_at >= age for age in AGES_S)] += amount * hold.held // tokens
        most = max(money, key=lambda currency: sum(money[currency]), default="")
        return Held(currency=most, minor=list(money[most]), purchases=len(holds), others=max(0, len(money) - 1))


def _by_day(first: int, rows: Iterable[Row], value: Callable[[Row], int]) -> list[int]:
    found = Counter[int]()
    for row in rows:
        found[row.day] += value(row)
    return [found[first + index] for index in range(DAYS)]


def _count(row: Daily) -> int:
    return row.count


def _shares(parts: list[int], wholes: list[int]) -> list[float | None]:
    return [part / whole if whole else None for part, whole in zip(parts, wholes, strict=True)]


def _ratio(parts: list[int], wholes: list[int]) -> Ratio:
    return replace(_over(sum(parts), sum(wholes)), by_day=_shares(parts, wholes))


def _over(part: int, whole: int) -> Ratio:
    share = Share.of(min(part, whole), whole)
    return Ratio(part=part, whole=whole, low=share.low, high=share.high, by_day=[])


def _loss(bought: Iterable[Bought], told: Iterable[Told]) -> list[Money]:
    paid, lost = Counter[str](), Counter[str]()
    for purchase in bought:
        paid[purchase.currency] += purchase.paid_minor
    for dispute in told:
        lost[dispute.currency] += dispute.lost_minor
    found: Mapping[str, int] = paid + lost
    return [
        Money(currency=currency, lost_minor=lost[currency], paid_minor=paid[currency])
        for currency in sorted(found, key=lambda it: -paid[it])
        if found[currency]
    ]


def _quantile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))]
