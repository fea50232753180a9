"""The console's calls that belong to no page: its files, looks, and the start page."""

from aiohttp import web

from ratelimit.console.asset import STATIC, serve
from ratelimit.console.preference import PREFERENCES, choose
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import Route


async def start(_request: web.Request) -> Reply:
    """The page to begin with."""
    return Reply(303, lines({"Location": "/overview", "Cache-Control": "no-store"}))


def routes() -> list[Route]:
    """What is answered, and where."""
    return [
        Route("GET", "/", start, free=True),
        Route("GET", f"{STATIC}{{name:.+}}", serve, free=True),
        Route("POST", PREFERENCES, choose, free=True, page=True),
    ]
