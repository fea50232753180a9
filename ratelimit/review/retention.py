"""Removes what is older than it may be, every hour, in pieces so small that nobody waits for one; and says what it removed.

What only time changes is looked after here as well: accounts that have become good.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from msgspec import Struct
from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.retention import Retention, cut
from ratelimit.ledger import bans, fading, reputation, retention, rollup
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.subjects import Subjects
from ratelimit.ledger.tables.privacy import RETENTION_RUN
from ratelimit.review import audit
from ratelimit.review.pace import Pace

ACTOR: Final = "retention"  # as the audit names it
EVERY_S: Final = 3_600.0
FIRST_S: Final = 60.0  # after the start, when there is more to do than this, and where the ledger was away
LONGEST_S: Final = 0.05  # of a transaction: others wait for it
_FOUND: Final = 5_000  # rows that are looked for at once
_SWEPT_S: Final = 86_400.0  # for accounts of the last day: a process that was away looks at them all the same

_log = structlog.get_logger()


class Ran(Struct, frozen=True):
    """A run: when it began, how long it took, how many of each were removed, and the longest transaction. Seconds."""

    at: float
    took_s: float
    removed: dict[str, int]
    longest_s: float


class RetentionJob:
    """`settings` gives those in force, `wall` seconds since the epoch. `removed` counts since the start.

    `subjects` makes digests of confirmed fraud before its data lapse; None: that is left to the service.
    """

    def __init__(
        self, ledger: Ledger, settings: Callable[[], Retention], wall: Callable[[], float], subjects: Subjects | None = None
    ) -> None:
        self.removed: Final = Counter[str]()
        self.ran: Ran | None = None
        self._ledger, self._settings, self._wall = ledger, settings, wall
        self._longest, self._subjects = 0.0, subjects
        self._paces: dict[str, Pace] = {}  # by kind of work

    async def run(self) -> None:
        """Work for ever."""
        pause = FIRST_S
        while True:
            await asyncio.sleep(pause)
            try:
                await self.once()
                pause = EVERY_S
            except LedgerAwayError as error:
                _log.warning("retention could not run, since the ledger is away; it is tried again", why=str(error)[:200])
                pause = FIRST_S

    async def once(self) -> Ran:
        """Remove all that is due; raises LedgerAwayError, and then some of it is removed."""
        now, began, settings = self._wall(), time.monotonic(), self._settings()
        removed: Counter[str] = Counter()
        self._longest = 0.0
        await self._keep_bans(settings, now)
        for rule in retention.rules(settings, now):
            removed[rule.name] = await self._remove(rule)
        removed["audit_contents"] = await self._forget(cut(settings.cases, now), now)
        removed["addresses_of_usage"] = await self._fade(cut(settings.addresses, now))
        for rule in retention.nameless(settings, now):
            removed[rule.name] = await self._remove(rule)
        removed["traffic_rolled_up"] = await self._roll_up(now - rollup.FINE_S)
        await self._renew(now)
        ran = Ran(now, time.monotonic() - began, {name: count for name, count in removed.items() if count}, self._longest)
        await self._report(ran)
        return ran

    async def _keep_bans(self, settings: Retention, now: float) -> None:
        subjects = self._subjects
        if subjects is None:
            return

        async def note(connection: AsyncConnection, some: list[int]) -> None:
            for account in some:
                await bans.note(connection, subjects, account, cut(settings.bans, now))

        async with self._ledger.read() as connection:
            accounts = await bans.lapsing(connection, settings, now)
        await self._in_pieces("bans", accounts, note)

    async def _remove(self, rule: retention.Rule) -> int:
        count = 0
        while True:
            async with self._ledger.read() as connection:
                keys = await retention.find(connection, rule, _FOUND)
            await self._in_pieces(rule.name, keys, lambda connection, some: retention.remove(connection, rule, some))
            count += len(keys)
            if len(keys) < _FOUND:
                return count

    async def _fade(self, before: float) -> int:
        return sum([await self._fade_table(table, before) for table in fading.TABLES])

    async def _fade_table(self, table: Table, before: float) -> int:
        async def fade(connection: AsyncConnection, some: list[Any]) -> None:
            await fading.fade(connection, table, some)

        async with self._ledger.read() as connection:
            since, count = await fading.began(connection, table), 0
        while True:
            async with self._ledger.read() as connection:
                rows = await fading.find(connection, table, since, before, _FOUND)
            await self._in_pieces(f"fading {table.name}", rows, fade)
            count += len(rows)
            if len(rows) < _FOUND:
                break
            since = rows[-1].at
        async with self._ledger.write() as connection:
            await fading.settle(connection, table, before)
            await fading.destroy_keys(connection, before)
        return count

    async def _forget(self, before: float, now: float) -> int:
        """Have the audit forget what entries said; their digests stay, and the chain still verifies."""

        async def forget(connection: AsyncConnection, seqs: list[int]) -> None:
            await audit.forget(connection, ACTOR, at=now, seqs=seqs)

        async with self._ledger.read() as connection:
            seqs = await retention.audit_seqs(connection, before, _FOUND)
        await self._in_pieces("audit", seqs, forget)
        return len(seqs)

    async def _roll_up(self, before: float) -> int:
        async def roll_up(connection: AsyncConnection, some: list[float]) -> None:
            await rollup.roll_up(connection, some[0], some[-1])

        count, since = 0, 0.0
        while True:
            async with self._ledger.read() as connection:
                moments = await rollup.find(connection, since, before, _FOUND)
            await self._in_pieces("rollup", moments, roll_up)
            count += len(moments)
            if len(moments) < _FOUND:
                return count
            since = moments[-1]

    async def _renew(self, now: float) -> None:
        """See which accounts have become good."""
        async with self._ledger.read() as connection:
            accounts = await reputation.due(connection, now - _SWEPT_S, now, _FOUND)

        async def renew(connection: AsyncConnection, some: list[int]) -> None:
            await reputation.renew(connection, some, now)

        await self._in_pieces("standing", accounts, renew)

    async def _in_pieces(self, kind: str, rows: Sequence[Any], work: Callable[[AsyncConnection, list[Any]], Awaitable[None]]) -> None:
        """Do it in transactions, each about as long as it may be."""
        done, pace = 0, self._paces.setdefault(kind, Pace(LONGEST_S))
        while done < len(rows):
            piece = list(rows[done : done + pace.rows])
            async with self._ledger.write() as connection:
                began = time.monotonic()
                await work(connection, piece)
            took = time.monotonic() - began
            done += len(piece)
            self._longest = max(self._longest, took)
            pace.took(len(piece), took)
            await asyncio.sleep(took)  # as long as nobody else could write

    async def _report(self, ran: Ran) -> None:
        self.ran = ran
        self.removed.update(ran.removed)
        if ran.removed:
            _log.info("retention removed what was due", **ran.removed)
            async with self._ledger.write() as connection:
                await connection.execute(insert(RETENTION_RUN).values(at=ran.at, took_s=ran.took_s, removed=ran.removed))
