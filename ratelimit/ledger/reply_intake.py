"""Writes with which status requests were answered, which is told later than their decisions, and of many that are not in the ledger at all.

Now and then an answer overtakes the record that it belongs to: such statuses are kept in memory for a while, and stand in the record as
soon as it is written here. One of a record that another process writes at the same time may be lost, and the record stays without.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.message import Decided, Replied
from ratelimit.ledger.many import Look
from ratelimit.ledger.tables.record import RECORD

MOST_EARLY: Final = 50_000  # statuses without a record that are remembered: some 8 MB

_LOOK: Final = Look(RECORD, ("id", "status"), ("id",))
_SET: Final = update(RECORD).where(RECORD.c.id == bindparam("its_id"), RECORD.c.status.is_(None)).values(status=bindparam("told"))


class ReplyIntake:
    """Handlers of Replied and, after records are written, of Decided. What is told first stands."""

    def __init__(self, most: int = MOST_EARLY) -> None:
        self._early: dict[str, int] = {}
        self._most = most

    async def take_replied(self, connection: AsyncConnection, messages: Sequence[Replied], _now: float) -> None:
        """Write the statuses of records that are there, and remember the others."""
        told = {id: status for one in reversed(messages) for id, status in reversed(one.statuses)}
        there = await _write(connection, told)
        for id in told.keys() - there:
            self._early.setdefault(id, told[id])
        for id in list(self._early)[: len(self._early) - self._most]:
            del self._early[id]

    async def take_decided(self, connection: AsyncConnection, messages: Sequence[Decided], _now: float) -> None:
        """Write what was told of these before they came."""
        if early := {one.id: self._early[one.id] for one in messages if one.id in self._early}:
            await _write(connection, early)


async def _write(connection: AsyncConnection, told: Mapping[str, int]) -> set[str]:
    """Those that have a record."""
    found = await _LOOK(connection, [(id,) for id in told])
    rows = [{"its_id": row.id, "told": told[row.id]} for row in found if row.status is None]
    if rows:
        await connection.execute(_SET, rows)
    return {row.id for row in found}
