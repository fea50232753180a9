"""What can still be lost through a subject: tokens held or unspent, at the price paid for them, of its accounts.

What was spent is counted from the records, of which allowed ones are a sample: each stands for `weight` requests. Tokens that were given
for nothing are worth nothing here.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.links import SHARED_BY_MANY
from ratelimit.ledger.tables.purchase import LINK, PURCHASE
from ratelimit.ledger.tables.record import RECORD
from ratelimit.ledger.tables.subject import SUBJECT

SINCE_S: Final = 90 * 86_400.0  # purchases so old have no records of what was spent of them
MOST_ACCOUNTS: Final = 50
_MOST_PURCHASES: Final = 500
_ALL: Final = 0.995  # of something, from which on people say all of it


class Stake(Struct, frozen=True):
    """`money` says in a few words what it consists of; `accounts` are those that it was summed over."""

    at_risk_minor: int
    currency: str | None
    money: str
    accounts: tuple[int, ...] = ()


async def stake_of(connection: AsyncConnection, subject: int, kind: str, now: float) -> Stake:
    """What can be lost through an account, or through the accounts that use a key, a card, an address, ..."""
    if kind == "account":
        return await _of_accounts(connection, [subject], now, alone=True)
    if kind in SHARED_BY_MANY:
        return Stake(0, None, "not counted")
    return await _of_accounts(connection, await accounts_of(connection, subject), now, alone=kind == "api_key")


async def accounts_of(connection: AsyncConnection, entity: int) -> list[int]:
    """The accounts that used it, the latest first."""
    query = select(LINK.c.subject).join(SUBJECT, SUBJECT.c.id == LINK.c.subject).where(LINK.c.entity == entity, SUBJECT.c.kind == "account")
    found = await connection.execute(query.order_by(LINK.c.last_at.desc()).limit(2 * MOST_ACCOUNTS))
    return list(dict.fromkeys(found.scalars()))[:MOST_ACCOUNTS]


async def _of_accounts(connection: AsyncConnection, accounts: Sequence[int], now: float, *, alone: bool) -> Stake:
    if not accounts:
        return Stake(0, None, "no account")
    bought: dict[int, list[Any]] = {}
    query = select(PURCHASE.c.account, PURCHASE.c.at, PURCHASE.c.tokens, PURCHASE.c.amount_minor, PURCHASE.c.currency, PURCHASE.c.held)
    query = query.where(PURCHASE.c.account.in_(accounts), PURCHASE.c.at >= now - SINCE_S, PURCHASE.c.tokens > 0)
    went = or_(PURCHASE.c.action.in_(("accept", "hold")), PURCHASE.c.outcome == "succeeded")
    query = query.where(went, PURCHASE.c.outcome != "failed", ~PURCHASE.c.refunded)
    for row in await connection.execute(query.order_by(PURCHASE.c.at.desc()).limit(_MOST_PURCHASES)):
        bought.setdefault(row.account, []).append(row)
    money: dict[str | None, int] = {}
    tokens = unspent = held = 0.0
    for account, rows in bought.items():
        spent = await _spent(connection, account, min(row.at for row in rows))
        granted = sum(row.tokens for row in rows)
        left = max(0.0, granted - spent)
        tokens, unspent, held = tokens + granted, unspent + left, held + min(left, sum(row.held for row in rows))
        for currency in {row.currency for row in rows}:
            paid = sum(row.amount_minor for row in rows if row.currency == currency)
            money[currency] = money.get(currency, 0) + round(paid * left / granted)
    currency = max(money, key=lambda one: money[one], default=None)
    at_risk = money.get(currency, 0)
    words = _money(tokens, unspent, held, at_risk) if alone or not bought else f"in {len(bought)} account{'s' if len(bought) > 1 else ''}"
    return Stake(at_risk, currency, words, tuple(accounts))


async def _spent(connection: AsyncConnection, account: int, since: float) -> float:
    cost = func.coalesce(func.sum(RECORD.c.weight * RECORD.c.cost), 0.0)
    query = select(cost).where(RECORD.c.account == account, RECORD.c.at >= since, RECORD.c.decision == "allow")
    return float((await connection.execute(query)).scalar_one())


def _money(tokens: float, unspent: float, held: float, at_risk_minor: int) -> str:
    if not tokens:
        return "nothing bought"
    if not unspent:
        return "all spent"
    if not at_risk_minor:
        return "free tokens"
    if held:
        return "all held" if held >= _ALL * unspent else f"{100 * held / unspent:.0f} % held"
    return "unspent tokens" if unspent >= _ALL * tokens else f"{100 * unspent / tokens:.0f} % unspent"
