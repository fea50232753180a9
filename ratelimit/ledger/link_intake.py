"""Writes who shares what, and keeps count of the accounts of good standing and of the confirmed ones that share a thing."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.many import Insert, Look
from ratelimit.ledger.tables.purchase import LINK
from ratelimit.ledger.tables.subject import SUBJECT

Pair = tuple[int, int]


class Met(NamedTuple):
    """A subject was seen with an entity, `times` by then. Both are ids."""

    subject: int
    entity: int
    how: str
    at: float
    times: int = 1


async def link(connection: AsyncConnection, met: Iterable[Met]) -> None:
    """Write them down. The same told twice counts twice: whoever calls tells what is new."""
    rows: dict[tuple[int, int, str], list[Any]] = {}
    for subject, entity, how, at, times in met:
        row = rows.get((subject, entity, how))
        if row is None:
            rows[subject, entity, how] = [subject, entity, how, at, at, times]
        else:
            row[3], row[4], row[5] = min(row[3], at), max(row[4], at), row[5] + times
    if not rows:
        return
    new = await _new_of_standing(connection, {(subject, entity) for subject, entity, _ in rows})
    await _PUT(connection, [tuple(rows[key]) for key in sorted(rows)])
    good, fraud = (Counter(entity for (_, entity), standing in new if standing[which]) for which in (0, 1))
    changes = [{"its_id": entity, "more_good": good[entity], "more_fraud": fraud[entity]} for entity in sorted({*good, *fraud})]
    if changes:
        await connection.execute(_ADD, changes)


async def _new_of_standing(connection: AsyncConnection, pairs: set[Pair]) -> list[tuple[Pair, tuple[int, int]]]:
    """The pairs that are not there yet of accounts that are good or confirmed, with which of them they are: nobody else is counted."""
    found = await _STANDINGS(connection, {(subject,) for subject, _ in pairs})
    standings = {row.id: (row.good, row.fraud) for row in found if row.kind == "account" and row.good + row.fraud > 0}
    theirs = {pair for pair in pairs if pair[0] in standings}
    known = {(row.subject, row.entity) for row in await _KNOWN(connection, theirs)}
    return [(pair, standings[pair[0]]) for pair in theirs - known]


_STANDINGS: Final = Look(SUBJECT, ("id", "kind", "good", "fraud"), ("id",))
_KNOWN: Final = Look(LINK, ("subject", "entity"), ("subject", "entity"))
_PUT: Final = Insert(
    LINK,
    ("subject", "entity", "how", "first_at", "last_at", "count"),
    """(subject, entity, how) DO UPDATE SET
        first_at = CASE WHEN link.first_at < excluded.first_at THEN link.first_at ELSE excluded.first_at END,
        last_at = CASE WHEN link.last_at > excluded.last_at THEN link.last_at ELSE excluded.last_at END,
        "count" = link."count" + excluded."count"
    """,
)
_ADD: Final = (
    update(SUBJECT)
    .where(SUBJECT.c.id == bindparam("its_id"))
    .values(good=SUBJECT.c.good + bindparam("more_good"), fraud=SUBJECT.c.fraud + bindparam("more_fraud"))
)
