"""The traffic page: charts, live decisions, top subjects and risks. All but the cases' counts comes from memory."""

from typing import Final

from aiohttp import web

from ratelimit.console.csv import Cell, csv_reply
from ratelimit.console.render import Console
from ratelimit.console.traffic_view import Opened, Rates, TrafficView, figures, links, live_rows, risks, top_list, top_rows
from ratelimit.core.principal import Principal
from ratelimit.ledger import traffic
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.live import LiveTail
from ratelimit.review.top_subjects import BY, LENGTH_S, By, Span
from ratelimit.review.traffic import TrafficBook
from ratelimit.web.measured import Measuring
from ratelimit.web.reply import Reply
from ratelimit.web.route import PRINCIPAL, Route
from ratelimit.web.traffic import span_of

TRAFFIC: Final = "/traffic"
FIRST_ROWS: Final = 13
_NOW_S: Final = 60.0
_HEAD: Final = ("subject", "kind", "requests", "refused", "blocked", "cost", "main reason", "risk", "good accounts")


class TrafficPages:
    """Answers with the page, its table and its list."""

    def __init__(self, console: Console, ledger: Ledger, book: TrafficBook, live: LiveTail, measuring: Measuring) -> None:
        self._console, self._ledger, self._book, self._live, self._measuring = console, ledger, book, live, measuring

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", TRAFFIC, self.page, role="viewer", page=True),
            Route("GET", f"{TRAFFIC}/table", self.table, role="viewer", page=True),
            Route("GET", f"{TRAFFIC}/top", self.top, role="viewer", page=True),
            Route("GET", f"{TRAFFIC}/top.csv", self.csv, role="analyst", page=True),
        ]

    async def page(self, request: web.Request) -> Reply:
        """The whole page."""
        view = await self.view(span_of(request), _by(request), request[PRINCIPAL])
        return await self._console.page(request, "traffic.html", view, section="Traffic", title="Traffic")

    async def table(self, request: web.Request) -> Reply:
        """The chart's numbers."""
        return await self._console.part(request, "traffic_table.html", await self._book.series(span_of(request)))

    async def top(self, request: web.Request) -> Reply:
        """The top subjects of one list, where the page could not wait for them."""
        view = top_list(await self._book.tops(span_of(request)), _by(request), request[PRINCIPAL].role)
        return await self._console.part(request, "traffic_top.html", view)

    async def csv(self, request: web.Request) -> Reply:
        """The top subjects of one list."""
        tops, who = await self._book.tops(span_of(request)), request[PRINCIPAL]
        rows: list[list[Cell]] = [
            [row.name, row.kind, it.requests, it.refused, it.blocked, it.cost, row.reason, it.risk, it.good]
            for it, row in zip(getattr(tops, _by(request)), top_rows(tops, _by(request), who.role), strict=True)
        ]
        return csv_reply("top-subjects", _HEAD, rows)

    async def view(self, span: Span, by: By, who: Principal) -> TrafficView:
        """What the page shows to one person."""
        book = self._book
        series, measured, tops = await book.series(span), await self._measuring.measured(), book.tops_at_hand(span)
        opened = await self._opened(span)
        spans, lists = links(span, by)
        return TrafficView(
            span=span,
            since=series.since,
            sidecars=book.sidecars,
            figures=figures(self.rates(), series, opened, measured),
            spans=spans,
            live=live_rows(self._live.since(0, FIRST_ROWS, refused=True).rows, who.role),
            tops=lists,
            top=top_list(tops, by, who.role) if tops is not None else None,
            top_href=f"{TRAFFIC}/top?span={span}&top={by}",
            csv=f"{TRAFFIC}/top.csv?span={span}&top={by}",
            risks=risks(measured),
            may_see=who.may("analyst"),
        )

    def rates(self) -> Rates:
        """The rates of the last minute."""
        book = self._book
        return Rates(
            all=book.rate(None, _NOW_S),
            all_before=book.rate_before(None, _NOW_S),
            throttle=book.rate("throttle", _NOW_S),
            throttle_before=book.rate_before("throttle", _NOW_S),
            block=book.rate("block", _NOW_S),
            block_before=book.rate_before("block", _NOW_S),
            latency_us=book.latency_us(_NOW_S),
        )

    async def _opened(self, span: Span) -> Opened:
        now = self._console.now()
        async with self._ledger.read() as connection:
            opened = await traffic.cases_opened(connection, now - LENGTH_S[span])
            open_, late = await traffic.cases_open(connection, now)
        return Opened(tuple(opened), open_, late)


def _by(request: web.Request) -> By:
    text = request.query.get("top", "refused")
    return next((one for one in BY if one == text), "refused")
