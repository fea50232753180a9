"""Reads purchases, what became of them, and the life of accounts. Callers and what they share are ids of subjects."""

from typing import Any

from msgspec import Struct
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.decision import ShadowFinding
from ratelimit.ledger.records import shadow_of, values_of
from ratelimit.ledger.tables.purchase import LIFE, OUTCOME, PURCHASE


class PurchaseRow(Struct, frozen=True):
    """A row, see tables/purchase: an attempt, how it was decided, and what became of it."""

    id: str
    attempt: int
    record: str
    at: float
    kind: str
    account: int
    address: int | None
    card: int | None
    device: int | None
    email: int | None
    email_domain: int | None
    amount_minor: int
    currency: str | None
    tokens: int
    balance: int | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None
    card_country: str | None
    brand: str | None
    funding: str | None
    billing_country: str | None
    ip_country: str | None
    user_agent: str | None
    decision: str
    action: str
    reason: str
    rule: str | None
    hold_ratio: float
    held: int
    lapses_at: float | None
    policy: str | None
    risk: float | None
    p_fraud: float | None
    propensity: float | None
    model: str | None
    signal_version: int | None
    signals: bytes | None
    shadow: tuple[ShadowFinding, ...]
    outcome: str
    outcome_at: float | None
    refunded: bool
    disputed: bool
    warned: bool
    label: str
    label_at: float | None

    @property
    def values(self) -> tuple[float | None, ...]:
        """Its signals in the order of core/purchase_signals; None where one is missing."""
        return values_of(self.signals, "<f8")


class OutcomeRow(Struct, frozen=True):
    """One thing that was told of a purchase, see tables/purchase."""

    id: int
    source: str
    purchase: str
    attempt: int
    kind: str
    at: float
    known_at: float
    amount_minor: int | None
    detail: str | None


class LifeRow(Struct, frozen=True):
    """Something in an account's life."""

    id: int
    source: str
    at: float
    type: str
    account: int | None
    api_key: int | None
    address: int | None
    user_agent: str | None


async def of_account(connection: AsyncConnection, account: int, most: int = 50) -> list[PurchaseRow]:
    """The latest of an account."""
    query = select(PURCHASE).where(PURCHASE.c.account == account).order_by(PURCHASE.c.at.desc()).limit(most)
    return [_row(row) for row in await connection.execute(query)]


async def sharing(connection: AsyncConnection, entity: int, most: int = 50) -> list[PurchaseRow]:
    """The latest with a card or from an address."""
    whose = or_(PURCHASE.c.card == entity, PURCHASE.c.address == entity)
    return [_row(row) for row in await connection.execute(select(PURCHASE).where(whose).order_by(PURCHASE.c.at.desc()).limit(most))]


async def find(connection: AsyncConnection, purchase: str) -> list[PurchaseRow]:
    """The attempts of one purchase, first to last."""
    query = select(PURCHASE).where(PURCHASE.c.id == purchase).order_by(PURCHASE.c.attempt)
    return [_row(row) for row in await connection.execute(query)]


async def by_record(connection: AsyncConnection, reference: str) -> PurchaseRow | None:
    """The attempt whose decision has that id."""
    row = (await connection.execute(select(PURCHASE).where(PURCHASE.c.record == reference))).first()
    return _row(row) if row is not None else None


async def outcomes(connection: AsyncConnection, purchase: str) -> list[OutcomeRow]:
    """All that was told of one purchase, in the order in which it happened."""
    query = select(OUTCOME).where(OUTCOME.c.purchase == purchase).order_by(OUTCOME.c.at, OUTCOME.c.id)
    return [OutcomeRow(*row) for row in await connection.execute(query)]


async def life(connection: AsyncConnection, subject: int, most: int = 50) -> list[LifeRow]:
    """The latest in the life of an account or a key."""
    query = select(LIFE).where(or_(LIFE.c.account == subject, LIFE.c.api_key == subject)).order_by(LIFE.c.at.desc()).limit(most)
    return [LifeRow(*row) for row in await connection.execute(query)]


def _row(row: Any) -> PurchaseRow:
    values = row._mapping
    return PurchaseRow(**{**values, "shadow": shadow_of(values["shadow"])})
