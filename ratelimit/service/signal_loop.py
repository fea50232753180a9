"""Keeps the signals going beside the decisions: a tick each second, and a batch told and scored sixteen times a second.

Each turn of the event loop does one slice of work, so that no decision waits for more than that.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from ratelimit.core.signals import KINDS
from ratelimit.service.usage import Usage

SLICE_S: Final = 1 / 16


class SignalLoop:
    """Drives one sidecar's usage by `wall`, the seconds since the epoch."""

    def __init__(self, usage: Usage, wall: Callable[[], float]) -> None:
        self._usage, self._wall = usage, wall

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(SLICE_S)
            await self.slice()

    async def slice(self) -> None:
        """One sixteenth of a second's work."""
        usage, tick = self._usage, int(self._wall())
        if tick != usage.tick:
            for _ in usage.turn(tick):
                await asyncio.sleep(0)
        for _ in KINDS:  # one in each turn of the loop
            usage.score()
            await asyncio.sleep(0)
        usage.flush()

    def finish(self) -> None:
        """At the end: tell all that is untold. The store's queue sends it."""
        usage = self._usage
        for _ in usage.turn(int(self._wall())):
            pass
        usage.outbox.all_due()
        while usage.flush():
            pass
