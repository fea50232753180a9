"""The requests, purchases and logins behind a case, newest first, and what they add up to over time; bounded.

A record stands for as many decisions as its weight says: all refusals are kept, of what was allowed a sample. So sums are estimates.
"""

from typing import Any, Final, NamedTuple

from msgspec import Struct
from sqlalchemy import BigInteger, Column, ColumnElement, Select, Subquery, cast, distinct, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.tables.purchase import LIFE, LINK, PURCHASE
from ratelimit.ledger.tables.record import RECORD

USUAL_S: Final = 7 * 86_400.0  # for which somebody comes from an address that is usual
_MOST_USUAL: Final = 50
MOST_SUMMED: Final = 20_000  # records of one subject that a figure is made of; of more, the newest
MOST_REFUSED: Final = 3_000  # the same for refusals by reason

_RECORDS: Final[dict[str, Column[Any]]] = {"account": RECORD.c.account, "api_key": RECORD.c.api_key, "ip": RECORD.c.address}
_PURCHASES: Final[dict[str, Column[Any]]] = {
    "account": PURCHASE.c.account,
    "card": PURCHASE.c.card,
    "ip": PURCHASE.c.address,
    "device": PURCHASE.c.device,
    "email": PURCHASE.c.email,
    "email_domain": PURCHASE.c.email_domain,
}
_LIVES: Final[dict[str, Column[Any]]] = {"account": LIFE.c.account, "api_key": LIFE.c.api_key}


class Seen(NamedTuple):
    """By what rows are looked for: a subject of the ledger, and its kind."""

    kind: str
    id: int


class Place(NamedTuple):
    """Where a list goes on: after the row of this time and id."""

    at: float
    id: str | int


class RequestRow(Struct, frozen=True):
    """A decision on a request; `address`, `api_key` and `account` are subjects."""

    id: str
    at: float
    decision: str
    reason: str
    limit_name: str | None
    account: int | None
    api_key: int | None
    address: int | None
    method: str
    path: str
    user_agent: str | None
    referrer: str | None
    cost: int
    status: int | None
    weight: float
    remaining: int | None
    retry_after: float | None
    risk: float | None
    shadow: Any


class BoughtRow(Struct, frozen=True):
    """A purchase as it was decided, and what became of it; money in minor units."""

    id: str
    attempt: int
    record: str
    at: float
    kind: str
    account: int
    address: int | None
    card: int | None
    amount_minor: int
    currency: str | None
    tokens: int
    last4: str | None
    funding: str | None
    decision: str
    action: str
    reason: str
    rule: str | None
    held: int
    risk: float | None
    outcome: str
    refunded: bool
    disputed: bool
    warned: bool
    label: str


class LifeRow(Struct, frozen=True):
    """Something in an account's life: a login, a new key, ..."""

    id: int
    at: float
    type: str
    account: int | None
    api_key: int | None
    address: int | None
    user_agent: str | None


class Bin(Struct, frozen=True):
    """So many decisions of a kind, in one of the steps since a beginning."""

    step: int
    decision: str
    count: float


class Refused(Struct, frozen=True):
    """So many refusals of one reason."""

    decision: str
    reason: str
    limit_name: str | None
    count: int
    first_at: float
    last_at: float


async def requests(
    connection: AsyncConnection,
    seen: Seen,
    most: int,
    *,
    before: Place | None = None,
    decision: str | None = None,
    address: int | None = None,
) -> list[RequestRow]:
    """The newest decisions on its requests before a place, at most so many."""
    column = _RECORDS.get(seen.kind)
    if column is None:
        return []
    query = select(*(RECORD.c[name] for name in RequestRow.__struct_fields__)).where(column == seen.id)
    if decision is not None:
        query = query.where(RECORD.c.decision == decision)
    if address is not None:
        query = query.where(RECORD.c.address == address)
    found = await connection.execute(_newest(query, RECORD.c.at, RECORD.c.id, before, most))
    return [RequestRow(*row) for row in found]


async def bought(connection: AsyncConnection, seen: Seen, most: int, *, before: Place | None = None) -> list[BoughtRow]:
    """The newest purchases with it before a place, at most so many."""
    column = _PURCHASES.get(seen.kind)
    if column is None:
        return []
    query = select(*(PURCHASE.c[name] for name in BoughtRow.__struct_fields__)).where(column == seen.id)
    found = await connection.execute(_newest(query, PURCHASE.c.at, PURCHASE.c.record, before, most))
    return [BoughtRow(*row) for row in found]


async def lives(connection: AsyncConnection, seen: Seen, most: int, *, before: Place | None = None) -> list[LifeRow]:
    """The newest of what was told of an account's or a key's life, before a place."""
    column = _LIVES.get(seen.kind)
    if column is None:
        return []
    query = select(*(LIFE.c[name] for name in LifeRow.__struct_fields__)).where(column == seen.id)
    if before is not None:
        before = Place(before.at, int(before.id) if str(before.id).isdecimal() else 0)
    found = await connection.execute(_newest(query, LIFE.c.at, LIFE.c.id, before, most))
    return [LifeRow(*row) for row in found]


async def decided(connection: AsyncConnection, seen: Seen, since: float) -> dict[str, float]:
    """How many requests were decided how, since then."""
    newest = _newest_records(seen, since, RECORD.c.decision, RECORD.c.weight)
    if newest is None:
        return {}
    query = select(newest.c.decision, func.sum(newest.c.weight)).group_by(newest.c.decision)
    return {decision: float(count) for decision, count in await connection.execute(query)}


