"""What a deed needs to know of its case, and leaves on it. A change is made if the case still is of the version that was seen."""

from typing import Any

from msgspec import Struct
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.tables.case import CASE, OPENING
from ratelimit.ledger.tables.subject import SUBJECT


class CaseHead(Struct, frozen=True, kw_only=True):
    """Of a case what matters to whoever acts on it, see tables/case."""

    number: int
    anchor: int
    state: str
    version: int
    opened_by: str
    reasons_key: str
    assignee: int | None
    locked_by: int | None
    locked_until: float | None
    worked_at: float | None
    work_s: float
    barred: int | None
    second_of: int | None
    acted: str | None
    acted_by: str | None
    acted_at: float | None
    acted_until: float | None
    closed_at: float | None
    closed_by: int | None
    verdict: str | None
    why: str | None


async def head(connection: AsyncConnection, number: int) -> CaseHead | None:
    """One case, which nobody else changes until the transaction ends."""
    query = select(*(CASE.c[name] for name in CaseHead.__struct_fields__)).where(CASE.c.number == number).with_for_update()
    row = (await connection.execute(query)).first()
    return None if row is None else CaseHead(**row._mapping)


async def lock(connection: AsyncConnection, subject: int) -> None:
    """Let no other deed about a subject be written down until the transaction ends."""
    await connection.execute(select(SUBJECT.c.id).where(SUBJECT.c.id == subject).with_for_update())


async def mark(connection: AsyncConnection, found: CaseHead, **changes: Any) -> int:
    """Change a case that `head` gave in this transaction, and say its version now."""
    version = found.version + 1
    await connection.execute(update(CASE).where(CASE.c.number == found.number).values(version=version, **changes))
    return version


async def purchases(connection: AsyncConnection, number: int) -> list[tuple[str, int]]:
    """The attempts of purchases that a case is about; attempt 0: of no one in particular."""
    query = select(OPENING.c.purchase, OPENING.c.attempt).where(OPENING.c.case_number == number, OPENING.c.purchase.is_not(None)).distinct()
    return sorted((row.purchase, row.attempt) for row in await connection.execute(query))
