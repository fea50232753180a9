"""Whom a deed on a subject would have hit: its latest requests by account, address and decision, and who shares it. Bounded.

All refusals are kept and of what was allowed a sample, so sums come with what an estimate needs, see core/estimate.
"""

from typing import Any, Final, NamedTuple

from msgspec import Struct
from sqlalchemy import BigInteger, Column, Subquery, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.estimate import Drawn
from ratelimit.ledger.tables.purchase import LINK, PURCHASE
from ratelimit.ledger.tables.record import RECORD
from ratelimit.ledger.tables.subject import SUBJECT

MOST_RECORDS: Final = 5_000  # of one subject that are looked at, some 13 ms; of a busier one the newest stand for all of them
_MOST_SHARING: Final = 50
_OF_RECORDS: Final[dict[str, Column[Any]]] = {"account": RECORD.c.account, "api_key": RECORD.c.api_key, "ip": RECORD.c.address}
_OF_PURCHASES: Final[dict[str, Column[Any]]] = {
    "account": PURCHASE.c.account, "card": PURCHASE.c.card, "ip": PURCHASE.c.address, "device": PURCHASE.c.device,
    "email": PURCHASE.c.email, "email_domain": PURCHASE.c.email_domain,
}  # fmt: skip


class Group(NamedTuple):
    """Requests of one account and key from one address that were decided alike; `cost` is in tokens, estimated like their number."""

    account: int | None
    api_key: int | None
    address: int | None
    decision: str
    reason: str
    drawn: Drawn
    cost: float


class Sharing(Struct, frozen=True):
    """An account that uses an entity."""

    id: int
    shown: str | None
    good: int
    fraud: int


async def groups(connection: AsyncConnection, kind: str, subject: int, since: float) -> list[Group]:
    """The requests of a subject since then, in groups."""
    stands_for = await _stands_for(connection, kind, subject, since)
    newest = _newest(kind, subject, since, stands_for)
    if newest is None:
        return []
    by = (newest.c.account, newest.c.api_key, newest.c.address, newest.c.decision, newest.c.reason)
    whole = func.sum(1.0 - newest.c.sampled)
    weights = func.sum(newest.c.weight * newest.c.sampled)
    squares = func.sum(newest.c.weight * newest.c.weight * newest.c.sampled)
    query = select(*by, whole, weights, squares, func.sum(newest.c.weight * newest.c.cost)).group_by(*by)
    return [
        Group(account, key, address, decision, reason, Drawn(float(ones), float(sums), float(squared)), float(cost))
        for account, key, address, decision, reason, ones, sums, squared, cost in await connection.execute(query)
    ]


async def demand(connection: AsyncConnection, kind: str, subject: int, since: float, step_s: float) -> list[float]:
    """The cost that it asked for in each step since then, steps of nothing left out; of a busier one in its latest steps."""
    newest = _newest(kind, subject, since)
    if newest is None:
        return []
    steps = (newest.c.at - since) / step_s
    # a cast cuts off in SQLite, and rounds in PostgreSQL
    step = cast(steps if connection.dialect.name == "sqlite" else func.floor(steps), BigInteger)
    query = select(func.sum(newest.c.weight * newest.c.cost)).group_by(step)
    return [float(cost) for (cost,) in await connection.execute(query)]


async def attempts(connection: AsyncConnection, kind: str, subject: int, since: float) -> int:
    """How many purchases were tried with it since then."""
    column = _OF_PURCHASES.get(kind)
    if column is None:
        return 0
    query = select(func.count()).select_from(PURCHASE).where(column == subject, PURCHASE.c.at >= since)
    return int((await connection.execute(query)).scalar_one())


async def sharing(connection: AsyncConnection, entity: int) -> list[Sharing]:
    """The accounts that use an entity, good ones first."""
    query = (
        select(SUBJECT.c.id, SUBJECT.c.shown, SUBJECT.c.good, SUBJECT.c.fraud)
        .join(LINK, LINK.c.subject == SUBJECT.c.id)
        .where(LINK.c.entity == entity, SUBJECT.c.kind == "account")
        .distinct()
        .order_by(SUBJECT.c.good.desc(), SUBJECT.c.id)
        .limit(_MOST_SHARING)
    )
    return [Sharing(*row) for row in await connection.execute(query)]


async def owner(connection: AsyncConnection, key: int) -> int | None:
    """The account that a key is of: the one that owns it, else the one that used it most."""
    query = (
        select(LINK.c.subject)
        .join(SUBJECT, SUBJECT.c.id == LINK.c.subject)
        .where(LINK.c.entity == key, SUBJECT.c.kind == "account")
        .order_by((LINK.c.how == "owns").desc(), LINK.c.count.desc())
        .limit(1)
    )
    found: int | None = (await connection.execute(query)).scalar()
    return found


async def _stands_for(connection: AsyncConnection, kind: str, subject: int, since: float) -> float:
    """How many rows of it each stands for of which are looked at; counting all of them takes the index alone."""
    column = _OF_RECORDS.get(kind)
    if column is None:
        return 1.0
    count = (await connection.execute(select(func.count()).select_from(RECORD).where(column == subject, RECORD.c.at >= since))).scalar_one()
    return max(1.0, float(count) / MOST_RECORDS)


def _newest(kind: str, subject: int, since: float, stands_for: float = 1.0) -> Subquery | None:
    column = _OF_RECORDS.get(kind)
    if column is None:
        return None
    weight = (RECORD.c.weight * stands_for).label("weight")
    sampled = case((RECORD.c.weight * stands_for > 1, 1.0), else_=0.0).label("sampled")  # it stands for several, not for itself alone
    needed = (RECORD.c.at, RECORD.c.account, RECORD.c.api_key, RECORD.c.address, RECORD.c.decision, RECORD.c.reason, RECORD.c.cost)
    query = select(*needed, weight, sampled).where(column == subject, RECORD.c.at >= since)
    return query.order_by(RECORD.c.at.desc()).limit(MOST_RECORDS).subquery()
