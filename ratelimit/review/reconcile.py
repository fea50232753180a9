"""Finishes what was written down and not done: a process ended in between, or the store was away. Notes what has ended.

Every desk does it, and several do no harm: each effect done twice is done once, and only one of them confirms it.
"""

import asyncio
from typing import Final

import structlog

from ratelimit.ledger import actions, subjects
from ratelimit.ledger.actions import UNFINISHED, ActionRow
from ratelimit.ledger.ledger import LedgerAwayError
from ratelimit.review.case_error import CaseError
from ratelimit.review.doing import Doing
from ratelimit.review.undoing import Undoing

LOOK_EVERY_S: Final = 5.0
OLD_S: Final = 5.0  # what is younger is being done by whoever wrote it
_AT_ONCE: Final = 100

_log = structlog.get_logger()


class Reconcile:
    """Looks for it."""

    def __init__(self, doing: Doing, undoing: Undoing) -> None:
        self._doing, self._undoing = doing, undoing

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.turn()
            except LedgerAwayError:
                continue

    async def turn(self) -> int:
        """Finish what is old enough, and say how many that were."""
        now = self._doing.wall()
        async with self._doing.ledger.read() as connection:
            rows = [row for row in await actions.in_state(connection, UNFINISHED, now - OLD_S, _AT_ONCE) if _touched_at(row) < now - OLD_S]
            whom = await subjects.named(connection, [row.target for row in rows])
            ended = await actions.any_ended(connection, now)
        finished = 0
        for row in rows:
            try:
                after = await (
                    self._undoing.finish(row, whom.get(row.target))
                    if row.state == "undoing"
                    else self._doing.carry_out(row, whom.get(row.target))
                )
            except CaseError as error:
                _log.error("a deed could not be finished", action=row.id, why=str(error))
                continue
            finished += after.state != row.state
        if ended:
            async with self._doing.ledger.write() as connection:
                await actions.expire(connection, now)
        return finished


def _touched_at(row: ActionRow) -> float:
    """When somebody last began to do something with it."""
    return max(row.at, row.undone_at or 0.0, row.second_at or 0.0)
