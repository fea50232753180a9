"""Rows of what people did about subjects. Times are seconds since the epoch; what the words mean is in review/deed."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.deed import ActionState, DeedThen
from ratelimit.ledger.tables.action import ACTION
from ratelimit.ledger.tables.case import CASE

STANDING: Final[tuple[ActionState, ...]] = ("intended", "in_force", "proposed")  # states of what may be in force
UNFINISHED: Final[tuple[ActionState, ...]] = ("intended", "undoing")  # the store is yet to be told


class ActionRow(Struct, frozen=True, kw_only=True):
    """A row, see tables/action. `id` 0: it is not there yet."""

    id: int = 0
    key: str
    case_number: int | None
    then: DeedThen
    target_kind: str
    target: int
    purchase: str | None = None
    attempt: int = 0
    by: int
    by_login: str
    at: float
    until: float | None
    reason: str
    state: ActionState
    override: str | None = None
    before: dict[str, Any]
    detail: dict[str, Any]
    bulk: str | None = None
    needs_second: bool = False
    wanted_until: float | None = None
    second_by: str | None = None
    second_at: float | None = None
    undone_at: float | None = None
    undone_by: str | None = None
    undone_why: str | None = None
    label: int | None = None


async def add(connection: AsyncConnection, row: ActionRow) -> int:
    """Write a new one down, and say its id."""
    values = {name: getattr(row, name) for name in ActionRow.__struct_fields__ if name != "id"}
    return int((await connection.execute(insert(ACTION).values(values).returning(ACTION.c.id))).scalar_one())


async def change(connection: AsyncConnection, id: int, was: ActionState | Sequence[ActionState], **changes: Any) -> bool:
    """Change one that is in this state, or one of these; False: it is in another by now."""
    states: list[ActionState] = [was] if isinstance(was, str) else list(was)
    done = await connection.execute(update(ACTION).where(ACTION.c.id == id, ACTION.c.state.in_(states)).values(changes))
    return bool(done.rowcount)


async def find(connection: AsyncConnection, id: int, *, lock: bool = False) -> ActionRow | None:
    """One; with `lock` nobody else changes it until the transaction ends."""
    query = select(ACTION).where(ACTION.c.id == id)
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    return None if row is None else ActionRow(**row._mapping)


async def by_key(connection: AsyncConnection, key: str) -> ActionRow | None:
    """The one that was asked for by that key."""
    row = (await connection.execute(select(ACTION).where(ACTION.c.key == key))).first()
    return None if row is None else ActionRow(**row._mapping)


async def by_override(connection: AsyncConnection, override: str) -> ActionRow | None:
    """The one by which that word stands, or stood."""
    row = (await connection.execute(select(ACTION).where(ACTION.c.override == override).order_by(ACTION.c.id.desc()).limit(1))).first()
    return None if row is None else ActionRow(**row._mapping)


async def standing(connection: AsyncConnection, target: int, now: float) -> list[ActionRow]:
    """Those about a subject that are in force, or are about to be, first to last."""
    lasts = or_(ACTION.c.until.is_(None), ACTION.c.until > now)
    query = select(ACTION).where(ACTION.c.target == target, ACTION.c.state.in_(STANDING), lasts).order_by(ACTION.c.id)
    return [ActionRow(**row._mapping) for row in await connection.execute(query)]


async def of_case(connection: AsyncConnection, case: int, anchor: int | None = None, most: int = 100) -> list[ActionRow]:
    """Those of a case, and of other cases about its anchor, latest first."""
    whose = ACTION.c.case_number == case if anchor is None else or_(ACTION.c.case_number == case, ACTION.c.target == anchor)
    return [ActionRow(**row._mapping) for row in await connection.execute(_latest(most).where(whose))]


async def of_subject(connection: AsyncConnection, subject: int, most: int = 100) -> list[ActionRow]:
    """Those about a subject, latest first."""
    return [ActionRow(**row._mapping) for row in await connection.execute(_latest(most).where(ACTION.c.target == subject))]


async def of_bulk(connection: AsyncConnection, bulk: str) -> list[ActionRow]:
    """Those that were done together, first to last."""
    query = select(ACTION).where(ACTION.c.bulk == bulk).order_by(ACTION.c.id)
    return [ActionRow(**row._mapping) for row in await connection.execute(query)]


async def in_state(connection: AsyncConnection, states: Sequence[ActionState], before: float, most: int) -> list[ActionRow]:
    """Those in one of these states that were asked for before then, first to last."""
    query = select(ACTION).where(ACTION.c.state.in_(states), ACTION.c.at < before).order_by(ACTION.c.at).limit(most)
    return [ActionRow(**row._mapping) for row in await connection.execute(query)]


async def waiting(connection: AsyncConnection, most: int = 100) -> list[ActionRow]:
    """Those that wait for a second person, first to last."""
    query = select(ACTION).where(ACTION.c.state == "proposed").order_by(ACTION.c.at).limit(most)
    return [ActionRow(**row._mapping) for row in await connection.execute(query)]


async def expire(connection: AsyncConnection, now: float) -> int:
    """Note of those that have ended that they have."""
    ended = update(ACTION).where(ACTION.c.state.in_(("in_force", "proposed")), ACTION.c.until <= now).values(state="expired")
    return int((await connection.execute(ended)).rowcount)


async def any_ended(connection: AsyncConnection, now: float) -> bool:
    """Whether there is one of which it is not noted yet that it has ended."""
    ended = select(ACTION.c.id).where(ACTION.c.state.in_(("in_force", "proposed")), ACTION.c.until <= now).limit(1)
    return (await connection.execute(ended)).scalar() is not None


async def anchor(connection: AsyncConnection, case: int) -> int | None:
    """The subject that a case is about."""
    found: int | None = (await connection.execute(select(CASE.c.anchor).where(CASE.c.number == case))).scalar()
    return found


async def is_blind(connection: AsyncConnection, case: int) -> bool:
    """Whether whoever decides a case is not to know what others made of it."""
    query = select(CASE.c.number).where(CASE.c.number == case, CASE.c.blind, CASE.c.state == "open")
    return (await connection.execute(query)).scalar() is not None


async def count(connection: AsyncConnection, since: float) -> dict[str, int]:
    """How many of each kind there were since then, for figures."""
    query = select(ACTION.c.then, func.count()).where(ACTION.c.at >= since).group_by(ACTION.c.then)
    return {then: int(number) for then, number in await connection.execute(query)}


def _latest(most: int) -> Any:
    return select(ACTION).order_by(ACTION.c.at.desc(), ACTION.c.id.desc()).limit(most)
