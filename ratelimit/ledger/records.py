"""Reads decisions on requests. Callers are ids of subjects."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.decision import ShadowFinding
from ratelimit.ledger.tables.record import RECORD


class RecordRow(Struct, frozen=True):
    """A row, see tables/record. `shadow` is what limits, rules and the model in shadow would have answered."""

    id: str
    at: float
    decision: str
    reason: str
    limit_name: str | None
    subject: int | None
    account: int | None
    api_key: int | None
    address: int | None
    method: str
    path: str
    user_agent: str | None
    referrer: str | None
    plan: str | None
    cost: int
    status: int | None
    weight: float
    remaining: int | None
    retry_after: float | None
    policy: str | None
    risk: float | None
    risk_subject: int | None
    model: str | None
    signal_version: int | None
    signals: bytes | None
    propensity: float | None
    shadow: tuple[ShadowFinding, ...]

    @property
    def values(self) -> tuple[float | None, ...]:
        """Its signals in the order of core/signals; None where one is missing."""
        return values_of(self.signals, "<f4")


def values_of(signals: bytes | None, dtype: str) -> tuple[float | None, ...]:
    """Signals as they were packed."""
    if signals is None:
        return ()
    return tuple(None if np.isnan(value) else float(str(value)) for value in np.frombuffer(signals, dtype))


async def latest(
    connection: AsyncConnection, subject: int, *, before: float | None = None, most: int = 50, decisions: Sequence[str] | None = None
) -> list[RecordRow]:
    """The latest of an account, a key or an address, by their ids; of some decisions only, and of those before some time."""
    found = [
        row
        for column in (RECORD.c.account, RECORD.c.api_key, RECORD.c.address)
        for row in await connection.execute(_of(before, most, decisions).where(column == subject))
    ]
    distinct = {row.id: row for row in found}
    return [_row(row) for row in sorted(distinct.values(), key=lambda row: row.at, reverse=True)[:most]]


async def latest_of_all(
    connection: AsyncConnection, *, before: float | None = None, most: int = 50, decisions: Sequence[str] | None = None
) -> list[RecordRow]:
    """The latest of all."""
    return [_row(row) for row in await connection.execute(_of(before, most, decisions))]


async def find(connection: AsyncConnection, reference: str) -> RecordRow | None:
    """The one with that id, which its caller was told."""
    row = (await connection.execute(select(RECORD).where(RECORD.c.id == reference))).first()
    return _row(row) if row is not None else None


async def with_signals(connection: AsyncConnection, subjects: Sequence[int], since: float, most: int) -> list[RecordRow]:
    """The latest of these that carry signals, to show what was known of them or to learn from it."""
    whose = or_(RECORD.c.account.in_(subjects), RECORD.c.api_key.in_(subjects), RECORD.c.address.in_(subjects))
    query = select(RECORD).where(whose, RECORD.c.signals.is_not(None), RECORD.c.at >= since).order_by(RECORD.c.at.desc()).limit(most)
    return [_row(row) for row in await connection.execute(query)]


def _of(before: float | None, most: int, decisions: Sequence[str] | None) -> Any:
    query = select(RECORD).order_by(RECORD.c.at.desc()).limit(most)
    if before is not None:
        query = query.where(RECORD.c.at < before)
    return query if decisions is None else query.where(RECORD.c.decision.in_(decisions))


def _row(row: Any) -> RecordRow:
    values = row._mapping
    return RecordRow(**{**values, "shadow": shadow_of(values["shadow"])})


def shadow_of(stored: Any) -> tuple[ShadowFinding, ...]:
    """What stood in shadow, as it is stored."""
    return tuple(msgspec.convert(stored or [], _SHADOW))


_SHADOW: Final = list[ShadowFinding]
