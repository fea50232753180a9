"""The overview: the lead's page, the first that people see."""

from typing import Final

from aiohttp import web

from ratelimit.console.overview_view import overview_view
from ratelimit.console.render import Console
from ratelimit.review.overview import OverviewBook
from ratelimit.web.reply import Reply
from ratelimit.web.route import Route

OVERVIEW: Final = "/overview"


class OverviewPages:
    """Answers with the page."""

    def __init__(self, console: Console, book: OverviewBook) -> None:
        self._console, self._book = console, book

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [Route("GET", OVERVIEW, self.page, role="viewer", page=True)]

    async def page(self, request: web.Request) -> Reply:
        """The page."""
        view = overview_view(await self._book.overview())
        return await self._console.page(request, "overview.html", view, section="Overview", title="Overview")
