"""The queue's page: what waits for a person, in tabs, by filters that stand in the URL; the same rows as CSV, and the next of them."""

from typing import Annotated, Final, Protocol
from urllib.parse import parse_qsl

from aiohttp import web
from msgspec import Meta, Struct, structs

from ratelimit.console.csv import Cell, csv_reply
from ratelimit.console.form import FormError, read
from ratelimit.console.queue_line import Line, line
from ratelimit.console.queue_query import QUEUE, address, filter_of
from ratelimit.console.queue_view import queue_view
from ratelimit.console.render import Console, Toast
from ratelimit.core.currency import MINOR_DIGITS
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import MOST_ROWS, CaseRow, CaseView, QueueFilter, QueuePage
from ratelimit.ledger.views import SavedView
from ratelimit.review.views import TooManyError
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL, Route

VIEWS: Final = f"{QUEUE}/views"
_MOST_EXPORTED: Final = 10_000
_HEAD: Final = (
    "case", "priority", "kind", "subject", "owner", "opened", "opened by", "why 1", "why 2", "why 3", "money at risk", "currency",
    "good accounts", "due", "assignee", "last action", "by", "until",
)  # fmt: skip


class Waiting(Protocol):
    """What knows the queue."""

    async def queue(self, wanted: QueueFilter, who: Principal) -> QueuePage:
        """A page of it."""

    async def take_next(self, who: Principal) -> CaseView | None:
        """The case that is now theirs; None: none waits."""


class Remembered(Protocol):
    """What keeps the views that people saved."""

    async def of(self, principal: Principal, page: str) -> list[SavedView]:
        """Theirs of a page."""

    async def save(self, principal: Principal, page: str, name: str, query: str) -> None:
        """Keep one; raises TooManyError."""

    async def drop(self, principal: Principal, id: int) -> bool:
        """Keep it no longer."""


class Watching(Protocol):
    """What writes down who took data away."""

    async def took_list(self, principal: Principal, what: str, rows: int) -> None:
        """So many rows."""


class Saving(Struct, frozen=True):
    """A view to keep."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    query: Annotated[str, Meta(max_length=1_000)] = ""


class QueuePages:
    """Answers with the queue."""

    def __init__(self, console: Console, cases: Waiting, views: Remembered, seen: Watching) -> None:
        self._console, self._cases, self._views, self._seen = console, cases, views, seen

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", QUEUE, self.page, role="viewer", page=True),
            Route("GET", f"{QUEUE}/rows", self.rows, role="viewer", page=True, by_itself=True),
            Route("GET", f"{QUEUE}.csv", self.csv, role="analyst", page=True),
            Route("POST", f"{QUEUE}/next", self.next, role="analyst", page=True),
            Route("POST", VIEWS, self.save, role="viewer", page=True),
            Route("POST", f"{VIEWS}/{{id:[0-9]{{1,15}}}}/drop", self.drop, role="viewer", page=True),
        ]

    async def page(self, request: web.Request, toast: Toast | None = None) -> Reply:
        """The whole page."""
        wanted, who = filter_of(request.query.items()), request[PRINCIPAL]
        found, saved = await self._cases.queue(wanted, who), await self._views.of(who, QUEUE)
        view = queue_view(found, wanted, who, self._console.now(), saved)
        return await self._console.page(request, "queue.html", view, section="Queue", title="Review queue", toast=toast)

    async def rows(self, request: web.Request) -> Reply:
        """What of it changes by itself."""
        wanted, who = filter_of(request.query.items()), request[PRINCIPAL]
        view = queue_view(await self._cases.queue(wanted, who), wanted, who, self._console.now())
        return await self._console.part(request, "queue_part.html", view)

    async def next(self, request: web.Request) -> Reply:
        """Take what comes first, and go to it."""
        taken = await self._cases.take_next(request[PRINCIPAL])
        where = f"/cases/{taken.row.number}" if taken is not None else QUEUE
        return _see(where)

    async def save(self, request: web.Request) -> Reply:
        """Keep the filter that the page shows, by a name."""
        try:
            asked = await read(request, Saving)
            wanted = filter_of(parse_qsl(asked.query))
            where = address(wanted)
            await self._views.save(request[PRINCIPAL], QUEUE, asked.name, where.partition("?")[2])
        except (FormError, TooManyError) as error:
            raise ClientError(422, str(error)) from None
        return _see(where)

    async def drop(self, request: web.Request) -> Reply:
        """Keep a view no longer."""
        await self._views.drop(request[PRINCIPAL], int(request.match_info["id"]))
        return _see(QUEUE)

    async def csv(self, request: web.Request) -> Reply:
        """Everything that the filter finds, page after page."""
        wanted, who, now = filter_of(request.query.items()), request[PRINCIPAL], self._console.now()
        rows: list[CaseRow] = []
        after: str | None = None
        while len(rows) < _MOST_EXPORTED:
            page = await self._cases.queue(_page_of(wanted, after), who)
            rows += page.rows
            if (after := page.following) is None:
                break
        await self._seen.took_list(who, "queue", len(rows))
        return csv_reply("queue", _HEAD, [self._cells(row, line(row, wanted, who, now)) for row in rows])

    def _cells(self, row: CaseRow, shown: Line) -> list[Cell]:
        iso = self._console.clock.iso
        why = [f"{one.value} {one.words}" for one in shown.reasons]
        return [
            shown.id, shown.priority, shown.kind, shown.name, shown.owner, iso(row.opened_at), shown.cause, *(why + [None] * 3)[:3],
            shown.at_risk_minor / 10 ** MINOR_DIGITS.get(shown.currency, 2), shown.currency, shown.good,
            iso(row.due_at) if row.due_at is not None else None, shown.assignee, shown.acted, shown.acted_by,
            iso(shown.acted_until) if shown.acted_until is not None else None,
        ]  # fmt: skip


def _see(where: str) -> Reply:
    return Reply(303, lines({"Location": where, "Cache-Control": "no-store"}))


def _page_of(wanted: QueueFilter, after: str | None) -> QueueFilter:
    return structs.replace(wanted, after=after, most=MOST_ROWS)
