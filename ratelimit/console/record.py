"""The page of one decision: everything that explains it, by the reference that its caller was told."""

from typing import Final

from aiohttp import web

from ratelimit.console.case_evidence import Place
from ratelimit.console.record_view import record_view
from ratelimit.console.render import Console
from ratelimit.review.decision_record import Decisions
from ratelimit.review.seen import Seen
from ratelimit.web.case_problem import as_problems
from ratelimit.web.reply import Reply
from ratelimit.web.route import PRINCIPAL, Route

RECORD: Final = "/records/{id}"


class RecordPages:
    """Answers with the page."""

    def __init__(self, console: Console, decisions: Decisions, seen: Seen, where: Place) -> None:
        self._console, self._decisions, self._seen, self._where = console, decisions, seen, where

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [Route("GET", RECORD, self.page, role="viewer", page=True)]

    async def page(self, request: web.Request) -> Reply:
        """The page."""
        who = request[PRINCIPAL]
        with as_problems():
            found = await self._decisions.find(request.match_info["id"])
        if found.about is not None:
            await self._seen.saw(who, found.about)
        view = record_view(found, who.role, self._where)
        return await self._console.page(request, "record.html", view, section="", title="Decision")
