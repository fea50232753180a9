"""Dispute packs on the operator lane: what speaks for a purchase having been the customer's own, as JSON."""

from typing import Final

from aiohttp import web

from ratelimit.review.cases import Cases
from ratelimit.review.dispute_pack import Packs
from ratelimit.web.case_problem import as_problems
from ratelimit.web.cases import CASE, READ
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import PRINCIPAL, Route

PACK: Final = f"{CASE}/pack/{{purchase}}"


class PackCalls:
    """Makes them; each is in the audit."""

    def __init__(self, cases: Cases, packs: Packs) -> None:
        self._cases, self._packs = cases, packs

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [Route("GET", PACK, self.get, role="analyst", scope=READ, early=True)]

    async def get(self, request: web.Request) -> Reply:
        """The pack of a purchase."""
        with as_problems():
            number = await self._cases.number(request.match_info["case"])
            return json_reply(200, await self._packs.make(request[PRINCIPAL], request.match_info["purchase"], number))
