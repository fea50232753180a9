"""Reads cases from the ledger, and changes them. What a case may become, and who may do it, is review's to know."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.case import CaseReason, number_of
from ratelimit.core.principal import OPERATOR, OPERATOR_ID
from ratelimit.ledger.cases import CaseRow, CaseView, OpeningRow, PersonRef, SubjectRef
from ratelimit.ledger.tables.case import CASE, MENTION, OPENING
from ratelimit.ledger.tables.person import API_TOKEN, PERSON
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.ledger.upsert import inserting

_AT_ONCE: Final = 500
_RANKS: Final = 10**12  # money of one priority, in minor units
_PLAIN: Final = (
    "number state opened_at priority at_risk_minor currency blast_radius version more plan money expected_loss_minor due_at "
    "snoozed_until escalated campaign blind reopened acted acted_by acted_at acted_until"
).split()


async def get(connection: AsyncConnection, number: int, now: float) -> CaseView | None:
    """One case whole."""
    found = (await connection.execute(select(CASE).where(CASE.c.number == number))).first()
    if found is None:
        return None
    (row,) = await rows_of(connection, [found], now)
    openings = select(*(OPENING.c[name] for name in OpeningRow.__struct_fields__)).where(OPENING.c.case_number == number)
    people = await people_of(connection, [found.closed_by])
    return CaseView(
        row=row,
        openings=tuple(OpeningRow(*one) for one in await connection.execute(openings.order_by(OPENING.c.at)) if not _hides(found)),
        closed_at=found.closed_at,
        closed_by=people.get(found.closed_by),
        verdict=found.verdict,
        why=found.why,
        work_s=found.work_s,
        second_of=found.second_of if found.state == "closed" else None,
    )


async def resolve(connection: AsyncConnection, text: str) -> int | None:
    """The number of a case by that number, as people say it, or by the reference that a purchase's answer told."""
    number = number_of(text)
    if number is not None:
        known = (await connection.execute(select(CASE.c.number).where(CASE.c.number == number))).scalar()
        if known is not None:
            return int(known)
    found: int | None = (await connection.execute(select(OPENING.c.case_number).where(OPENING.c.reference == plain(text)))).scalar()
    return found or None  # 0: it opened none


async def locked(connection: AsyncConnection, number: int) -> Any:
    """The row as it is, which no other transaction changes until this one ends; None if there is none."""
    return (await connection.execute(select(CASE).where(CASE.c.number == number).with_for_update())).first()


async def touch(connection: AsyncConnection, number: int, *, version: int | None = None, quiet: bool = False, **changes: Any) -> int | None:
    """Change some columns, and say the new version; None: somebody else has changed it since `version`, or it is gone.

    `quiet` changes leave the version as it is: those that nobody decides by, such as a lock.
    """
    row = update(CASE).where(CASE.c.number == number)
    if version is not None:
        row = row.where(CASE.c.version == version)
    if not quiet:
        changes["version"] = CASE.c.version + 1
    if {"priority", "at_risk_minor"} & changes.keys():
        changes["rank"] = rank(changes["priority"], changes["at_risk_minor"])
    found: int | None = (await connection.execute(row.values(changes).returning(CASE.c.version))).scalar()
    return found


def rank(priority: int, at_risk_minor: int) -> int:
    """By what the queue is ordered: by priority, then the most money first."""
    return priority * _RANKS - min(max(0, at_risk_minor), _RANKS - 1)


async def rows_of(connection: AsyncConnection, found: Sequence[Any], now: float) -> list[CaseRow]:
    """Rows of the table as people see them; a lock that is over is none."""
    subjects = await subjects_of(connection, [one for row in found for one in (row.anchor, row.beside)])
    people = await people_of(connection, [one for row in found for one in (row.assignee, row.locked_by, row.snoozed_by)])
    return [_row(row, subjects, people, now) for row in found]


