"""The console put together: its pages on what the desk, the reception and the ledger know."""

import time
from typing import Final

from aiohttp import web

from ratelimit.books import Books
from ratelimit.console import plain
from ratelimit.console.appeal import AppealPages
from ratelimit.console.campaign import CampaignPages
from ratelimit.console.case import CasePages
from ratelimit.console.case_acts import CaseActs
from ratelimit.console.case_evidence import Place
from ratelimit.console.case_lock import CaseLocks
from ratelimit.console.error import error_page
from ratelimit.console.lists import ListPages
from ratelimit.console.overview import OverviewPages
from ratelimit.console.pack import PackPages
from ratelimit.console.privacy import PrivacyPages
from ratelimit.console.queue import QueuePages
from ratelimit.console.queue_acts import QueueActs
from ratelimit.console.queue_work import QueueWork
from ratelimit.console.reach import Reaches
from ratelimit.console.record import RecordPages
from ratelimit.console.render import Console, Counts
from ratelimit.console.search import SearchPages
from ratelimit.console.shared import SharedPages
from ratelimit.console.styleguide import Styleguide
from ratelimit.console.traffic import TrafficPages
from ratelimit.console.traffic_live import TrafficStream
from ratelimit.console.wording import duration
from ratelimit.core.policy import Policy
from ratelimit.core.principal import Principal
from ratelimit.ledger.ledger import LedgerAwayError
from ratelimit.ledger_desk import LedgerDesk
from ratelimit.review.decision_record import Decisions, Fresh
from ratelimit.review.seen import Seen
from ratelimit.review.views import Views
from ratelimit.service.reach import ReachBook
from ratelimit.service.standings import Standings
from ratelimit.web.measured import Measuring
from ratelimit.web.problems import ClientError
from ratelimit.web.route import Route
from ratelimit.web.stream import Streams
from ratelimit.web.watched import Sidecars

LATE_S: Final = 60.0  # for which records may wait before everybody is told
_COUNTED_S: Final = 2.0  # for which the bar's counts are believed


class Front:
    """Answers people. What a page needs and is away makes that page say so, not the others. `where` says where an address is.

    `sidecars` are asked for the decisions that they still remember, and for their figures.
    `zone` is the time zone of all times.
    """

    def __init__(self, desk: LedgerDesk, standings: Standings, reach: ReachBook, where: Place, sidecars: Sidecars, zone: str) -> None:
        self._desk, self._standings, self._where, self._measuring = desk, standings, where, Measuring(sidecars)
        self._fresh: Fresh = sidecars.find
        self._sidecars = sidecars
        self.streams: Final = Streams()
        self._counts = Counting(desk)
        self.console: Final = Console(zone, self._counts.of)
        self._reaches = Reaches(self.console, reach, desk.rules.reach)

    def routes(self) -> list[Route]:
        """Every page."""
        console, desk = self.console, self._desk
        return [
            *plain.routes(),
            *QueuePages(console, desk.cases, Views(desk.ledger), Seen(desk.ledger, time.time)).routes(),
            *CampaignPages(console, desk.cases).routes(),
            *QueueWork(console, desk.cases).routes(),
            *self._of_cases(),
            *OverviewPages(console, desk.overview).routes(),
            *self._of_traffic(),
            *self._of_lists(),
            *PrivacyPages(console, desk.privacy.privacy, lambda: self._policy().file.retention).routes(),
            *desk.rules.pages(console, self._reaches),
            *self._reaches.routes(),
            *Styleguide(console).routes(),
        ]

    def _of_lists(self) -> list[Route]:
        desk = self._desk
        return ListPages(self.console, desk.words, desk.overrides, self._standings, self._policy, self._reaches).routes()

    def _policy(self) -> Policy:
        return self._sidecars.policy

    def _of_traffic(self) -> list[Route]:
        desk = self._desk
        pages = TrafficPages(self.console, desk.ledger, desk.traffic, desk.live, self._measuring)
        return [*pages.routes(), *TrafficStream(self.console, pages, desk.live, self.streams).routes()]

    def _of_cases(self) -> list[Route]:
        console, cases, deeds = self.console, self._desk.cases, self._desk.deeds
        decisions = Decisions(self._desk.ledger, deeds.weigher, self._fresh)
        return [
            *CasePages(console, cases, deeds.dossiers, deeds.seen, self._where).routes(),
            *CaseActs(console, cases, deeds.dossiers, deeds.actions, deeds.previews, self._reaches).routes(),
            *SharedPages(console, deeds.dossiers).routes(),
            *CaseLocks(console, cases).routes(),
            *RecordPages(console, decisions, deeds.seen, self._where).routes(),
            *QueueActs(console, deeds.bulks, self._reaches).routes(),
            *SearchPages(console, deeds.search).routes(),
            *PackPages(console, cases, deeds.packs).routes(),
            *AppealPages(console, cases, deeds.appeals).routes(),
        ]

    async def trouble(self, request: web.Request, error: ClientError) -> web.StreamResponse:
        """The page of what is wrong with a request."""
        headers = dict(error.headers)
        return await error_page(self.console, request, error.problem.status, str(error), headers=headers)


class Counting:
    """What the bar above every page counts, asked of the ledger now and then."""

    def __init__(self, desk: LedgerDesk) -> None:
        self._desk = desk
        self._known: dict[int, tuple[float, Counts]] = {}

    async def of(self, principal: Principal) -> Counts:
        """For this person; while the ledger is away, that it is."""
        now = time.monotonic()
        at, counts = self._known.get(principal.id, (-_COUNTED_S, Counts()))
        if now - at >= _COUNTED_S:
            counts = await self._ask(principal)
            self._known = {id: known for id, known in self._known.items() if now - known[0] < _COUNTED_S}
            self._known[principal.id] = now, counts
        return counts

    async def _ask(self, principal: Principal) -> Counts:
        try:
            totals = await self._desk.cases.totals(principal)
            privacy = await self._desk.privacy.privacy.waiting()
        except LedgerAwayError:
            return Counts(failing=away(self._desk.ledger))
        return Counts(queue=totals.open, privacy=privacy, failing=late(self._desk.lag_s))


def late(lag_s: float) -> str:
    """What is said while records wait for longer than they should; "": they do not."""
    return f"Records are late by {duration(lag_s)}: what happened since is not shown yet." if lag_s >= LATE_S else ""


def away(books: Books) -> str:
    """What is said while the ledger cannot be reached."""
    return f"The ledger cannot be reached: {books.why or 'the database does not answer'}. Decisions go on, and what is recorded waits."
