"""What the lead looks at, counted from the ledger by day: purchases, disputes, customers who were stopped by mistake, cases, reviews.

Days are counted from the epoch, in UTC. Money is in minor units of its currency.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import BigInteger, and_, case, cast, distinct, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.reputation import DISPUTES
from ratelimit.ledger.tables.action import ACTION, APPEAL
from ratelimit.ledger.tables.case import CASE
from ratelimit.ledger.tables.purchase import OUTCOME, PURCHASE

DAY_S: Final = 86_400.0
_STOPPED: Final = ("refuse", "hold", "challenge")
_HURTS: Final = ("block", "throttle", "hold")
_MOST_WORK: Final = 50_000


class Bought(Struct, frozen=True):
    """Attempts of a day in one currency: how many, how many were not refused, and what was paid of them."""

    day: int
    currency: str
    attempts: int
    approved: int
    paid: int
    paid_minor: int


class Told(Struct, frozen=True):
    """Payments of which a dispute, or an early warning, became known on a day, and how much of their money is lost."""

    day: int
    currency: str
    disputed: int
    warned: int
    lost_minor: int


class Daily(Struct, frozen=True):
    """So many on a day."""

    day: int
    count: int


class Decided(Struct, frozen=True):
    """So many of so many that were decided were decided otherwise, or alike."""

    part: int
    whole: int


async def bought(connection: AsyncConnection, since: float) -> list[Bought]:
    """Attempts since then."""
    day, currency = _day(connection, PURCHASE.c.at), func.coalesce(PURCHASE.c.currency, "")
    paid = PURCHASE.c.outcome == "succeeded"
    query = select(
        day,
        currency,
        func.count(),
        func.sum(case((PURCHASE.c.action != "refuse", 1), else_=0)),
        func.sum(case((paid, 1), else_=0)),
        func.sum(case((paid, PURCHASE.c.amount_minor), else_=0)),
    ).where(PURCHASE.c.at >= since, PURCHASE.c.kind == "purchase")
    return [Bought(*map(_plain, row)) for row in await connection.execute(query.group_by(day, currency))]


async def told(connection: AsyncConnection, since: float) -> list[Told]:
    """What became known since then; of one payment that is disputed and warned of, both count, as the networks count them.

    Money that was disputed is lost until the dispute is won.
    """
    disputed, warned = OUTCOME.c.kind.in_(DISPUTES), OUTCOME.c.kind == "warned"
    first = (
        select(OUTCOME.c.purchase, OUTCOME.c.attempt, func.min(OUTCOME.c.known_at).label("known_at"), _any(disputed).label("disputed"))
        .add_columns(_any(warned).label("warned"), _any(OUTCOME.c.kind == "dispute_won").label("won"))
        .where(OUTCOME.c.known_at >= since, or_(disputed, warned))
        .group_by(OUTCOME.c.purchase, OUTCOME.c.attempt)
        .subquery()
    )
    of = and_(PURCHASE.c.id == first.c.purchase, PURCHASE.c.attempt == first.c.attempt)
    day, currency = _day(connection, first.c.known_at), func.coalesce(PURCHASE.c.currency, "")
    lost = case((and_(first.c.disputed == 1, first.c.won == 0), PURCHASE.c.amount_minor), else_=0)
    query = select(day, currency, func.sum(first.c.disputed), func.sum(first.c.warned), func.sum(lost))
    query = query.select_from(first.join(PURCHASE, of)).group_by(day, currency)
    return [Told(*map(_plain, row)) for row in await connection.execute(query)]


async def stopped_good(connection: AsyncConnection, since: float) -> list[Daily]:
    """Honest customers who were stopped: of whom a purchase was refused or held that is good, or whose block was undone; by day of that."""
    day = _day(connection, PURCHASE.c.at)
    bad_luck = PURCHASE.c.action.in_(_STOPPED), PURCHASE.c.label == "good", PURCHASE.c.at >= since
    purchases = select(day, func.count(distinct(PURCHASE.c.account))).where(*bad_luck).group_by(day)
    day = _day(connection, ACTION.c.at)
    undone = ACTION.c.then.in_(_HURTS), ACTION.c.state == "undone", ACTION.c.at >= since
    acts = select(day, func.count(distinct(ACTION.c.target))).where(*undone).group_by(day)
    found: dict[int, int] = {}
    for query in (purchases, acts):
        for at, count in await connection.execute(query):
            found[int(at)] = found.get(int(at), 0) + int(count)
    return [Daily(at, count) for at, count in sorted(found.items())]


async def opened(connection: AsyncConnection, since: float) -> list[Daily]:
    """Cases that were opened since then, by day."""
    return await _daily(connection, CASE.c.opened_at, since)


async def closed(connection: AsyncConnection, since: float) -> list[Daily]:
    """Cases that were closed since then, by day."""
    return await _daily(connection, CASE.c.closed_at, since)


async def work_s(connection: AsyncConnection, since: float) -> list[float]:
    """For how long somebody had each case open that was closed since then, the shortest first."""
    query = select(CASE.c.work_s).where(CASE.c.closed_at >= since, CASE.c.work_s > 0).order_by(CASE.c.closed_at.desc()).limit(_MOST_WORK)
    return sorted((await connection.execute(query)).scalars())


async def appeals(connection: AsyncConnection, since: float) -> Decided:
    """Appeals that were decided since then, and how many of them were overturned."""
    query = select(func.sum(case((APPEAL.c.state == "overturned", 1), else_=0)), func.count())
    row = (await connection.execute(query.where(APPEAL.c.decided_at >= since, APPEAL.c.state != "open"))).one()
    return Decided(int(row[0] or 0), int(row[1]))


async def second_reviews(connection: AsyncConnection, since: float) -> Decided:
    """Second reviews that were closed since then, and how many of them came to the same verdict."""
    first = CASE.alias("first")
    same = func.sum(case((CASE.c.verdict == first.c.verdict, 1), else_=0))
    query = select(same, func.count()).select_from(CASE.join(first, first.c.number == CASE.c.second_of))
    row = (await connection.execute(query.where(CASE.c.second_of.is_not(None), CASE.c.closed_at >= since))).one()
    return Decided(int(row[0] or 0), int(row[1]))


async def prices(connection: AsyncConnection, purchases: Sequence[str]) -> dict[str, tuple[int, int, str]]:
    """What was paid for how many tokens, by purchase."""
    found: dict[str, tuple[int, int, str]] = {}
    for start in range(0, len(purchases), 500):
        query = select(PURCHASE.c.id, PURCHASE.c.amount_minor, PURCHASE.c.tokens, PURCHASE.c.currency)
        for row in await connection.execute(query.where(PURCHASE.c.id.in_(purchases[start : start + 500]))):
            found[row.id] = row.amount_minor, row.tokens, row.currency or ""
    return found


async def _daily(connection: AsyncConnection, column: Any, since: float) -> list[Daily]:
    day = _day(connection, column)
    query = select(day, func.count()).where(column >= since).group_by(day)
    return [Daily(int(at), int(count)) for at, count in await connection.execute(query)]


def _any(condition: Any) -> Any:
    return func.max(case((condition, 1), else_=0))


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else int(value or 0)


def _day(connection: AsyncConnection, column: Any) -> Any:
    days = column / DAY_S
    # a cast cuts off in SQLite, and rounds in PostgreSQL
    return cast(days if connection.dialect.name == "sqlite" else func.floor(days), BigInteger)
