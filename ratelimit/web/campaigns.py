"""Campaigns over HTTP: cases that share an exclusive entity. Their cases are those of the queue with `campaign` as filter."""

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from ratelimit.core.case import campaign_of
from ratelimit.ledger.cases import CampaignRow
from ratelimit.review.cases import Cases
from ratelimit.web.case_mask import masked_for
from ratelimit.web.case_problem import as_problems, query_of
from ratelimit.web.cases import READ
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import PRINCIPAL, Route

CAMPAIGNS: Final = "/v1/campaigns"
CAMPAIGN: Final = f"{CAMPAIGNS}/{{campaign}}"


class CampaignsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Those of numbers below `before`; at most so many."""

    before: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    most: Annotated[int, Meta(ge=1, le=200)] = 50


class Campaigns(Struct, frozen=True):
    """Those with open cases, the latest first."""

    campaigns: list[CampaignRow]


class CampaignView(Struct, frozen=True):
    """One, and the numbers of its open cases, the most urgent first."""

    campaign: CampaignRow
    cases: list[int]


class CampaignCalls:
    """Shows them."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", CAMPAIGNS, self.list, role="viewer", scope=READ, early=True),
            Route("GET", CAMPAIGN, self.get, role="viewer", scope=READ, early=True),
        ]

    async def list(self, request: web.Request) -> Reply:
        """Those with open cases."""
        wanted = query_of(request, CampaignsAsked)
        found = await self._cases.campaigns(wanted.most, wanted.before)
        return json_reply(200, Campaigns([masked_for(request[PRINCIPAL], one) for one in found]))

    async def get(self, request: web.Request) -> Reply:
        """One."""
        number = campaign_of(request.match_info["campaign"])
        if number is None:
            raise ClientError(404, "there is no such campaign; expected a number such as K-17")
        with as_problems():
            found = masked_for(request[PRINCIPAL], await self._cases.campaign(number))
            return json_reply(200, CampaignView(found, await self._cases.cases_of(number)))
