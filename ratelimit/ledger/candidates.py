"""Candidates for cases of the model in SQL, and how many cases of it were opened lately."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.opening import APART
from ratelimit.ledger.tables.case import CANDIDATE, CASE
from ratelimit.ledger.upsert import inserting

WAITS_S: Final = 86_400.0  # a candidate that had no room within a day is let go
_C: Final = CANDIDATE.c


async def add(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """One of each kind for an anchor: the one with the greater expected loss, else the later one."""
    row = inserting(connection, CANDIDATE).values(values)
    new = row.excluded
    changes = {name: new[name] for name in ("at", "expected_loss_minor", "chance", "flag")}
    better = new.expected_loss_minor >= _C.expected_loss_minor
    await connection.execute(row.on_conflict_do_update(index_elements=["anchor", "kind"], set_=changes, where=better))


async def best(connection: AsyncConnection, kind: str, most: int) -> Sequence[Any]:
    """Those with the greatest expected loss; of the audit's those that the lot fell for."""
    query = select(CANDIDATE).where(_C.kind == kind)
    query = query.order_by(_C.chance, _C.anchor) if kind == "audit" else query.order_by(_C.expected_loss_minor.desc(), _C.at, _C.anchor)
    return (await connection.execute(query.limit(most))).all()


async def drop(connection: AsyncConnection, anchor: int, kind: str) -> None:
    """It has become a case, or never will."""
    await connection.execute(delete(CANDIDATE).where(_C.anchor == anchor, _C.kind == kind))


async def clean(connection: AsyncConnection, now: float) -> None:
    """Let go of those that waited in vain."""
    await connection.execute(delete(CANDIDATE).where(_C.at < now - WAITS_S))


async def opened_since(connection: AsyncConnection, kind: str, since: float) -> int:
    """How many cases of a kind were opened since then."""
    query = select(func.count()).select_from(CASE).where(CASE.c.opened_by == kind, CASE.c.opened_at > since)
    return int((await connection.execute(query)).scalar_one())


async def was_flagged(connection: AsyncConnection, anchor: int, since: float) -> bool:
    """Whether it has a case, or had one since then, or is a candidate of the model."""
    case = exists().where(CASE.c.anchor == anchor, CASE.c.opened_by.not_in(APART), (CASE.c.state == "open") | (CASE.c.opened_at > since))
    waits = exists().where(_C.anchor == anchor, _C.kind == "model")
    return bool((await connection.execute(select(case | waits))).scalar())
