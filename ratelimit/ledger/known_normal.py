"""What people know to be normal: reasons of a subject that open no case for a while. Limits are not silenced by it."""

from typing import Final

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.tables.action import KNOWN_NORMAL

_KNOWN: Final = KNOWN_NORMAL.c


async def add(connection: AsyncConnection, subject: int, reasons_key: str, by: int, at: float, until: float) -> int:
    """Write it down, and say its id."""
    row = {"subject": subject, "reasons_key": reasons_key, "by": by, "at": at, "until": until}
    return int((await connection.execute(insert(KNOWN_NORMAL).values(row).returning(_KNOWN.id))).scalar_one())


async def end(connection: AsyncConnection, id: int, at: float) -> None:
    """It is not known any more."""
    await connection.execute(update(KNOWN_NORMAL).where(_KNOWN.id == id, _KNOWN.ended_at.is_(None)).values(ended_at=at))


async def until(connection: AsyncConnection, subject: int, reasons_key: str, now: float) -> float | None:
    """Until when these reasons of a subject are known to be normal; None: they are not."""
    lasts = (_KNOWN.subject == subject, _KNOWN.reasons_key == reasons_key, _KNOWN.until > now, _KNOWN.ended_at.is_(None))
    found: float | None = (await connection.execute(select(_KNOWN.until).where(*lasts).order_by(_KNOWN.until.desc()).limit(1))).scalar()
    return found
