"""Writes who shares what, and keeps count of the accounts of good standing and of the confirmed ones that share a thing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import bindparam, case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.subjects import AT_ONCE
from ratelimit.ledger.tables.purchase import LINK
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.ledger.upsert import inserting


class Met(Struct, frozen=True):
    """A subject was seen with an entity, `count` times by then. Both are ids."""

    subject: int
    entity: int
    how: str
    at: float
    count: int = 1


async def link(connection: AsyncConnection, met: Iterable[Met]) -> None:
    """Write them down. The same told twice counts twice: whoever calls tells what is new."""
    rows: dict[tuple[int, int, str], dict[str, Any]] = {}
    for one in met:
        key = one.subject, one.entity, one.how
        row = rows.setdefault(
            key, {"subject": one.subject, "entity": one.entity, "how": one.how, "first_at": one.at, "last_at": one.at, "count": 0}
        )
        row["first_at"], row["last_at"] = min(row["first_at"], one.at), max(row["last_at"], one.at)
        row["count"] += one.count
    if not rows:
        return
    known = await _known(connection, {subject for subject, _, _ in rows}, {entity for _, entity, _ in rows})
    await connection.execute(_upsert(connection), [rows[key] for key in sorted(rows)])
    new = {(subject, entity) for subject, entity, _ in rows} - known
    await _count(connection, new)


async def _known(connection: AsyncConnection, subjects: set[int], entities: set[int]) -> set[tuple[int, int]]:
    """The pairs of these that are there."""
    found: set[tuple[int, int]] = set()
    ids, others = sorted(subjects), sorted(entities)
    is_other = (LINK.c.entity + 0).in_(others)  # by a sum no index goes: to try each of some hundred with each of as many takes far longer
    for start in range(0, len(ids), AT_ONCE):
        query = select(LINK.c.subject, LINK.c.entity).where(LINK.c.subject.in_(ids[start : start + AT_ONCE]), is_other)
        found.update((row.subject, row.entity) for row in await connection.execute(query))
    return found


async def _count(connection: AsyncConnection, pairs: set[tuple[int, int]]) -> None:
    """Add to each entity the accounts that are new to it."""
    accounts = await _standings(connection, {subject for subject, _ in pairs})
    good, fraud = (Counter(entity for subject, entity in pairs if accounts.get(subject, (0, 0))[which]) for which in (0, 1))
    rows = [{"its_id": entity, "more_good": good[entity], "more_fraud": fraud[entity]} for entity in sorted({*good, *fraud})]
    if rows:
        await connection.execute(_ADD, rows)


async def _standings(connection: AsyncConnection, subjects: set[int]) -> Mapping[int, tuple[int, int]]:
    """Of the accounts among these that are good or confirmed, which."""
    found: dict[int, tuple[int, int]] = {}
    ids: Sequence[int] = sorted(subjects)
    for start in range(0, len(ids), AT_ONCE):
        query = select(SUBJECT.c.id, SUBJECT.c.good, SUBJECT.c.fraud).where(
            SUBJECT.c.id.in_(ids[start : start + AT_ONCE]), SUBJECT.c.kind == "account", SUBJECT.c.good + SUBJECT.c.fraud > 0
        )
        found.update({row.id: (row.good, row.fraud) for row in await connection.execute(query)})
    return found


def _upsert(connection: AsyncConnection) -> Any:
    statement = inserting(connection, LINK)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[LINK.c.subject, LINK.c.entity, LINK.c.how],
        set_={
            "first_at": case((LINK.c.first_at < new.first_at, LINK.c.first_at), else_=new.first_at),
            "last_at": case((LINK.c.last_at > new.last_at, LINK.c.last_at), else_=new.last_at),
            "count": LINK.c.count + new["count"],
        },
    )


_ADD: Final = (
    update(SUBJECT)
    .where(SUBJECT.c.id == bindparam("its_id"))
    .values(good=SUBJECT.c.good + bindparam("more_good"), fraud=SUBJECT.c.fraud + bindparam("more_fraud"))
)
