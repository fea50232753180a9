"""Who has a case open: a lock that ends by itself, so that two never work on the same case unknowingly. Times are seconds since the epoch.

It lasts LOCK_S and is renewed by the page that is open (`beat`); time between beats counts as work, up to MOST_BEAT_S, so that a page that
was left open over night is no night's work. The lock is no change of the case, so its version stays.
"""

from typing import Any, Final

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.case import shown
from ratelimit.core.principal import Principal
from ratelimit.ledger import case_query, queue
from ratelimit.ledger.api_tokens import person_behind
from ratelimit.ledger.cases import Tab
from ratelimit.ledger.tables.case import CASE
from ratelimit.review.audit import append
from ratelimit.review.case_error import ConflictError, ForbiddenError, LockedError, NotFoundError

LOCK_S: Final = 900.0
BEAT_S: Final = 30.0  # how often a page should say that it is still open
MOST_BEAT_S: Final = 120.0


def actor_id(principal: Principal) -> int:
    """By which rows name who it was: a person by its id, a token by one below 0, which no person has."""
    return principal.id


async def is_barred(connection: AsyncConnection, principal: Principal, person: int | None) -> bool:
    """Whether what that person decided is theirs: a token speaks for whoever made it."""
    return person is not None and person == await person_behind(connection, actor_id(principal))


async def take_next(connection: AsyncConnection, principal: Principal, tab: Tab | None, now: float) -> int | None:
    """Lock the most urgent case that nobody has open, and say its number; None: there is none.

    Without a tab those of one's own and those that are nobody's are looked at, appeals and second reviews as well. What somebody passed
    on to an admin is an admin's.
    """
    me = actor_id(principal)
    tabs: tuple[Tab, ...] = (tab,) if tab is not None else ("unassigned", "mine", "appeals", "quality")
    if tab is None and principal.may("admin"):
        tabs = (*tabs, "escalated")
    free = or_(CASE.c.locked_until.is_(None), CASE.c.locked_until <= now, CASE.c.locked_by == me)
    mine = or_(CASE.c.assignee.is_(None), CASE.c.assignee == me)
    wanted = and_(or_(*(queue.tab_test(one, me, now) for one in tabs)), free, or_(CASE.c.barred.is_(None), CASE.c.barred != me))
    if tab != "others":
        wanted = and_(wanted, mine)
    query = select(CASE).where(CASE.c.state == "open", wanted).order_by(CASE.c.rank, CASE.c.number).limit(1)
    row = (await connection.execute(query.with_for_update(skip_locked=True))).first()
    if row is None:
        return None
    await _lock(connection, principal, row, now)
    return int(row.number)


async def take(connection: AsyncConnection, principal: Principal, number: int, now: float, *, over: bool = False) -> None:
    """Lock one case; `over`: also where somebody else has it open, which the audit says."""
    row = await found(connection, number)
    if row.state != "open":
        raise ConflictError(f"{shown(number)} was not taken: it is closed")
    if await is_barred(connection, principal, row.barred):
        raise ForbiddenError(f"{shown(number)} was not taken: it is about a decision of yours, so somebody else must look at it")
    if not over:
        await refuse_others(connection, principal, row, now)
    await _lock(connection, principal, row, now)


async def beat(connection: AsyncConnection, principal: Principal, number: int, now: float) -> None:
    """Say that it is still open; raises LockedError where somebody took it over, ConflictError where it was given back."""
    row = await found(connection, number)
    await refuse_others(connection, principal, row, now)
    if row.locked_by != actor_id(principal):
        raise ConflictError(f"{shown(number)} is not yours any more; take it again")
    await case_query.touch(connection, number, quiet=True, locked_until=now + LOCK_S, **_worked(row, now))


async def release(connection: AsyncConnection, principal: Principal, number: int, now: float) -> None:
    """Give it back; nothing happens where one does not have it."""
    row = await found(connection, number)
    if row.locked_by == actor_id(principal):
        await case_query.touch(connection, number, quiet=True, **freed(row, now))


def freed(row: Any, now: float) -> dict[str, Any]:
    """The columns of a case that nobody has open any more."""
    return {**_worked(row, now), "locked_by": None, "locked_until": None, "worked_at": None}


async def found(connection: AsyncConnection, number: int) -> Any:
    """The row, for this transaction alone; raises NotFoundError."""
    row = await case_query.locked(connection, number)
    if row is None:
        raise NotFoundError(f"there is no case {shown(number)}")
    return row


async def refuse_others(connection: AsyncConnection, principal: Principal, row: Any, now: float) -> None:
    """Raises LockedError where somebody else has it open."""
    if row.locked_by in {None, actor_id(principal)} or (row.locked_until or 0.0) <= now:
        return
    people = await case_query.people_of(connection, [row.locked_by])
    by = person.name if (person := people.get(row.locked_by)) is not None else "somebody else"
    raise LockedError(f"nothing was done: {by} has {shown(row.number)} open", by, row.locked_until)


async def _lock(connection: AsyncConnection, principal: Principal, row: Any, now: float) -> None:
    me = actor_id(principal)
    had = row.locked_by == me and (row.locked_until or 0.0) > now
    from_other = row.locked_by is not None and row.locked_by != me and (row.locked_until or 0.0) > now
    worked = _worked(row, now) if had else {"worked_at": now}
    await case_query.touch(connection, row.number, quiet=True, locked_by=me, locked_until=now + LOCK_S, **worked)
    await case_query.saw(connection, me, row.number, now)
    if not had:
        said = {"from": row.locked_by} if from_other else {}
        await append(connection, principal.login, "case.taken", said, at=now, case=row.number, subject=row.anchor)


def _worked(row: Any, now: float) -> dict[str, Any]:
    since = now - row.worked_at if row.worked_at is not None else 0.0
    return {"work_s": row.work_s + min(max(0.0, since), MOST_BEAT_S), "worked_at": now}
