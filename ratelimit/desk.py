"""What an operator's process needs beside the operator lane: words that stand, and what people and payment services change about them.

There is one in every `serve`, however many workers answer the gateway.
"""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from ratelimit.core.store_key import StoreKeys
from ratelimit.loop import keep_running
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.standings import Standings
from ratelimit.sidecar import Terms, open_standings

_CLEAN_EVERY_S: Final = 60.0


class Desk:
    """What is opened goes onto the `stack`. `standings` are those of this process, for a sidecar in it as well."""

    def __init__(self, standings: Standings, keys: StoreKeys) -> None:
        self.standings: Final = standings
        self.keys: Final = keys

    @classmethod
    async def open(cls, terms: Terms, stack: AsyncExitStack) -> "Desk":
        """Reach the store, or begin to try."""
        desk = cls(await open_standings(terms, stack), StoreKeys(terms.store_key))
        keep_running(desk._clean, stack)
        return desk

    async def _clean(self) -> None:
        while True:
            await asyncio.sleep(_CLEAN_EVERY_S)
            try:
                await self.standings.clean()
            except StoreAwayError:
                continue
