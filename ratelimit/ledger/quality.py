"""Second reviews in SQL, and how decisions fared that rules led to."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.principal import OPERATOR_ID
from ratelimit.ledger.tables.action import ACTION, APPEAL
from ratelimit.ledger.tables.case import CASE

_C: Final = CASE.c
_ONCE: Final = ("quality", "appeal")  # which are second looks themselves


class Pair(Struct, frozen=True, kw_only=True):
    """A case and its second review: what the one said and the other, by whom."""

    first: int
    second: int
    verdict: str
    second_verdict: str
    by: int
    second_by: int


class RuleCount(Struct, frozen=True):
    """Of cases that a rule opened: so many with that verdict."""

    rule: str
    verdict: str
    count: int


async def undrawn(connection: AsyncConnection, before: float, most: int) -> Sequence[Any]:
    """Cases that a person closed before then and for which no lot was drawn, locked."""
    query = select(CASE).where(_C.state == "closed", ~_C.drawn, _C.closed_at < before).order_by(_C.closed_at).limit(most)
    return (await connection.execute(query.with_for_update(skip_locked=True))).all()


async def drew(connection: AsyncConnection, numbers: Sequence[int]) -> None:
    """The lots were drawn."""
    await connection.execute(update(CASE).where(_C.number.in_(numbers)).values(drawn=True))


def is_decision(row: Any) -> bool:
    """Whether a case was closed by a person's own decision, of which there may be a second."""
    return row.opened_by not in _ONCE and row.verdict is not None and row.closed_by is not None and row.closed_by > OPERATOR_ID


async def pairs(connection: AsyncConnection, since: float) -> list[Pair]:
    """Those of which the second review was closed since then."""
    first = CASE.alias("first")
    query = (
        select(
            first.c.number.label("first"),
            _C.number.label("second"),
            first.c.verdict.label("verdict"),
            _C.verdict.label("second_verdict"),
            first.c.closed_by.label("by"),
            _C.closed_by.label("second_by"),
        )
        .join(first, first.c.number == _C.second_of)
        .where(
            _C.opened_by == "quality", _C.state == "closed", _C.closed_at >= since, _C.verdict.is_not(None), first.c.verdict.is_not(None)
        )
    )
    return [Pair(**row._mapping) for row in await connection.execute(query.order_by(_C.closed_at.desc()))]


async def of_rules(connection: AsyncConnection, since: float) -> list[RuleCount]:
    """Verdicts of cases that rules opened, closed since then."""
    query = select(_C.opened_word, _C.verdict, func.count())
    query = query.where(_C.opened_by == "rule", _C.state == "closed", _C.closed_at >= since, _C.verdict.is_not(None))
    return [RuleCount(*row) for row in await connection.execute(query.group_by(_C.opened_word, _C.verdict))]


async def undone(connection: AsyncConnection, since: float) -> dict[str, int]:
    """How many deeds in cases of each rule were undone since then."""
    query = select(_C.opened_word, func.count()).join(ACTION, ACTION.c.case_number == _C.number)
    query = query.where(_C.opened_by == "rule", ACTION.c.undone_at >= since)
    return {row[0]: row[1] for row in await connection.execute(query.group_by(_C.opened_word))}


async def overturned(connection: AsyncConnection, since: float) -> dict[str, int]:
    """How many appeals against each rule or person were overturned since then."""
    query = select(APPEAL.c.decided_first_by, func.count()).where(APPEAL.c.state == "overturned", APPEAL.c.decided_at >= since)
    return {row[0]: row[1] for row in await connection.execute(query.group_by(APPEAL.c.decided_first_by)) if row[0] is not None}


async def audited(connection: AsyncConnection, since: float) -> tuple[int, int]:
    """Of cases that the lot fell for: how many were bad, and how many were decided since then."""
    decided = and_(
        _C.opened_by == "audit", _C.state == "closed", _C.closed_at >= since, _C.verdict.in_(("fraud", "abuse", "good", "victim"))
    )
    bad = func.count().filter(_C.verdict.in_(("fraud", "abuse")))
    row = (await connection.execute(select(bad, func.count()).where(decided))).one()
    return int(row[0]), int(row[1])
