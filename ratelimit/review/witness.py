"""Writes into the audit what people do about what the store alone has: holds, overrides, webhooks and facts that were given up.

It is written once it is done. While the ledger is away it is done all the same, since people must not wait for a database to let a customer
spend what they paid for: the entry waits here until the ledger is back, with the time of when it was done. At most MOST_WAITING wait, and
none outlives the process; each that waits is in the log. Times are seconds since the epoch.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import structlog

from ratelimit.core.message import Entity
from ratelimit.core.principal import Principal
from ratelimit.core.standing import Hold
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.subjects import Subjects
from ratelimit.review import audit

HOLD_ENDED: Final = "hold.ended"  # kinds of entries in the audit
WEBHOOK_RETRIED: Final = "webhook.retried"
FACT_RETRIED: Final = "stripe_fact.retried"
FACT_DROPPED: Final = "stripe_fact.dropped"
MOST_WAITING: Final = 10_000
AGAIN_S: Final = 5.0

Write = Callable[[], Awaitable[None]]  # raises LedgerAwayError while that is away

_log = structlog.get_logger()


class Witness:
    """`wall` gives the time."""

    def __init__(self, ledger: Ledger, subjects: Subjects, wall: Callable[[], float]) -> None:
        self._ledger, self._subjects, self._wall = ledger, subjects, wall
        self._waiting: deque[Write] = deque(maxlen=MOST_WAITING)
        self._turn = asyncio.Lock()
        self._away = False  # then nobody but `run` waits to find out whether it still is

    async def hold_ended(self, by: Principal, hold: Hold) -> None:
        """Tokens that were held are not any more; who the deployment's token says that it was stands beside the token."""
        said: dict[str, Any] = {"purchase": hold.purchase, "state": ["held", hold.state], "held": hold.held, "reason": hold.reason}
        said = said if hold.by == by.login else {**said, "by": hold.by}
        await self.surely(partial(self._write, by, HOLD_ENDED, said, self._wall(), hold.account), HOLD_ENDED, hold.purchase)

    async def note(self, by: Principal, kind: str, id: str) -> None:
        """Something that was given up is tried again, or dropped."""
        await self.surely(partial(self._write, by, kind, {"id": id}, self._wall()), kind, id)

    async def surely(self, write: Write, kind: str, about: str) -> None:
        """Write it now, or when the ledger is back; `kind` and `about` are for the log."""
        self._waiting.append(write)
        if not self._away:
            await self.catch_up()
        if self._away:
            _log.warning("what was done waits to be in the audit: the ledger is away", kind=kind, about=about)

    async def run(self) -> None:
        """Write what waits, for ever."""
        while True:
            await asyncio.sleep(AGAIN_S)
            await self.catch_up()

    async def catch_up(self) -> None:
        """Write what waits, as far as that is possible now, in its order."""
        async with self._turn:
            while self._waiting:
                write = self._waiting.popleft()
                try:
                    await write()
                except LedgerAwayError:
                    self._away = True
                    self._waiting.appendleft(write)
                    return
            self._away = False

    async def _write(self, by: Principal, kind: str, said: dict[str, Any], at: float, account: str | None = None) -> None:
        async with self._ledger.write() as connection:
            subject = None
            if account is not None:
                subject = (await self._subjects.ids(connection, [Entity("account", account)], at))["account", account]
            await audit.append(connection, by.login, kind, said, at=at, subject=subject)
