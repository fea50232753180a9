"""Which other cases have something in common with one: what their subjects share, a campaign, or the reasons."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.links import SHARED_BY_MANY
from ratelimit.ledger.tables.case import CASE
from ratelimit.ledger.tables.purchase import LINK
from ratelimit.ledger.tables.subject import SUBJECT

MOST_GOOD: Final = 5  # good accounts that share an entity; what more share says nothing of two cases
_MOST_SHARING: Final = 200  # subjects
_LOOKED_AT: Final = 500  # cases that were opened by the same, for their reasons


class AlikeRow(Struct, frozen=True):
    """Another case. `by` is the entity that both share, None where it is the campaign or the reasons alone."""

    number: int
    anchor: int
    priority: int
    state: str
    opened_at: float
    closed_at: float | None
    verdict: str | None
    campaign: int | None
    by: int | None


async def alike(connection: AsyncConnection, number: int, subjects: Sequence[int], most: int = 8) -> list[AlikeRow]:
    """Those that share the most telling thing first: an entity, then the campaign, then the reasons; of each the latest first."""
    mine = (await connection.execute(select(CASE).where(CASE.c.number == number))).first()
    found: dict[int, AlikeRow] = {}
    for row in await _sharing(connection, number, subjects, most):
        found.setdefault(row.number, row)
    if mine is not None:
        for test in (CASE.c.campaign == mine.campaign if mine.campaign is not None else None, _same_reasons(mine)):
            if test is not None and len(found) < most:
                query = _COLUMNS.where(test, CASE.c.number != number).order_by(CASE.c.opened_at.desc()).limit(most)
                for one in await connection.execute(query):
                    found.setdefault(one.number, AlikeRow(*one, None))
    return list(found.values())[:most]


async def _sharing(connection: AsyncConnection, number: int, subjects: Sequence[int], most: int) -> list[AlikeRow]:
    mine = select(LINK.c.entity).join(SUBJECT, SUBJECT.c.id == LINK.c.entity)
    mine = mine.where(LINK.c.subject.in_(subjects), SUBJECT.c.good <= MOST_GOOD, SUBJECT.c.kind.not_in(SHARED_BY_MANY)).limit(_MOST_SHARING)
    others = select(LINK.c.subject, LINK.c.entity).where(LINK.c.entity.in_(mine), LINK.c.subject.not_in(subjects)).limit(_MOST_SHARING)
    by = {int(row.subject): int(row.entity) for row in await connection.execute(others)}
    if not by:
        return []
    whose = CASE.c.anchor.in_(list(by))
    query = _COLUMNS.where(whose, CASE.c.number != number).order_by(CASE.c.opened_at.desc()).limit(most)
    return [AlikeRow(*row, by[row.anchor]) for row in await connection.execute(query)]


def _same_reasons(mine: Any) -> Any:
    latest = select(CASE.c.number, CASE.c.reasons_key).where(CASE.c.opened_by == mine.opened_by)
    some = latest.order_by(CASE.c.opened_at.desc()).limit(_LOOKED_AT).subquery()
    return CASE.c.number.in_(select(some.c.number).where(some.c.reasons_key == mine.reasons_key))


_COLUMNS: Final = select(
    CASE.c.number, CASE.c.anchor, CASE.c.priority, CASE.c.state, CASE.c.opened_at, CASE.c.closed_at, CASE.c.verdict, CASE.c.campaign
)
