"""The queue's page: what waits for a person, in tabs, by filters that stand in the URL; the same rows as CSV, and the next of them."""

from typing import Final, Protocol

from aiohttp import web
from msgspec import structs

from ratelimit.console.csv import Cell, csv_reply
from ratelimit.console.queue_query import QUEUE, filter_of
from ratelimit.console.queue_view import Line, line, queue_view
from ratelimit.console.render import Console, Toast
from ratelimit.core.currency import MINOR_DIGITS
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import MOST_ROWS, CaseRow, CaseView, QueueFilter, QueuePage
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL, Route

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


class QueuePages:
    """Answers with the queue."""

    def __init__(self, console: Console, cases: Waiting) -> None:
        self._console, self._cases = console, cases

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", QUEUE, self.page, role="viewer", page=True),
            Route("GET", f"{QUEUE}/rows", self.rows, role="viewer", page=True),
            Route("GET", f"{QUEUE}.csv", self.csv, role="analyst", page=True),
            Route("POST", f"{QUEUE}/next", self.next, role="analyst", page=True),
        ]

    async def page(self, request: web.Request, toast: Toast | None = None) -> Reply:
        """The whole page."""
        wanted, who = filter_of(request.query.items()), request[PRINCIPAL]
        view = queue_view(await self._cases.queue(wanted, who), wanted, who, self._console.now())
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
        return Reply(303, lines({"Location": where, "Cache-Control": "no-store"}))

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


def _page_of(wanted: QueueFilter, after: str | None) -> QueueFilter:
    return structs.replace(wanted, after=after, most=MOST_ROWS)
