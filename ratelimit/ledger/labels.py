"""Rows of labels: what somebody or something turned out to be. A label that supersedes another leaves it there, marked.

Times are seconds since the epoch; `known_at` is when it was known, which what learns from it must respect.
"""

from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.tables.action import LABEL


class LabelRow(Struct, frozen=True, kw_only=True):
    """A row, see tables/action. `id` 0: it is not there yet. `told` is what makes it one and the same; None: nothing does."""

    id: int = 0
    target_kind: str
    target: int | None
    purchase: str | None = None
    attempt: int = 0
    verdict: str
    source: str
    known_at: float
    by: str
    case_number: int | None = None
    supersedes: int | None = None
    superseded_by: int | None = None
    told: str | None = None


class LabelFilter(Struct, frozen=True, kw_only=True):
    """Which labels; None: all. `known_since` on and before `known_before`; ids above `after`. `standing`: those not superseded."""

    target: int | None = None
    purchase: str | None = None
    verdict: str | None = None
    source: str | None = None
    case: int | None = None
    known_since: float | None = None
    known_before: float | None = None
    standing: bool = False
    after: int = 0


async def add(connection: AsyncConnection, row: LabelRow) -> int:
    """Write it down, and say its id."""
    values = {name: value for name, value in asdict(row).items() if name != "id"}
    return int((await connection.execute(insert(LABEL).values(values).returning(LABEL.c.id))).scalar_one())


async def told(connection: AsyncConnection, what: str) -> int | None:
    """The id of the label that was told as that; None: none was."""
    found: int | None = (await connection.execute(select(LABEL.c.id).where(LABEL.c.told == what))).scalar()
    return found


async def supersede(connection: AsyncConnection, id: int, by: int) -> None:
    """Mark a label as not standing any more; `by` is the one in its place, or its own id where nothing is."""
    await connection.execute(update(LABEL).where(LABEL.c.id == id).values(superseded_by=by))


async def restore(connection: AsyncConnection, id: int) -> None:
    """Let a label stand again that another has superseded."""
    await connection.execute(update(LABEL).where(LABEL.c.id == id).values(superseded_by=None))


async def hidden_by(connection: AsyncConnection, id: int) -> list[LabelRow]:
    """Those that a label has superseded, latest known first."""
    query = select(LABEL).where(LABEL.c.superseded_by == id, LABEL.c.id != id).order_by(LABEL.c.known_at.desc(), LABEL.c.id.desc())
    return [LabelRow(**row._mapping) for row in await connection.execute(query)]


async def find(connection: AsyncConnection, id: int) -> LabelRow | None:
    """One."""
    row = (await connection.execute(select(LABEL).where(LABEL.c.id == id))).first()
    return None if row is None else LabelRow(**row._mapping)


async def standing(
    connection: AsyncConnection, *, target: int | None = None, purchase: str | None = None, attempt: int = 0
) -> list[LabelRow]:
    """Those of a subject, or of an attempt of a purchase, that are not superseded, latest known first."""
    whose = LABEL.c.target == target if purchase is None else (LABEL.c.purchase == purchase) & (LABEL.c.attempt == attempt)
    kind = LABEL.c.purchase.is_(None) if purchase is None else LABEL.c.target_kind == "purchase"
    query = select(LABEL).where(whose, kind, LABEL.c.superseded_by.is_(None)).order_by(LABEL.c.known_at.desc(), LABEL.c.id.desc())
    return [LabelRow(**row._mapping) for row in await connection.execute(query)]


async def some(connection: AsyncConnection, wanted: LabelFilter, most: int) -> list[LabelRow]:
    """Those that fit, by id."""
    query = select(LABEL).where(LABEL.c.id > wanted.after, *_conditions(wanted)).order_by(LABEL.c.id).limit(most)
    return [LabelRow(**row._mapping) for row in await connection.execute(query)]


def _conditions(wanted: LabelFilter) -> list[Any]:
    same = {
        LABEL.c.target: wanted.target,
        LABEL.c.purchase: wanted.purchase,
        LABEL.c.verdict: wanted.verdict,
        LABEL.c.source: wanted.source,
        LABEL.c.case_number: wanted.case,
    }
    found: list[Any] = [column == value for column, value in same.items() if value is not None]
    if wanted.known_since is not None:
        found.append(LABEL.c.known_at >= wanted.known_since)
    if wanted.known_before is not None:
        found.append(LABEL.c.known_at < wanted.known_before)
    return [*found, LABEL.c.superseded_by.is_(None)] if wanted.standing else found
