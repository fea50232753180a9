"""Tells the store how far this sidecar has heard of the words that stand, or of rules, and asks how far all of them are.

A sidecar tells when it has heard of something, at most five times a second, and every ten seconds that it lives. No request waits for it.
"""

import asyncio
import contextlib
from collections.abc import Callable
from secrets import token_bytes
from typing import Final, Protocol

from ratelimit.core.protocols import Store
from ratelimit.core.reach import ID_BYTES, RULES_REACH, Reach, asking, going, living, reach_of, rules_reach_of
from ratelimit.core.store_key import REACH
from ratelimit.service.ask import StoreAwayError, ask

LIVES_EVERY_S: Final = 10.0  # a third of what the script waits for
_REST_S: Final = 0.2
_FIRST_S, _LONGEST_S = 0.01, 0.2  # between two questions


class Hearing(Protocol):
    """What hears of changes: up to which revision, and an event that is set when that has changed."""

    heard: bytes
    moved: asyncio.Event


class ReachTeller:
    """Tells, as long as it runs."""

    def __init__(self, store: Store, hearing: Hearing, key: str = REACH) -> None:
        self._store, self._hearing, self._key, self._id = store, hearing, key, token_bytes(ID_BYTES)

    async def run(self) -> None:
        """Tell for ever."""
        moved = self._hearing.moved
        while True:
            moved.clear()
            with contextlib.suppress(StoreAwayError):  # the next one says it as well
                await ask(self._store, [living(self._id, self._hearing.heard, self._key)])
            await asyncio.sleep(_REST_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(moved.wait(), LIVES_EVERY_S)

    async def finish(self) -> None:
        """Say that it goes, so that nobody waits for it."""
        with contextlib.suppress(StoreAwayError):
            await ask(self._store, [going(self._id, self._key)])


class ReachBook:
    """Says how far the changes that this process made have got; `latest` is the revision of the last one, `rules`: it is one of these."""

    def __init__(self, store: Store, latest: Callable[[], bytes], *, rules: bool = False) -> None:
        self._store, self._latest = store, latest
        self._key, self._read = (RULES_REACH, rules_reach_of) if rules else (REACH, reach_of)

    @property
    def revision(self) -> bytes:
        """That of the latest change that was made here."""
        return self._latest()

    async def of(self, revision: bytes) -> Reach:
        """How far it is now; raises StoreAwayError."""
        (reply,) = await ask(self._store, [asking(self._key)])
        return self._read(revision, reply)

    async def until_first(self, revision: bytes, patience_s: float) -> Reach:
        """How far it is once it is anywhere, or after so long; raises StoreAwayError."""
        return await self._until(revision, lambda found: found.whole or found.reached > 0, patience_s)

    async def until_whole(self, revision: bytes, patience_s: float) -> Reach:
        """How far it is once it is everywhere, or after so long; raises StoreAwayError."""
        return await self._until(revision, lambda found: found.whole, patience_s)

    async def _until(self, revision: bytes, enough: Callable[[Reach], bool], patience_s: float) -> Reach:
        loop, pause_s = asyncio.get_running_loop(), _FIRST_S
        end = loop.time() + patience_s
        while not enough(found := await self.of(revision)) and loop.time() < end:
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_S)
        return found