async def rhythm(connection: AsyncConnection, seen: Seen, since: float, step_s: float) -> list[Bin]:
    """How many requests were decided how in each step since then."""
    newest = _newest_records(seen, since, RECORD.c.decision, RECORD.c.weight)
    if newest is None:
        return []
    step = _step(connection, newest, since, step_s)
    query = select(step, newest.c.decision, func.sum(newest.c.weight)).group_by(step, newest.c.decision)
    return [Bin(found, decision, float(count)) for found, decision, count in await connection.execute(query)]


async def addresses(connection: AsyncConnection, seen: Seen, since: float, step_s: float) -> dict[int, int]:
    """How many different addresses asked in each step since then; a step without any is left out."""
    newest = _newest_records(seen, since, RECORD.c.address)
    if newest is None:
        return {}
    step = _step(connection, newest, since, step_s)
    query = select(step, func.count(distinct(newest.c.address))).group_by(step)
    return {found: count for found, count in await connection.execute(query) if count}


async def refusals(connection: AsyncConnection, seen: Seen, since: float) -> list[Refused]:
    """What was refused since then, by reason, the latest first; of very many the newest."""
    newest = _newest_records(seen, since, RECORD.c.decision, RECORD.c.reason, RECORD.c.limit_name, refused=True)
    if newest is None:
        return []
    group = (newest.c.decision, newest.c.reason, newest.c.limit_name)
    latest = func.max(newest.c.at)
    query = select(*group, func.count(), func.min(newest.c.at), latest).group_by(*group)
    return [Refused(*row) for row in await connection.execute(query.order_by(latest.desc()))]


async def usual(connection: AsyncConnection, seen: Seen, now: float) -> list[int]:
    """The entities that it has been seen with for a week at least, the most often seen first."""
    query = select(LINK.c.entity).where(LINK.c.subject == seen.id, LINK.c.last_at - LINK.c.first_at >= USUAL_S, LINK.c.first_at < now)
    found = await connection.execute(query.order_by(LINK.c.count.desc()).limit(_MOST_USUAL))
    return [int(entity) for (entity,) in found]


async def latest_with_signals(connection: AsyncConnection, subject: int) -> str | None:
    """The id of the newest decision that carries the signals of this subject."""
    query = select(RECORD.c.id).where(RECORD.c.risk_subject == subject, RECORD.c.risk_subject.is_not(None))
    found: str | None = (await connection.execute(query.order_by(RECORD.c.at.desc()).limit(1))).scalar()
    return found


class Paid(Struct, frozen=True):
    """What an account has bought in one currency: attempts that succeeded, what they came to, and how many were disputed or warned of."""

    purchases: int
    minor: int
    currency: str | None
    disputed: int


async def paid(connection: AsyncConnection, account: int) -> Paid | None:
    """What an account has bought, in the currency of most of it; None: nothing."""
    bad = or_(PURCHASE.c.disputed, PURCHASE.c.warned, PURCHASE.c.label == "fraud")
    number = func.count()
    query = select(number, func.sum(PURCHASE.c.amount_minor), PURCHASE.c.currency, func.count().filter(bad))
    query = query.where(PURCHASE.c.account == account, PURCHASE.c.kind == "purchase", PURCHASE.c.outcome == "succeeded")
    row = (await connection.execute(query.group_by(PURCHASE.c.currency).order_by(number.desc()).limit(1))).first()
    return Paid(row[0], int(row[1]), row[2], row[3]) if row is not None else None


async def kept_until(connection: AsyncConnection, seen: Seen) -> tuple[float, float] | None:
    """When the oldest and the newest of its records were decided."""
    column = _RECORDS.get(seen.kind)
    if column is None:
        return None
    of = select(RECORD.c.at).where(column == seen.id)
    first = (await connection.execute(of.order_by(RECORD.c.at).limit(1))).scalar()
    last = (await connection.execute(of.order_by(RECORD.c.at.desc()).limit(1))).scalar()
    return None if first is None or last is None else (float(first), float(last))


def _newest_records(seen: Seen, since: float, *needed: Column[Any], refused: bool = False) -> Subquery | None:
    column = _RECORDS.get(seen.kind)
    if column is None:
        return None
    # no more columns than are needed, so that the index has them all
    query = select(RECORD.c.at, *needed).where(column == seen.id, RECORD.c.at >= since)
    if refused:
        query = query.where(RECORD.c.decision != "allow")
    return query.order_by(RECORD.c.at.desc()).limit(MOST_REFUSED if refused else MOST_SUMMED).subquery()


def _step(connection: AsyncConnection, newest: Subquery, since: float, step_s: float) -> ColumnElement[int]:
    steps = (newest.c.at - since) / step_s
    # a cast cuts off in SQLite, and rounds in PostgreSQL
    return cast(steps if connection.dialect.name == "sqlite" else func.floor(steps), BigInteger)


def _newest(query: Select[Any], at: Column[Any], identity: Column[Any], before: Place | None, most: int) -> Select[Any]:
    if before is not None:  # the first condition is for the index
        query = query.where(at <= before.at, or_(at < before.at, identity < before.id))
    return query.order_by(at.desc(), identity.desc()).limit(most)
