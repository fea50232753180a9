"""Answers with the page of a case, and of a subject without one, and with its parts. Whoever looks at somebody's data is in the audit."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from aiohttp import web

from ratelimit.console.case_evidence import Place
from ratelimit.console.case_query import Wanted, wanted_of
from ratelimit.console.case_view import CasePage, case_page, title_of
from ratelimit.console.csv import Cell, csv_reply
from ratelimit.console.render import Console
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import SubjectRef
from ratelimit.ledger.evidence import RequestRow
from ratelimit.review.case_error import CaseError
from ratelimit.review.cases import Cases
from ratelimit.review.dossier import Dossier
from ratelimit.review.dossiers import Dossiers
from ratelimit.review.seen import Seen
from ratelimit.web.case_problem import as_problems
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL, Route

CASE: Final = "/cases/{number}"
SUBJECT: Final = "/subjects/{subject}"
_MOST_EXPORTED: Final = 10_000
_HEAD: Final = (
    "time",
    "decision",
    "reason",
    "method",
    "path",
    "status",
    "cost",
    "address",
    "where",
    "user agent",
    "referrer",
    "record",
    "stands for",
)


class Whom(NamedTuple):
    """What a page is about: a case by its number, else a subject."""

    case: int | None
    subject: int | None


class CasePages:
    """Answers with pages. `where` says in a few words where an address is."""

    def __init__(self, console: Console, cases: Cases, dossiers: Dossiers, seen: Seen, where: Place) -> None:
        self._console, self._cases, self._dossiers, self._seen, self._where = console, cases, dossiers, seen, where

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        found = [Route("GET", CASE, self.page, role="viewer", page=True), Route("GET", SUBJECT, self.page, role="viewer", page=True)]
        for of in (CASE, SUBJECT):
            found += [
                Route("GET", f"{of}/body", self.body, role="viewer", page=True),
                Route("GET", f"{of}/evidence", self.evidence, role="viewer", page=True),
                Route("GET", f"{of}/links", self.links, role="viewer", page=True),
                Route("GET", f"{of}/evidence.csv", self.csv, role="analyst", page=True),
            ]
        return found

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The whole page. An analyst who opens a case that nobody has open takes it."""
        wanted, text = wanted_of(request.query), request.match_info.get("number")
        if text is not None and not _is_number(text):
            with as_problems():
                number = await self._cases.number(text)
            return Reply(303, lines({"Location": f"/cases/{number}{wanted.back}", "Cache-Control": "no-store"}))
        whom = whom_of(request)
        if whom.case is not None:
            await self._take(whom.case, request[PRINCIPAL])
        view = await self._view(request, whom, wanted)
        return await self._console.page(request, "case.html", view, section="Queue" if view.desk else "", title=title_of(view))

    async def body(self, request: web.Request) -> Reply:
        """The same without its frame, after something was done."""
        return await self._console.part(request, "case/whole.html", await self._view(request, whom_of(request), wanted_of(request.query)))

    async def evidence(self, request: web.Request) -> Reply:
        """Another tab of the evidence, or what follows."""
        wanted = wanted_of(request.query)
        view = await self._view(request, whom_of(request), wanted)
        return await self._console.part(request, "case/tab.html" if wanted.evidence.before is None else "case/more.html", view)

    async def links(self, request: web.Request) -> Reply:
        """The linked entities, with a hop more or less."""
        return await self._console.part(request, "case/linked.html", await self._view(request, whom_of(request), wanted_of(request.query)))

    async def csv(self, request: web.Request) -> Reply:
        """The requests as a table."""
        who, whom, wanted = request[PRINCIPAL], whom_of(request), wanted_of(request.query)
        it = await self._dossier(who, whom, wanted)
        rows = await self._dossiers.requests(it.subject, wanted.look, _MOST_EXPORTED)
        await self._seen.took(who, it.subject.id, whom.case, len(rows))
        iso, names = self._console.clock.iso, await self._dossiers.names({row.address for row in rows})
        cells = [self._cells(row, iso(row.at), names) for row in rows]
        return csv_reply(f"C-{whom.case}" if whom.case is not None else f"subject-{it.subject.id}", _HEAD, cells)

    def _cells(self, row: RequestRow, at: str, names: Mapping[int, SubjectRef]) -> list[Cell]:
        found = names.get(row.address) if row.address is not None else None
        name = found.shown if found is not None else None
        where = self._where(name) if name is not None else None
        told = (row.decision, row.reason, row.method, row.path, row.status, row.cost, name, where, row.user_agent, row.referrer)
        return [at, *told, row.id, row.weight]

    async def _view(self, request: web.Request, whom: Whom, wanted: Wanted) -> CasePage:
        who = request[PRINCIPAL]
        it = await self._dossier(who, whom, wanted)
        await self._seen.saw(who, it.subject.id, whom.case)
        return case_page(it, who, self._console.clock.zone, wanted, self._where)

    async def _dossier(self, who: Principal, whom: Whom, wanted: Wanted) -> Dossier:
        with as_problems():
            if whom.case is not None:
                return await self._dossiers.of_case(whom.case, who, wanted.look)
            return await self._dossiers.of_subject(whom.subject or 0, who, wanted.look)

    async def _take(self, number: int, who: Principal) -> None:
        if who.may("analyst") and who.via == "session":
            try:
                await self._cases.take(number, who)
            except CaseError:
                return  # closed, somebody else's, or not for them: the page says so


def whom_of(request: web.Request) -> Whom:
    """What the address names; ClientError for what is no number."""
    text = request.match_info.get("number")
    if text is not None:
        if not _is_number(text):
            raise ClientError(404, "there is no such case")
        return Whom(int(text), None)
    subject = request.match_info["subject"]
    if not _is_number(subject):
        raise ClientError(404, "there is no such subject")
    return Whom(None, int(subject))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 2**63
