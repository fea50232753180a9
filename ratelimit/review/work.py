"""What people do to a case beside deciding it: assign, put off, wake, pass on, note. Each is one transaction with its entry in the audit.

`version` is that of the case as whoever asks has seen it; None asks for no such check. Who has the case open need not give it back first.
"""

import re
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.case import shown
from ratelimit.core.principal import Principal
from ratelimit.ledger import case_query
from ratelimit.ledger.cases import Note
from ratelimit.ledger.personal import NOTED
from ratelimit.ledger.tables.person import PERSON
from ratelimit.review.audit import AuditFilter, append, entries
from ratelimit.review.case_error import CaseError, ConflictError
from ratelimit.review.lock import actor_id, found, freed, refuse_others

MOST_SNOOZE_S: Final = 14 * 86_400.0
MOST_NOTE: Final = 2_000
_MOST_MENTIONS: Final = 20
_MOST_NOTES: Final = 200
_MENTION: Final = re.compile(r"(?<![\w@.])@([A-Za-z0-9][A-Za-z0-9._-]{0,63})", re.ASCII)


async def assign(connection: AsyncConnection, principal: Principal, number: int, login: str | None, version: int | None, now: float) -> int:
    """Make it somebody's, or nobody's where `login` is None, and say its new version."""
    row = await _changeable(connection, principal, number, version, now)
    assignee = None
    if login is not None:
        who = select(PERSON.c.id).where(
            PERSON.c.login == case_query.plain(login), PERSON.c.disabled_at.is_(None), PERSON.c.role != "viewer"
        )
        assignee = (await connection.execute(who)).scalar()
        if assignee is None:
            raise CaseError(f"{shown(number)} was not assigned: nobody who may work on cases has the login {login[:64]!r}")
    if assignee is not None and assignee == row.barred:
        raise CaseError(f"{shown(number)} was not assigned: it is about a decision of {login}, so somebody else must look at it")
    return await _change(connection, principal, row, now, "case.assigned", {"to": login}, assignee=assignee)


async def snooze(connection: AsyncConnection, principal: Principal, number: int, until: float, version: int | None, now: float) -> int:
    """Put it off: it is in nobody's way until then, and comes back by itself."""
    row = await _changeable(connection, principal, number, version, now)
    if not now < until <= now + MOST_SNOOZE_S:
        raise CaseError(f"{shown(number)} was not put off: until when must be within the next {MOST_SNOOZE_S / 86_400:.0f} days")
    off = {"snoozed_until": until, "snoozed_by": actor_id(principal), "snoozes": min(row.snoozes + 1, 32_767)}
    return await _change(connection, principal, row, now, "case.snoozed", {"until": until}, **off, **freed(row, now))


async def wake(connection: AsyncConnection, principal: Principal, number: int, version: int | None, now: float) -> int:
    """Bring it back at once."""
    row = await _changeable(connection, principal, number, version, now)
    if row.snoozed_until is None or row.snoozed_until <= now:
        raise ConflictError(f"{shown(number)} is not put off any more")
    return await _change(connection, principal, row, now, "case.woken", {}, snoozed_until=now)


async def escalate(  # noqa: PLR0913  as the others, and which way
    connection: AsyncConnection, principal: Principal, number: int, why: str, version: int | None, now: float, *, back: bool = False
) -> int:
    """Pass it on to an admin, or `back` to everybody."""
    row = await _changeable(connection, principal, number, version, now)
    if row.escalated is not back:
        raise ConflictError(f"{shown(number)} is {'not passed on' if back else 'passed on'} already")
    kind = "case.returned" if back else "case.escalated"
    return await _change(connection, principal, row, now, kind, {"why": why}, escalated=not back, **freed(row, now))


async def note(connection: AsyncConnection, principal: Principal, number: int, text: str, now: float) -> int:
    """Write a note, closed cases included, and say its seq; whoever is named in it with an @ has the case among their own."""
    row = await found(connection, number)
    logins = list(dict.fromkeys(_MENTION.findall(text)))[:_MOST_MENTIONS]
    people = (await connection.execute(select(PERSON.c.id, PERSON.c.login).where(PERSON.c.login.in_(logins)))).all() if logins else []
    for person in people:
        await case_query.mention(connection, person.id, number, now)
    said = {"text": text, "mentions": [person.login for person in people]}
    return await append(connection, principal.login, NOTED, said, at=now, case=number, subject=row.anchor)


async def notes(connection: AsyncConnection, number: int) -> list[Note]:
    """The notes of a case, latest first."""
    found = await entries(connection, AuditFilter(kind=NOTED, case=number), _MOST_NOTES)
    return [
        Note(
            one.seq, one.at, one.actor, one.content["text"] if one.content else None, tuple(one.content["mentions"]) if one.content else ()
        )
        for one in found
    ]


async def _changeable(connection: AsyncConnection, principal: Principal, number: int, version: int | None, now: float) -> Any:
    row = await found(connection, number)
    await refuse_others(connection, principal, row, now)
    if row.state != "open":
        raise ConflictError(f"nothing was done: {shown(number)} is closed")
    if version is not None and version != row.version:
        raise ConflictError(f"nothing was done: {shown(number)} has changed since you saw it; look at it, and ask again")
    return row


async def _change(
    connection: AsyncConnection, principal: Principal, row: Any, now: float, kind: str, said: dict[str, Any], **changes: Any
) -> int:
    version = await case_query.touch(connection, row.number, **changes)
    assert version is not None, "the row is locked"  # noqa: S101
    await append(connection, principal.login, kind, said, at=now, case=row.number, subject=row.anchor)
    return version
