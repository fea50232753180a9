"""Watches canaries: one that hits too many trusted customers within an hour goes back to shadow by itself.

Trusted is who paid half a year ago or earlier without a dispute, and was never confirmed as fraud. It counts what is in the ledger, so it
acts within seconds of the purchase or request. Times are seconds since the epoch.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import structlog

from ratelimit.core.overlay import candidate_name
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.rule_hits import trusted_hit
from ratelimit.ledger.rules import versions
from ratelimit.review.ladder import TRUSTED_HIT
from ratelimit.review.rules import Rules

LOOK_EVERY_S: Final = 10.0
WITHIN_S: Final = 3_600.0
SETTLED_S: Final = 182 * 86_400.0

_log = structlog.get_logger()


class CanaryWatch:
    """`wall` is seconds since the epoch."""

    def __init__(self, ledger: Ledger, rules: Rules, wall: Callable[[], float]) -> None:
        self.rolled_back = 0
        self._ledger, self._rules, self._wall = ledger, rules, wall

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            with contextlib.suppress(LedgerAwayError):
                await self.look()

    async def look(self) -> None:
        """Look once. Raises LedgerAwayError."""
        now = self._wall()
        async with self._ledger.read() as connection:
            canaries = [it for it in await versions(connection) if it.step == "canary" and not it.from_file]
            found = [
                (it, await trusted_hit(connection, candidate_name(it.name, it.version), max(now - WITHIN_S, it.step_at), now - SETTLED_S))
                for it in canaries
            ]
        for canary, hit in found:
            if hit > TRUSTED_HIT:
                self.rolled_back += 1
                _log.error("a canary hit trusted customers and goes back to shadow", rule=canary.name, version=canary.version, hit=hit)
                await self._rules.back(canary.name, canary.version, f"{hit} trusted customers were hit within 1 h")
