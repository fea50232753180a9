"""Traffic on the operator lane: decisions per second over time, and who was behind the latest of them. Both come from memory."""

from typing import Final

from aiohttp import web

from ratelimit.core.expectation import meant, shown
from ratelimit.review.top_subjects import SPANS, Span
from ratelimit.review.traffic import TrafficBook
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import Route

TRAFFIC: Final = "/v1/traffic"
TOP: Final = f"{TRAFFIC}/top"
USUAL: Final[Span] = "1h"


class TrafficCalls:
    """Answers for a `span`."""

    def __init__(self, book: TrafficBook) -> None:
        self._book = book

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", TRAFFIC, self.series, role="viewer", scope="records:read", by_itself=True),
            Route("GET", TOP, self.tops, role="analyst", scope="records:read"),
        ]

    async def series(self, request: web.Request) -> Reply:
        """The lanes of a chart."""
        return json_reply(200, await self._book.series(span_of(request)))

    async def tops(self, request: web.Request) -> Reply:
        """The subjects that were most of something."""
        return json_reply(200, await self._book.tops(span_of(request)))


def span_of(request: web.Request) -> Span:
    """The span that is asked for; raises ClientError."""
    text = request.query.get("span", USUAL)
    span = next((one for one in SPANS if one == text), None)
    if span is None:
        raise ClientError(422, f"span: {shown(text)} is not allowed{meant(text, SPANS)}; expected one of {', '.join(SPANS)}")
    return span
