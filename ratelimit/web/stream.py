"""A stream of server-sent events: written as they come, with a bound on how many follow, and on for how long one does.

A stream ends after LIFE_S, and the browser asks anew. Every LOOK_S it is asked whether who follows still may, and ends where they may not.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from aiohttp import web

from ratelimit.web.problems import ClientError
from ratelimit.web.route import STILL

LIFE_S: Final = 60.0
LOOK_S: Final = 2.0
AGAIN_MS: Final = 500  # after which a browser asks anew
MOST: Final = 32  # who follow at once, in one process

_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep events back
    "X-Content-Type-Options": "nosniff",
}


class Streams:
    """Those that are open."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._following: set[asyncio.Timeout] = set()

    @property
    def open(self) -> int:
        """How many follow."""
        return len(self._following)

    def close(self) -> None:
        """End all of them, and take in no more, so that a server can stop."""
        self._most, now = 0, asyncio.get_running_loop().time()
        for one in list(self._following):
            one.reschedule(now)

    async def follow(self, request: web.Request, events: AsyncIterator[bytes], life_s: float = LIFE_S) -> web.StreamResponse:
        """Send the events, until there are no more, the browser goes away or its time is up."""
        if self.open >= self._most:
            raise ClientError(503, f"{self._most} follow already; close another page, or ask again", headers={"Retry-After": "10"})
        answer = web.StreamResponse(headers=_HEADERS)
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(life_s) as life:
                self._following.add(life)
                try:
                    await answer.prepare(request)
                    await answer.write(f"retry: {AGAIN_MS}\n\n".encode())
                    async for event in _while_allowed(request, events):
                        await answer.write(event)
                finally:
                    self._following.discard(life)
        return answer


async def _while_allowed(request: web.Request, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    still, loop = request.get(STILL), asyncio.get_running_loop()
    looked = loop.time()
    async for one in events:
        if still is not None and loop.time() - looked >= LOOK_S:
            if not await still.ask():
                return
            looked = loop.time()
        yield one


def event(name: str, data: str) -> bytes:
    """One event; its data may have several lines."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n".encode("utf-8", "replace")
