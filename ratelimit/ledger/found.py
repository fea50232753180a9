"""Finds subjects by a part of their name, purchases by their id, cases by their subjects. Whole values are found by their digest."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.cases import SubjectRef
from ratelimit.ledger.tables.case import CASE
from ratelimit.ledger.tables.purchase import PURCHASE
from ratelimit.ledger.tables.record import RECORD
from ratelimit.ledger.tables.subject import SUBJECT

LOOKED_AT: Final = 4_000  # the latest of each kind, whose names are read; 1.5 ms a thousand
_KINDS: Final = ("account", "api_key", "ip", "network", "email", "card", "device", "email_domain")


class CaseHit(Struct, frozen=True):
    """A case, and whom it is about."""

    number: int
    anchor: int
    state: str
    priority: int
    opened_at: float


class PurchaseHit(Struct, frozen=True):
    """The latest attempt of a purchase."""

    id: str
    record: str
    at: float
    amount_minor: int
    currency: str | None
    account: int


async def subjects_like(connection: AsyncConnection, text: str, most: int, kinds: Sequence[str] = _KINDS) -> list[SubjectRef]:
    """The latest of each kind in whose name that text is, or whose value begins with it."""
    found: list[SubjectRef] = []
    for kind in kinds:
        latest = select(SUBJECT).where(SUBJECT.c.kind == kind).order_by(SUBJECT.c.last_at.desc()).limit(LOOKED_AT).subquery()
        like = or_(latest.c.shown.icontains(text, autoescape=True), latest.c.value.istartswith(text, autoescape=True))
        query = select(*(latest.c[name] for name in SubjectRef.__struct_fields__)).where(like).limit(most - len(found))
        found += [SubjectRef(*row) for row in await connection.execute(query)]
        if len(found) >= most:
            break
    return found


async def cases_about(connection: AsyncConnection, subjects: Sequence[int], most: int) -> list[CaseHit]:
    """The latest cases about these, open ones first."""
    if not subjects:
        return []
    query = select(*(CASE.c[name] for name in CaseHit.__struct_fields__)).where(CASE.c.anchor.in_(subjects))
    rows = await connection.execute(query.order_by(CASE.c.state.desc(), CASE.c.opened_at.desc()).limit(most))
    return [CaseHit(*row) for row in rows]


async def purchase(connection: AsyncConnection, id: str) -> PurchaseHit | None:
    """The latest attempt of the purchase with that id."""
    query = select(*(PURCHASE.c[name] for name in PurchaseHit.__struct_fields__)).where(PURCHASE.c.id == id)
    row = (await connection.execute(query.order_by(PURCHASE.c.attempt.desc()).limit(1))).first()
    return PurchaseHit(*row) if row is not None else None


async def is_record(connection: AsyncConnection, id: str) -> bool:
    """Whether a decision on a request or a purchase has that id."""
    for query in (select(RECORD.c.id).where(RECORD.c.id == id), select(PURCHASE.c.record).where(PURCHASE.c.record == id)):
        if (await connection.execute(query)).first() is not None:
            return True
    return False
