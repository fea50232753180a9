"""One deed on many cases, on the operator lane: each has its own outcome, and all are undone together."""

from typing import Final

from aiohttp import web

from ratelimit.review.bulk import Bulk, BulkDone, Bulks
from ratelimit.web.case_problem import as_problems, asked
from ratelimit.web.deeds import WRITE, Why
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import PRINCIPAL, Route

BULK: Final = "/v1/bulk"
_MANY: Final = 207  # each has an outcome of its own


class BulkCalls:
    """Does and undoes."""

    def __init__(self, bulks: Bulks) -> None:
        self._bulks = bulks

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("POST", BULK, self.act, role="analyst", scope=WRITE, early=True),
            Route("POST", f"{BULK}/preview", self.preview, role="analyst", scope=WRITE, early=True),
            Route("POST", f"{BULK}/{{bulk}}/undo", self.undo, role="analyst", scope=WRITE, early=True),
        ]

    async def act(self, request: web.Request) -> Reply:
        """Do it on each."""
        word = await asked(request, Bulk)
        with as_problems():
            return _answer(await self._bulks.act(request[PRINCIPAL], word))

    async def preview(self, request: web.Request) -> Reply:
        """Whom all of it would hit."""
        word = await asked(request, Bulk)
        with as_problems():
            return json_reply(200, await self._bulks.preview(request[PRINCIPAL], word))

    async def undo(self, request: web.Request) -> Reply:
        """Undo all that may be undone."""
        why = await asked(request, Why, empty=Why())
        with as_problems():
            return _answer(await self._bulks.undo(request[PRINCIPAL], request.match_info["bulk"], why.reason))


def _answer(found: BulkDone) -> Reply:
    return json_reply(_MANY if found.failed else 200, found)
