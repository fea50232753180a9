"""What the ledger can prove of a purchase's buyer: that its tokens were used, how they logged in, and what they bought before. Bounded."""

from typing import Any, Final

from msgspec import Struct
from sqlalchemy import case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.tables.purchase import LIFE, OUTCOME, PURCHASE
from ratelimit.ledger.tables.record import RECORD

_MOST_RECORDS: Final = 20_000  # that sums look at, the newest
_MOST_BEFORE: Final = 200


class Used(Struct, frozen=True):
    """Requests that were allowed, and what they cost, estimated from the sample; `from_buyer` from the address of the purchase."""

    requests: float
    tokens: float
    from_buyer: float
    first_at: float | None
    last_at: float | None


class Logins(Struct, frozen=True):
    """Logins of an account after an instant: how many, and how many of them from an address."""

    count: int
    from_buyer: int


async def used(connection: AsyncConnection, account: int, address: int | None, since: float) -> Used:
    """What an account did since then."""
    newest = (
        select(RECORD.c.at, RECORD.c.weight, RECORD.c.cost, RECORD.c.address)
        .where(RECORD.c.account == account, RECORD.c.at >= since, RECORD.c.decision == "allow")
        .order_by(RECORD.c.at.desc())
        .limit(_MOST_RECORDS)
        .subquery()
    )
    here = func.sum(case((newest.c.address == address, newest.c.weight), else_=0.0))
    sums = (func.sum(newest.c.weight), func.sum(newest.c.weight * newest.c.cost), here, func.min(newest.c.at), func.max(newest.c.at))
    requests, tokens, from_buyer, first, last = (await connection.execute(select(*sums))).one()
    return Used(float(requests or 0), float(tokens or 0), float(from_buyer or 0), first, last)


async def logins(connection: AsyncConnection, account: int, address: int | None, since: float) -> Logins:
    """How often an account logged in since then."""
    here = func.sum(case((LIFE.c.address == address, 1), else_=0))
    query = select(func.count(), here).where(LIFE.c.account == account, LIFE.c.type == "login", LIFE.c.at >= since)
    count, from_buyer = (await connection.execute(query)).one()
    return Logins(int(count), int(from_buyer or 0))


async def signed_up_at(connection: AsyncConnection, account: int) -> float | None:
    """When an account was made, as far as it was told."""
    query = select(func.min(LIFE.c.at)).where(LIFE.c.account == account, LIFE.c.type == "signup")
    found: float | None = (await connection.execute(query)).scalar()
    return found


async def before(connection: AsyncConnection, account: int, card: int | None, at: float) -> list[Any]:
    """Attempts by the same account or card that were paid before then and never disputed, warned of or refunded, latest first."""
    whose = PURCHASE.c.account == account if card is None else or_(PURCHASE.c.account == account, PURCHASE.c.card == card)
    clean = (
        PURCHASE.c.outcome == "succeeded",
        PURCHASE.c.disputed.is_(False),
        PURCHASE.c.warned.is_(False),
        PURCHASE.c.refunded.is_(False),
    )
    query = select(PURCHASE).where(whose, PURCHASE.c.at < at, PURCHASE.c.kind == "purchase", *clean)
    return list(await connection.execute(query.order_by(PURCHASE.c.at.desc()).limit(_MOST_BEFORE)))


async def told(connection: AsyncConnection, purchase: str, attempt: int) -> list[Any]:
    """What a payment service told of an attempt, first to last."""
    query = select(OUTCOME).where(OUTCOME.c.purchase == purchase, OUTCOME.c.attempt == attempt).order_by(OUTCOME.c.at, OUTCOME.c.id)
    return list(await connection.execute(query))
