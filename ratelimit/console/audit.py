"""The audit's page: who did what, by filters that stand in the URL, as CSV as well, and whether the chain is whole."""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct, structs

from ratelimit.console.csv import csv_reply
from ratelimit.console.render import Console
from ratelimit.console.wording import Clock
from ratelimit.ledger.ledger import Ledger
from ratelimit.review import audit
from ratelimit.review.audit import AuditEntry, Head
from ratelimit.review.audit_watch import AuditWatch, Checked
from ratelimit.web.audit import MOST, AuditQuery, page_of, query_from
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import Route

AUDIT: Final = "/audit"
_MOST_EXPORTED: Final = 50_000
_SHORT: Final = 90  # characters of a content in its line
_INSTANTS: Final = frozenset({"at", "until", "since"})
_LATEST: Final = 1e11
_HEAD: Final = ("seq", "at", "actor", "kind", "case", "content")


class Line(Struct, frozen=True):
    """An entry; `short` is its content in a line, `whole` all of it by name, None where it was forgotten."""

    entry: AuditEntry
    short: str
    whole: list[tuple[str, str]] | None


class AuditPage(Struct, frozen=True):
    """The page. `checked` is what the latest walk found, None before the first."""

    lines: list[Line]
    query: AuditQuery
    day: date | None
    kinds: list[str]
    head: Head
    checked: Checked | None
    fields: Mapping[str, str]
    csv: str
    following: str | None


class AuditPages:
    """Shows the audit, and verifies it."""

    def __init__(self, console: Console, ledger: Ledger, watch: AuditWatch) -> None:
        self._console, self._ledger, self._watch = console, ledger, watch

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", AUDIT, self.page, role="analyst", page=True),
            Route("GET", f"{AUDIT}.csv", self.csv, role="analyst", page=True),
            Route("POST", f"{AUDIT}/verify", self.verify, role="analyst", page=True),
        ]

    async def page(self, request: web.Request) -> Reply:
        """The entries that the filter finds."""
        query, day = self._asked(request)
        view = await page_of(self._ledger, query)
        async with self._ledger.read() as connection:
            kinds = await audit.kinds(connection)
        fields = _fields(query, day)
        page = AuditPage(
            [_line(entry, self._console.clock) for entry in view.entries],
            query,
            day,
            kinds,
            await self._watch.head(),
            self._watch.last,
            fields,
            f"{AUDIT}.csv?{urlencode(fields)}",
            f"{AUDIT}?{urlencode({**fields, 'before': view.following})}" if view.following is not None else None,
        )
        return await self._console.page(request, "audit.html", page, section="Audit", title="Audit")

    async def verify(self, _request: web.Request) -> Reply:
        """Walk through the whole chain now, and show what was found."""
        await self._watch.verify()
        return Reply(303, lines({"Location": AUDIT, "Cache-Control": "no-store"}))

    async def csv(self, request: web.Request) -> Reply:
        """All that the filter finds."""
        (query, _), found = self._asked(request), list[AuditEntry]()
        following: int | None = query.before
        while len(found) < _MOST_EXPORTED:
            view = await page_of(self._ledger, structs.replace(query, before=following, most=MOST))
            found += view.entries
            if (following := view.following) is None:
                break
        iso = self._console.clock.iso
        return csv_reply("audit", _HEAD, [(one.seq, iso(one.at), one.actor, one.kind, one.case, _text(one.content)) for one in found])

    def _asked(self, request: web.Request) -> tuple[AuditQuery, date | None]:
        """The filter of the URL; `day` is one of the console's zone."""
        fields = dict(request.query)
        text = fields.pop("day", "")
        if not text:
            return query_from(fields), None
        try:
            day = date.fromisoformat(text)
            since, until = (datetime(one.year, one.month, one.day, tzinfo=self._console.clock.zone) for one in (day, day + timedelta(1)))
            return query_from({**fields, "since": str(since.timestamp()), "until": str(until.timestamp())}), day
        except (ValueError, OverflowError):
            raise ClientError(422, "day: expected a day such as 2026-12-24") from None


def _fields(query: AuditQuery, day: date | None) -> dict[str, str]:
    """The filter as it stands in the URL."""
    chosen = {"kind": query.kind, "actor": query.actor, "case": query.case, "day": day}
    return {name: str(value) for name, value in chosen.items() if value is not None}


def _line(entry: AuditEntry, clock: Clock) -> Line:
    if entry.content is None:
        return Line(entry, "", None)
    whole = [(name, _said(name, value, clock)) for name, value in entry.content.items()]
    short = ", ".join(f"{name} {said}" for name, said in whole)
    return Line(entry, short if len(short) <= _SHORT else short[:_SHORT] + "…", whole)


def _said(name: str, value: object, clock: Clock) -> str:
    """A value in words: instants as people read them."""
    if isinstance(value, float) and (name in _INSTANTS or name.endswith("_at")) and 0 < value < _LATEST:
        return clock.iso(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text(content: dict[str, Any] | None) -> str:
    return "forgotten" if content is None else json.dumps(content, ensure_ascii=False)