async def subjects_of(connection: AsyncConnection, ids: Iterable[int | None]) -> dict[int, SubjectRef]:
    """Subjects by id; who was erased has nothing to be shown."""
    wanted = sorted({one for one in ids if one is not None})
    found = {one: SubjectRef(one, "account", None, 0.0) for one in wanted}
    for start in range(0, len(wanted), _AT_ONCE):
        query = select(*(SUBJECT.c[name] for name in SubjectRef.__struct_fields__)).where(
            SUBJECT.c.id.in_(wanted[start : start + _AT_ONCE])
        )
        found |= {row.id: SubjectRef(*row) for row in await connection.execute(query)}
    return found


async def people_of(connection: AsyncConnection, ids: Iterable[int | None]) -> dict[int | None, PersonRef]:
    """Who works on cases by id: people, the operator, and tokens, whose ids are below 0 here."""
    wanted = {one for one in ids if one is not None}
    found: dict[int | None, PersonRef] = {}
    if persons := [one for one in wanted if one > OPERATOR_ID]:
        query = select(PERSON.c.id, PERSON.c.login, PERSON.c.name).where(PERSON.c.id.in_(persons))
        found |= {
            row.id: PersonRef(row.id, row.login, row.name, initials(row.name or row.login)) for row in await connection.execute(query)
        }
    if tokens := [-one for one in wanted if one < OPERATOR_ID]:
        query = select(API_TOKEN.c.id, API_TOKEN.c.name).where(API_TOKEN.c.id.in_(tokens))
        found |= {-row.id: PersonRef(-row.id, row.name, row.name, initials(row.name)) for row in await connection.execute(query)}
    if OPERATOR_ID in wanted:
        found[OPERATOR_ID] = PersonRef(OPERATOR_ID, OPERATOR.login, OPERATOR.name, initials(OPERATOR.name))
    return found


async def mention(connection: AsyncConnection, person: int, number: int, now: float) -> None:
    """Somebody is named in a note of a case."""
    row = inserting(connection, MENTION).values(person=person, case_number=number, at=now, seen_at=None)
    again = {"at": now, "seen_at": None}
    await connection.execute(row.on_conflict_do_update(index_elements=["person", "case_number"], set_=again))


async def saw(connection: AsyncConnection, person: int, number: int, now: float) -> None:
    """Somebody has seen the notes of a case."""
    mine = and_(MENTION.c.person == person, MENTION.c.case_number == number, MENTION.c.seen_at.is_(None))
    await connection.execute(update(MENTION).where(mine).values(seen_at=now))


def plain(text: str) -> str:
    """Text that a database can be asked about."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def initials(name: str) -> str:
    """Two letters of a name, for marks."""
    words = [word for word in name.split() if word[0].isalnum()] or [name or "?"]
    return (words[0][0] + words[-1][0] if len(words) > 1 else words[0][:2]).upper()


def reasons_of(tree: Any) -> tuple[CaseReason, ...]:
    """Reasons as a row has them."""
    return msgspec.convert(tree, tuple[CaseReason, ...])


def _hides(row: Any) -> bool:
    """Whether whoever reviews it may not know why it is there, which they may once they have decided."""
    return bool(row.blind and row.state == "open")


def _row(row: Any, subjects: dict[int, SubjectRef], people: dict[int | None, PersonRef], now: float) -> CaseRow:
    hides, is_locked = _hides(row), row.locked_until is not None and row.locked_until > now
    return CaseRow(
        anchor=subjects[row.anchor],
        beside=subjects.get(row.beside),
        opened_by="model" if hides and row.opened_by == "audit" else row.opened_by,
        opened_word="" if hides else row.opened_word,
        risk=None if hides else row.risk,
        reasons=reasons_of(row.reasons),
        assignee=people.get(row.assignee),
        locked_by=people.get(row.locked_by) if is_locked else None,
        locked_until=row.locked_until if is_locked else None,
        woke_at=row.snoozed_until if row.snoozed_until is not None and row.snoozed_until <= now else None,
        snoozed_by=people.get(row.snoozed_by),
        **{name: getattr(row, name) for name in _PLAIN},
    )
