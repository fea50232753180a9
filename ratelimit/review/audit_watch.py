"""Looks after the audit's chain: its head goes to the log each hour, so that a chain that was made anew is found out by what was logged."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from msgspec import Struct

from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.review.audit import Head, head
from ratelimit.review.audit_check import Verified, verify

EVERY_S: Final = 3_600.0
_SOON_S: Final = 5.0

_log = structlog.get_logger()


class Checked(Struct, frozen=True):
    """What a walk through the chain found, and when."""

    at: float
    found: Verified


class AuditWatch:
    """`last` is what the latest walk found in this process, None before the first. `wall` is seconds since the epoch."""

    def __init__(self, ledger: Ledger, wall: Callable[[], float]) -> None:
        self._ledger, self._wall = ledger, wall
        self._turn = asyncio.Lock()
        self.last: Checked | None = None

    async def verify(self) -> Checked:
        """Walk through the chain, one at a time: whoever comes meanwhile has what that one finds. Raises LedgerAwayError."""
        asked = self._wall()
        async with self._turn:
            if self.last is None or self.last.at < asked:
                async with self._ledger.read() as connection:
                    found = await verify(connection)
                self.last = Checked(self._wall(), found)
                if not found.whole:
                    _log.error("the audit is not what was written", seq=found.broken_at, what=found.what)
            return self.last

    async def head(self) -> Head:
        """The end of the chain. Raises LedgerAwayError."""
        async with self._ledger.read() as connection:
            return await head(connection)

    async def run(self) -> None:
        """Tell the log the head, each hour."""
        while True:
            told = await self.tell()
            await asyncio.sleep(EVERY_S if told else _SOON_S)

    async def tell(self) -> bool:
        """Tell the log the head; False while the ledger is away."""
        try:
            end = await self.head()
        except LedgerAwayError:
            return False
        _log.info("the audit's head", seq=end.seq, link=end.link.hex())
        return True
