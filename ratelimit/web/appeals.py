"""Appeals on the operator lane: the site's support tool passes them on with a token, people decide them."""

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from ratelimit.ledger.appeals import AppealState
from ratelimit.review.appeal import AppealAsked, AppealFigures, Appeals, AppealView, AppealWord, seen_by
from ratelimit.web.case_problem import as_problems, asked, query_of
from ratelimit.web.deeds import READ, WRITE, id_of
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import PRINCIPAL, Route

APPEALS: Final = "/v1/appeals"
APPEAL: Final = f"{APPEALS}/{{id}}"
_MOST: Final = 500


class AppealFilter(Struct, frozen=True):
    """Which; null: of every state."""

    state: AppealState | None = None
    most: Annotated[int, Meta(ge=1, le=_MOST)] = 100


class AppealSince(Struct, frozen=True):
    """From when on, in seconds since the epoch."""

    since: Annotated[float, Meta(ge=0, le=1e12)] = 0.0


class AppealsView(Struct, frozen=True):
    """Latest first."""

    appeals: list[AppealView]


class AppealCalls:
    """Takes them, shows them, and has them decided."""

    def __init__(self, appeals: Appeals) -> None:
        self._appeals = appeals

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("POST", APPEALS, self.make, role="analyst", scope=WRITE, early=True),
            Route("GET", APPEALS, self.list, role="viewer", scope=READ, early=True),
            Route("GET", f"{APPEALS}/figures", self.figures, role="viewer", scope=READ, early=True),
            Route("GET", APPEAL, self.get, role="viewer", scope=READ, early=True),
            Route("POST", f"{APPEAL}/decide", self.decide, role="analyst", scope=WRITE, early=True),
        ]

    async def make(self, request: web.Request) -> Reply:
        """Somebody says that a decision was a mistake."""
        word = await asked(request, AppealAsked)
        with as_problems():
            return json_reply(201, await self._appeals.make(request[PRINCIPAL], word))

    async def list(self, request: web.Request) -> Reply:
        """The latest."""
        wanted = query_of(request, AppealFilter)
        found = await self._appeals.list(wanted.state, wanted.most)
        return json_reply(200, AppealsView([seen_by(request[PRINCIPAL], one) for one in found]))

    async def figures(self, request: web.Request) -> Reply:
        """How they went."""
        found: AppealFigures = await self._appeals.figures(query_of(request, AppealSince).since)
        return json_reply(200, found)

    async def get(self, request: web.Request) -> Reply:
        """One."""
        found = await self._appeals.get(id_of(request))
        if found is None:
            raise ClientError(404, "there is no appeal of that id")
        return json_reply(200, seen_by(request[PRINCIPAL], found))

    async def decide(self, request: web.Request) -> Reply:
        """Say that it is upheld, or overturned; 202: overturned, and lifted as soon as the store is there."""
        word = await asked(request, AppealWord)
        if request[PRINCIPAL].via == "token":
            raise ClientError(403, "a token decides no appeals; they are for people to look at")
        with as_problems():
            found = await self._appeals.decide(request[PRINCIPAL], id_of(request), word)
        return json_reply(202 if found.state == "overturning" else 200, found)
