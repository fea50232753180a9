"""The lead's figures on the operator lane, for whoever puts them elsewhere."""

from typing import Final

from aiohttp import web

from ratelimit.review.overview import OverviewBook
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import Route

OVERVIEW: Final = "/v1/overview"


class OverviewCalls:
    """Answers with them."""

    def __init__(self, book: OverviewBook) -> None:
        self._book = book

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [Route("GET", OVERVIEW, self.get, role="viewer", scope="cases:read")]

    async def get(self, _request: web.Request) -> Reply:
        """All of them."""
        return json_reply(200, await self._book.overview())
