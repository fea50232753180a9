"""Campaigns: cases that share what hardly anybody good shares, decided together, with exceptions. Their list, and the page of one."""

from typing import Final, Protocol

from aiohttp import web
from msgspec import Struct, structs

from ratelimit.console.queue_query import filter_of
from ratelimit.console.queue_view import QueueView, queue_view, sum_of
from ratelimit.console.render import Console
from ratelimit.console.subject_name import named
from ratelimit.console.wording import duration
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import MOST_ROWS, CampaignRow, QueueFilter, QueuePage
from ratelimit.review.cases import NotFoundError
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply
from ratelimit.web.route import PRINCIPAL, Route

CAMPAIGNS: Final = "/campaigns"
_MOST: Final = 50  # of a list


class Campaigning(Protocol):
    """What knows campaigns and their cases."""

    async def campaigns(self, most: int = 50, before: int | None = None) -> list[CampaignRow]:
        """Those with open cases, the latest first."""

    async def campaign(self, number: int) -> CampaignRow:
        """One; raises NotFoundError."""

    async def queue(self, wanted: QueueFilter, principal: Principal) -> QueuePage:
        """Its cases, by the filter."""


class CampaignLine(Struct, frozen=True, kw_only=True):
    """One campaign. `name` is hostile text."""

    number: int
    id: str
    href: str
    kind: str
    name: str
    subject: int
    priority: int
    cases: int
    open: int
    snoozed: int
    at_risk: str
    good: int
    fraud: int
    age: str
    opened_at: float
    closed_at: float | None


class CampaignsView(Struct, frozen=True):
    """The list; `following` is the address of what comes after."""

    lines: tuple[CampaignLine, ...]
    following: str | None


class CampaignView(Struct, frozen=True):
    """The page of one: what its cases share, and its cases as the queue shows them."""

    line: CampaignLine
    queue: QueueView


class CampaignPages:
    """Answers with campaigns."""

    def __init__(self, console: Console, cases: Campaigning) -> None:
        self._console, self._cases = console, cases

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", CAMPAIGNS, self.list, role="viewer", page=True),
            Route("GET", f"{CAMPAIGNS}/{{number}}", self.page, role="viewer", page=True),
        ]

    async def list(self, request: web.Request) -> Reply:
        """Those with open cases."""
        before = request.query.get("before")
        found = await self._cases.campaigns(_MOST + 1, _number(before) if before else None)
        lines = tuple(campaign_line(row, request[PRINCIPAL], self._console.now()) for row in found[:_MOST])
        following = f"{CAMPAIGNS}?before={lines[-1].number}" if len(found) > _MOST else None
        view = CampaignsView(lines, following)
        return await self._console.page(request, "campaigns.html", view, section="Queue", title="Campaigns")

    async def page(self, request: web.Request) -> Reply:
        """One, with all its open cases."""
        number, who, now = _number(request.match_info["number"]), request[PRINCIPAL], self._console.now()
        try:
            row = await self._cases.campaign(number)
        except NotFoundError as error:
            raise ClientError(404, str(error)) from None
        wanted = structs.replace(filter_of(request.query.items()), tab="campaigns", campaign=number, most=MOST_ROWS)
        queue = queue_view(await self._cases.queue(wanted, who), wanted, who, now, path=f"{CAMPAIGNS}/{number}")
        view = CampaignView(campaign_line(row, who, now), queue)
        return await self._console.page(request, "campaign.html", view, section="Queue", title=f"Campaign K-{number}")


def campaign_line(row: CampaignRow, who: Principal, now: float) -> CampaignLine:
    """One campaign for whoever looks."""
    return CampaignLine(
        number=row.number,
        id=f"K-{row.number}",
        href=f"{CAMPAIGNS}/{row.number}",
        kind=row.entity.kind,
        name=named(row.entity, who.role),
        subject=row.entity.id,
        priority=row.priority,
        cases=row.cases,
        open=row.open,
        snoozed=row.snoozed,
        at_risk=sum_of(row.at_risk),
        good=row.entity.good,
        fraud=row.entity.fraud,
        age=duration(now - row.opened_at),
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


def _number(text: str) -> int:
    text = text.removeprefix("K-").removeprefix("k-")
    if not (text.isascii() and text.isdigit() and len(text) < 16 and int(text) > 0):
        raise ClientError(404, "there is no such campaign; expected a number such as K-17")
    return int(text)
