"""How a sidecar hears of words that stand: it reads all of them at the start, and then waits for the stream of changes to tell more.

A stream and not pub/sub, since pub/sub forgets whom it could not reach: here a sidecar that was paused or cut off reads on where it
stopped. Changes count without a gap, so it is seen if too many came to be kept, and then all is read again; as it is after every new
connection and once a minute, whatever happened. All are read in small pieces, between which changes go on being told, so none waits for it.

The connection is the feed's own: on it the store makes us wait.
"""

import asyncio
from collections import deque
from contextlib import AsyncExitStack
from random import random
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from redis.crc import key_slot
from redis.exceptions import RedisError, ResponseError

from ratelimit.core.protocols import Words
from ratelimit.core.standing_change import NO_REVISION, changed, revision
from ratelimit.core.store_key import STANDING
from ratelimit.stores.link import Command, Link

SYNC_EVERY_S: Final = 60.0
WAIT_MS: Final = 500  # for a change; in between words end
_HANG_S: Final = 3.0
_RETRY_S: Final = 0.3
_PIECE: Final = 100  # words at a time, some 2 ms of ours
_MOST_CHANGES: Final = 500
_STREAM: Final = f"{STANDING}:changes"

Address = tuple[str, int]

_log = structlog.get_logger()


class _GapError(Exception):
    """Changes are missing."""


class StandingFeed:
    """Tells whoever keeps the words."""

    def __init__(self, url: str) -> None:
        self.away = True
        self._url = url
        self._nodes: deque[Address | None] = deque([None])  # who can be asked where the words are; None: whom the URL names
        self._at, self._count = b"0-0", 0  # the last entry that was read, and its number

    async def run(self, words: Words) -> None:
        """Tell for ever, over as many connections as it takes."""
        while True:
            async with AsyncExitStack() as stack:
                try:
                    await self._tell(await self._connect(stack), words)
                except (RedisError, OSError) as error:
                    self._went_away(error)
            words.expire()
            await asyncio.sleep(_RETRY_S * (0.5 + random()))  # noqa: S311  spreads sidecars, hides nothing

    async def _connect(self, stack: AsyncExitStack) -> Link:
        """A link to the node that has the words."""
        self._nodes.rotate()
        link = await self._open(self._nodes[0], stack)
        (ranges,) = await link.ask(("CLUSTER", "SLOTS"))
        if isinstance(ranges, ResponseError):  # it is no cluster
            return link
        hosts = [(first, last, ((primary[0] or b"").decode(), primary[1])) for first, last, primary, *_ in ranges]
        asked = (self._nodes[0] or (urlsplit(self._url).hostname or "", 0))[0]
        owners = [(first, last, (asked if host in {"", "?"} else host, port)) for first, last, (host, port) in hosts]
        self._nodes = deque([None, *{address for *_, address in owners}])
        slot = key_slot(STANDING.encode())
        owner = next((address for first, last, address in owners if first <= slot <= last), None)
        if owner is None:
            raise ResponseError(f"slot {slot} of the cluster has no node")
        return await self._open(owner, stack)

    async def _open(self, address: Address | None, stack: AsyncExitStack) -> Link:
        link = Link(self._url, address)
        stack.push_async_callback(link.close)
        await link.open()
        return link

    async def _tell(self, link: Link, words: Words) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                await self._sync(link, words)
                self.away = False
                end = loop.time() + SYNC_EVERY_S * (0.75 + random() / 2)  # noqa: S311
                while loop.time() < end:
                    (changes,) = await self._exchange(link, self._read_on(WAIT_MS))
                    self._pass_on(changes, words)
            except _GapError:
                _log.warning("changes of words that stand were missed; all are read again")

    async def _sync(self, link: Link, words: Words) -> None:
        words.begin()
        (latest,) = await self._exchange(link, ("XREVRANGE", _STREAM, "+", "-", "COUNT", 1))
        self._at, self._count = (latest[0][0], changed(*latest[0]).number) if latest else (b"0-0", 0)
        words.begun(revision(self._at) if latest else NO_REVISION)
        cursor = b"0"
        while True:
            (cursor, fields), changes = await self._exchange(link, ("HSCAN", STANDING, cursor, "COUNT", _PIECE), self._read_on())
            words.read(dict(zip(fields[::2], fields[1::2], strict=True)))
            self._pass_on(changes, words)
            if cursor == b"0":
                break
            await asyncio.sleep(0)
        for _ in words.finish():
            await asyncio.sleep(0)

    def _read_on(self, wait_ms: int | None = None) -> Command:
        block = () if wait_ms is None else ("BLOCK", wait_ms)
        return ("XREAD", "COUNT", _MOST_CHANGES, *block, "STREAMS", _STREAM, self._at)

    def _pass_on(self, streams: Any, words: Words) -> None:
        changes = [changed(*entry) for entry in (streams[0][1] if streams else ())]
        words.changed(changes)
        words.expire()
        if changes:
            missing = changes[0].number - self._count - 1
            self._at, self._count = streams[0][1][-1][0], changes[-1].number
            if missing:
                raise _GapError

    async def _exchange(self, link: Link, *commands: Command) -> list[Any]:
        async with asyncio.timeout(_HANG_S):
            replies = await link.exchange(commands)
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise reply
        return replies

    def _went_away(self, error: Exception) -> None:
        if not self.away:
            _log.warning("the feed of words that stand is cut; those known stay in force", error=f"{type(error).__name__}: {error}"[:200])
        self.away = True
