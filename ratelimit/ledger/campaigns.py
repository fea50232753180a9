"""Campaigns in SQL: open cases whose anchors share an entity that hardly anybody good shares.

A case belongs to one campaign at most: of the entity that it shares with the most open cases. A campaign ends with its last open case; who
shares the entity later begins another.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Row, and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.case_query import subjects_of
from ratelimit.ledger.cases import CampaignRow, Money
from ratelimit.ledger.opening import APART
from ratelimit.ledger.tables.case import CAMPAIGN, CASE
from ratelimit.ledger.tables.purchase import LINK
from ratelimit.ledger.tables.subject import SUBJECT

EXCLUSIVE: Final = ("card", "device", "email", "ip")  # kinds that one hand may hold, the surest first
MOST_GOOD: Final = 5  # good accounts that share an entity, up to which a flag may cross it
_MOST_SHARING: Final = 2_000
_C: Final = CASE.c


async def shared(connection: AsyncConnection, anchor: int) -> list[tuple[int, list[Any]]]:
    """The exclusive entities of an anchor with the other open cases that share each: those with the most first."""
    mine = select(LINK.c.entity.label("entity")).where(LINK.c.subject == anchor)
    exclusive = and_(SUBJECT.c.kind.in_(EXCLUSIVE), SUBJECT.c.good <= MOST_GOOD)
    entities = select(SUBJECT.c.id, SUBJECT.c.kind).where(or_(SUBJECT.c.id.in_(mine), SUBJECT.c.id == anchor), exclusive)
    kinds = {row.id: row.kind for row in await connection.execute(entities)}
    if not kinds:
        return []
    open_ = and_(_C.state == "open", _C.opened_by.not_in(APART), _C.anchor != anchor)
    through = select(LINK.c.entity, _C.number, _C.campaign).join(CASE, _C.anchor == LINK.c.subject).where(LINK.c.entity.in_(kinds), open_)
    themselves = select(_C.anchor.label("entity"), _C.number, _C.campaign).where(_C.anchor.in_(kinds), open_)
    found: dict[int, dict[int, Any]] = {}
    for query in (through.limit(_MOST_SHARING), themselves):
        for row in await connection.execute(query):
            found.setdefault(row.entity, {})[row.number] = row
    order = sorted(found, key=lambda entity: (-len(found[entity]), EXCLUSIVE.index(kinds[entity]), entity))
    return [(entity, list(found[entity].values())) for entity in order]


async def join(connection: AsyncConnection, number: int, anchor: int, now: float) -> int | None:
    """Put a case into the campaign that it belongs to, with those that share its entity, and say which; None: it shares nothing."""
    found = await shared(connection, anchor)
    if not found:
        return None
    entity, others = found[0]
    known = sorted({row.campaign for row in others if row.campaign is not None})
    of_entity = select(CAMPAIGN.c.number).where(CAMPAIGN.c.number.in_(known), CAMPAIGN.c.entity == entity)
    campaign: int | None = (await connection.execute(of_entity.limit(1))).scalar() if known else None
    if campaign is None:
        made = insert(CAMPAIGN).values(entity=entity, state="open", opened_at=now).returning(CAMPAIGN.c.number)
        campaign = int((await connection.execute(made)).scalar_one())
    joining = [number, *(row.number for row in others if row.campaign is None)]
    await connection.execute(update(CASE).where(_C.number.in_(joining)).values(campaign=campaign, version=_C.version + 1))
    count = select(func.count()).where(_C.campaign == campaign).scalar_subquery()
    await connection.execute(update(CAMPAIGN).where(CAMPAIGN.c.number == campaign).values(cases=count, version=CAMPAIGN.c.version + 1))
    return campaign


async def page(connection: AsyncConnection, most: int, now: float, before: int | None = None) -> list[CampaignRow]:
    """Those with open cases, the latest first; of numbers below `before`."""
    wanted = select(_C.campaign).where(_C.state == "open", _C.campaign.is_not(None)).distinct()
    query = select(CAMPAIGN).where(CAMPAIGN.c.number.in_(wanted))
    if before is not None:
        query = query.where(CAMPAIGN.c.number < before)
    return await _rows(connection, (await connection.execute(query.order_by(CAMPAIGN.c.number.desc()).limit(most))).all(), now)


async def get(connection: AsyncConnection, number: int, now: float) -> CampaignRow | None:
    """One."""
    found = (await connection.execute(select(CAMPAIGN).where(CAMPAIGN.c.number == number))).all()
    rows = await _rows(connection, found, now)
    return rows[0] if rows else None


async def cases_of(connection: AsyncConnection, campaign: int, without: Collection[int] = ()) -> list[int]:
    """The numbers of its open cases, the most urgent first, but for the exceptions."""
    query = select(_C.number).where(_C.campaign == campaign, _C.state == "open").order_by(_C.rank, _C.number)
    return [number for number in (await connection.execute(query)).scalars() if number not in without]


async def _rows(connection: AsyncConnection, found: Sequence[Row[Any]], now: float) -> list[CampaignRow]:
    numbers = [row.number for row in found]
    entities = await subjects_of(connection, [row.entity for row in found])
    is_open = _C.state == "open"
    sums = select(
        _C.campaign,
        _C.currency,
        func.count().label("cases"),
        func.count().filter(is_open).label("open"),
        func.count().filter(is_open, _C.snoozed_until > now).label("snoozed"),
        func.coalesce(func.sum(_C.at_risk_minor).filter(is_open), 0).label("money"),
        func.min(_C.priority).filter(is_open).label("priority"),
        func.max(_C.closed_at).label("closed_at"),
    ).where(_C.campaign.in_(numbers))
    of: dict[int, list[Any]] = {}
    for row in await connection.execute(sums.group_by(_C.campaign, _C.currency).order_by(_C.currency)):
        of.setdefault(row.campaign, []).append(row)
    return [_row(row, entities[row.entity], of.get(row.number, [])) for row in found]


def _row(row: Any, entity: Any, parts: Iterable[Any]) -> CampaignRow:
    parts = list(parts)
    still = sum(one.open for one in parts)
    return CampaignRow(
        number=row.number,
        entity=entity,
        state="open" if still else "closed",
        opened_at=row.opened_at,
        cases=sum(one.cases for one in parts),
        open=still,
        snoozed=sum(one.snoozed for one in parts),
        at_risk=tuple(Money(int(one.money), one.currency) for one in parts if one.money),
        priority=min((one.priority for one in parts if one.priority is not None), default=4),
        version=row.version,
        closed_at=None if still else max((one.closed_at for one in parts if one.closed_at is not None), default=None),
    )
