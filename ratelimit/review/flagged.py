"""Takes in what was flagged, as the stream brings it: a case at once, or a candidate for one of the day's."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.message import Flagged
from ratelimit.ledger.intake import take_turn
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.subjects import Subjects
from ratelimit.review.daily import Daily
from ratelimit.review.opening import WAITED, Opener, key_of

LOOK_S: Final = 60.0

_log = structlog.get_logger()


class FlagIntake:
    """The intake's handler of flags, and what looks now and then whether there is room for candidates."""

    def __init__(self, subjects: Subjects, daily: Daily) -> None:
        self._subjects, self._daily = subjects, daily

    async def __call__(self, connection: AsyncConnection, flags: Sequence[Flagged], now: float) -> None:
        """Open their cases, in the caller's transaction."""
        anchors = await self._subjects.ids(connection, [flag.anchor for flag in flags], now)
        opener = Opener(connection, now)
        for flag in flags:
            anchor = anchors[key_of(flag.anchor)]
            if flag.kind in WAITED:
                await self._daily.add(opener, flag, anchor, now)
            else:
                await opener.open(flag, anchor)
        if any(flag.kind in WAITED for flag in flags):
            await self._daily.open(opener, now)
        await opener.finish()

    async def look(self, ledger: Ledger, now: float) -> None:
        """Whether there is room by now; raises LedgerAwayError."""
        async with ledger.write() as connection:
            await take_turn(connection)  # two who look at once would both find the same room
            opener = Opener(connection, now)
            await self._daily.open(opener, now)
            await opener.finish()

    async def run(self, ledger: Ledger, wall: Callable[[], float]) -> None:
        """Look for ever; `wall` is seconds since the epoch."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look(ledger, wall())
            except LedgerAwayError as error:
                _log.warning("candidates wait, since the ledger is away", why=str(error))
