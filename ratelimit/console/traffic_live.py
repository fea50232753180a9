"""What the traffic page follows: each second the figures, and a few of the decisions that came in, with how many were not shown."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct

from ratelimit.console.render import Console, Counts, Frame
from ratelimit.console.traffic import TrafficPages
from ratelimit.console.traffic_view import LiveRow, live_rows
from ratelimit.core.principal import Principal
from ratelimit.review.live import LiveTail
from ratelimit.web.route import PRINCIPAL, Route
from ratelimit.web.stream import Streams, event

LIVE: Final = "/live/traffic"
A_SECOND: Final = 4  # rows
_TICK_S: Final = 1.0


class Now(Struct, frozen=True):
    """What changes in place each second: rates per second and shares, None where nothing is told, and refusals a second."""

    all: float | None
    throttle: float | None
    block: float | None
    latency_us: float | None
    refused: float


class Rows(Struct, frozen=True):
    """Rows for a template."""

    rows: tuple[LiveRow, ...]


class TrafficStream:
    """Answers with the stream."""

    def __init__(self, console: Console, pages: TrafficPages, live: LiveTail, streams: Streams | None = None) -> None:
        self._console, self._pages, self._live = console, pages, live
        self._streams = streams or Streams()

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [Route("GET", LIVE, self.follow, role="viewer", by_itself=True)]

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """Follow; with `refused=1` without what is allowed. Where the browser was before says the id of the last event."""
        refused = request.query.get("refused", "1") != "0"
        last = request.headers.get("Last-Event-ID", "")
        number = int(last) if last.isascii() and last.isdecimal() and len(last) < 16 else self._live.number
        return await self._streams.follow(request, self._events(request[PRINCIPAL], min(number, self._live.number), refused=refused))

    async def _events(self, who: Principal, number: int, *, refused: bool) -> AsyncIterator[bytes]:
        frame = Frame("", "", who, Counts(), self._console.now(), "system", "on", None)
        while True:
            heard = self._live.since(number, A_SECOND, refused=refused)
            number = heard.number
            rates = self._pages.rates()
            seen = sum(one or 0.0 for one in (rates.throttle, rates.block))
            now = Now(rates.all, rates.throttle, rates.block, rates.latency_us, seen)
            yield event("figures", msgspec.json.encode(now).decode())
            if heard.rows:
                text = await self._console.text("traffic_rows.html", Rows(live_rows(heard.rows, who.role)), frame)
                yield f"id: {number}\n".encode() + event("decisions", text)
            if heard.hidden:
                yield event("hidden", str(heard.hidden))
            await asyncio.sleep(_TICK_S)
