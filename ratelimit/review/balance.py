"""What an account has left of its purchases, oldest spent first, and what was paid for it.

Where something of it is held the store counts, and that is exact. Else it is what was bought less what records say was spent, which are a
sample of what was allowed: an estimate, and more than the truth where usage is older than records are kept. Money is in minor units.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger import purchases
from ratelimit.ledger.purchases import PurchaseRow
from ratelimit.ledger.tables.record import RECORD
from ratelimit.service.holds import Spending

_MOST_PURCHASES: Final = 50
_MOST_RECORDS: Final = 20_000  # that a sum looks at, the newest


class Left(Struct, frozen=True):
    """Of one purchase: tokens that are not spent, and what was paid for these."""

    purchase: PurchaseRow
    tokens: int
    paid_minor: int


class Balance(Struct, frozen=True):
    """Of an account. `paid_minor` is of the purchases in `currency`, that of the latest; `exact`: the store has counted."""

    tokens: int
    paid_minor: int
    currency: str | None
    lefts: tuple[Left, ...]
    exact: bool


async def balance_of(connection: AsyncConnection, account: int, spending: Spending | None) -> Balance:
    """What is left. `spending` is what the store has counted, None where nothing of the account is held."""
    bought = [one for one in await purchases.of_account(connection, account, _MOST_PURCHASES) if _gave_tokens(one)]
    bought.sort(key=lambda one: one.at)
    if spending is not None and spending.spent is not None:
        return _balance(bought, _counted(bought, spending), exact=True)
    spent = await _spent(connection, account, bought[0].at) if bought else 0
    return _balance(bought, _oldest_first(bought, spent), exact=False)


def _gave_tokens(row: PurchaseRow) -> bool:
    return row.tokens > 0 and row.decision != "block" and row.outcome != "failed" and not row.refunded


def _counted(bought: Sequence[PurchaseRow], spending: Spending) -> dict[str, int]:
    """What is left of each: the store tells those with holds apart, the rest of what may be spent is of the latest others."""
    pairs = zip(spending.account.holds, spending.spent_of, strict=True)
    left = {hold.purchase: max(0, hold.tokens - (spent or 0)) for hold, spent in pairs}
    withheld = sum(hold.held for hold in spending.account.holds if hold.state != "released")
    rest = max(0, (spending.spendable or 0) + withheld - sum(left.values()))
    for one in reversed(bought):
        if one.id not in left:
            left[one.id] = min(rest, one.tokens)
            rest -= left[one.id]
    return left


def _oldest_first(bought: Sequence[PurchaseRow], spent: int) -> dict[str, int]:
    left = {}
    for one in bought:
        share = min(spent, one.tokens)
        spent -= share
        left[one.id] = one.tokens - share
    return left


def _balance(bought: Sequence[PurchaseRow], left: dict[str, int], *, exact: bool) -> Balance:
    lefts = tuple(Left(one, left[one.id], one.amount_minor * left[one.id] // one.tokens) for one in bought if left.get(one.id))
    currency = next((one.currency for one in reversed(bought) if one.currency is not None), None)
    paid = sum(one.paid_minor for one in lefts if one.purchase.currency == currency)
    return Balance(sum(one.tokens for one in lefts), paid, currency, lefts, exact)


async def _spent(connection: AsyncConnection, account: int, since: float) -> int:
    newest = select(RECORD.c.weight, RECORD.c.cost, RECORD.c.decision).where(RECORD.c.account == account, RECORD.c.at >= since)
    some = newest.order_by(RECORD.c.at.desc()).limit(_MOST_RECORDS).subquery()
    query = select(func.sum(some.c.weight * some.c.cost)).where(some.c.decision == "allow")
    return round((await connection.execute(query)).scalar() or 0)
