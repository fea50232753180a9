"""Who shares what: from a subject to what it used, and from there to who else did."""

from typing import Any, Final

from msgspec import Struct
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.standing import TargetKind
from ratelimit.ledger.tables.purchase import LINK
from ratelimit.ledger.tables.subject import SUBJECT

SHARED_BY_MANY: Final = frozenset({"network", "email_domain"})  # a company or a city, not one hand


class Link(Struct, frozen=True):
    """What is on the other end of a link, `good` and `fraud` as in ledger/subjects. `how`: paid, requested, logged_in or owns."""

    subject: int
    kind: TargetKind
    shown: str | None
    how: str
    first_at: float
    last_at: float
    count: int
    good: int
    fraud: int


async def linked(connection: AsyncConnection, subject: int, most: int = 50) -> list[Link]:
    """What a subject used, or who used an entity: the latest first."""
    there = _from(LINK.c.entity).where(LINK.c.subject == subject)
    back = _from(LINK.c.subject).where(LINK.c.entity == subject)
    found = [Link(*row) for query in (there, back) for row in await connection.execute(query.order_by(LINK.c.last_at.desc()).limit(most))]
    return sorted(found, key=lambda link: link.last_at, reverse=True)[:most]


async def blast_radius(connection: AsyncConnection, subject: int) -> int:
    """How many other accounts of good standing share it: of an entity those that used it, of an account those with an entity of its own."""
    mine = select(LINK.c.entity).join(SUBJECT, SUBJECT.c.id == LINK.c.entity)
    mine = mine.where(LINK.c.subject == subject, SUBJECT.c.kind.not_in(SHARED_BY_MANY))
    users = select(LINK.c.subject).where(or_(LINK.c.entity == subject, LINK.c.entity.in_(mine)), LINK.c.subject != subject)
    query = select(func.count()).select_from(SUBJECT).where(SUBJECT.c.id.in_(users), SUBJECT.c.kind == "account", SUBJECT.c.good > 0)
    return int((await connection.execute(query)).scalar_one())


def _from(other: Any) -> Any:
    return select(
        SUBJECT.c.id, SUBJECT.c.kind, SUBJECT.c.shown, LINK.c.how, LINK.c.first_at, LINK.c.last_at, LINK.c.count, SUBJECT.c.good,
        SUBJECT.c.fraud,
    ).join(LINK, SUBJECT.c.id == other)  # fmt: skip
