"""Rows of appeals against decisions. Times are seconds since the epoch; what the words mean is in review/appeal."""

from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.tables.action import APPEAL

AppealState = Literal["open", "upheld", "overturning", "overturned"]  # overturning: what it was about is yet to be lifted


class AppealRow(Struct, frozen=True, kw_only=True):
    """A row, see tables/action. `id` 0: it is not there yet."""

    id: int = 0
    reference: str
    text: str
    at: float
    state: AppealState
    case_number: int
    decided_first_by: str | None
    decided_by: str | None = None
    decided_at: float | None = None
    why: str | None = None
    by_login: str
    decision: dict[str, Any]


async def add(connection: AsyncConnection, row: AppealRow) -> int:
    """Write a new one down, and say its id."""
    values = {name: value for name, value in asdict(row).items() if name != "id"}
    return int((await connection.execute(insert(APPEAL).values(values).returning(APPEAL.c.id))).scalar_one())


async def change(connection: AsyncConnection, id: int, was: AppealState, **changes: Any) -> bool:
    """Change one that is in this state; False: it is in another by now."""
    done = await connection.execute(update(APPEAL).where(APPEAL.c.id == id, APPEAL.c.state == was).values(changes))
    return bool(done.rowcount)


async def find(connection: AsyncConnection, id: int, *, lock: bool = False) -> AppealRow | None:
    """One; with `lock` nobody else changes it until the transaction ends."""
    query = select(APPEAL).where(APPEAL.c.id == id)
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    return None if row is None else AppealRow(**row._mapping)


async def of_reference(connection: AsyncConnection, reference: str) -> AppealRow | None:
    """The latest about that decision."""
    row = (await connection.execute(_latest(1).where(APPEAL.c.reference == reference))).first()
    return None if row is None else AppealRow(**row._mapping)


async def of_case(connection: AsyncConnection, case: int) -> AppealRow | None:
    """The one that a case was opened for."""
    row = (await connection.execute(_latest(1).where(APPEAL.c.case_number == case))).first()
    return None if row is None else AppealRow(**row._mapping)


async def latest(connection: AsyncConnection, most: int, state: AppealState | None = None) -> list[AppealRow]:
    """The latest, of one state or of all."""
    query = _latest(most) if state is None else _latest(most).where(APPEAL.c.state == state)
    return [AppealRow(**row._mapping) for row in await connection.execute(query)]


async def decided_since(connection: AsyncConnection, since: float) -> list[AppealRow]:
    """Those that were decided since then."""
    query = select(APPEAL).where(APPEAL.c.state.in_(("upheld", "overturned")), APPEAL.c.decided_at >= since)
    return [AppealRow(**row._mapping) for row in await connection.execute(query.order_by(APPEAL.c.decided_at))]


async def counts(connection: AsyncConnection, since: float) -> dict[AppealState, int]:
    """How many of those that were made since then are in each state."""
    query = select(APPEAL.c.state, func.count()).where(APPEAL.c.at >= since).group_by(APPEAL.c.state)
    return {state: int(number) for state, number in await connection.execute(query)}


def _latest(most: int) -> Any:
    return select(APPEAL).order_by(APPEAL.c.at.desc(), APPEAL.c.id.desc()).limit(most)
