"""The audit's page: who did what, by filters that stand in the URL, as CSV as well, and whether the chain is whole."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct, structs

from ratelimit.console.csv import csv_reply
from ratelimit.console.render import Console, Toast
from ratelimit.ledger.ledger import Ledger
from ratelimit.review import audit
from ratelimit.review.audit import AuditEntry, Head
from ratelimit.review.audit_watch import AuditWatch, Checked
from ratelimit.web.audit import MOST, AuditQuery, page_of, query_of
from ratelimit.web.reply import Reply
from ratelimit.web.route import Route

AUDIT: Final = "/audit"
_MOST_EXPORTED: Final = 50_000
_SHORT: Final = 90  # characters of a content in its line
_HEAD: Final = ("seq", "at", "actor", "kind", "case", "content")


class Line(Struct, frozen=True):
    """An entry; `short` is its content in a line, `whole` all of it, None where it was forgotten."""

    entry: AuditEntry
    short: str
    whole: str | None


class AuditPage(Struct, frozen=True):
    """The page. `checked` is what the latest walk found, None before the first."""

    lines: list[Line]
    query: AuditQuery
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
        return await self._page(request, query_of(request))

    async def verify(self, request: web.Request) -> Reply:
        """Walk through the whole chain now."""
        checked = await self._watch.verify()
        told = Toast("The chain is whole", f"{checked.found.entries:,} entries") if checked.found.whole else None
        return await self._page(request, query_of(request), told)

    async def csv(self, request: web.Request) -> Reply:
        """All that the filter finds."""
        query, found = query_of(request), list[AuditEntry]()
        following: int | None = query.before
        while len(found) < _MOST_EXPORTED:
            view = await page_of(self._ledger, structs.replace(query, before=following, most=MOST))
            found += view.entries
            if (following := view.following) is None:
                break
        iso = self._console.clock.iso
        return csv_reply("audit", _HEAD, [(one.seq, iso(one.at), one.actor, one.kind, one.case, _text(one.content)) for one in found])

    async def _page(self, request: web.Request, query: AuditQuery, toast: Toast | None = None) -> Reply:
        view = await page_of(self._ledger, query)
        async with self._ledger.read() as connection:
            kinds = await audit.kinds(connection)
        fields = _fields(query)
        page = AuditPage(
            [_line(entry) for entry in view.entries],
            query,
            kinds,
            await self._watch.head(),
            self._watch.last,
            fields,
            f"{AUDIT}.csv?{urlencode(fields)}",
            f"{AUDIT}?{urlencode({**fields, 'before': view.following})}" if view.following is not None else None,
        )
        return await self._console.page(request, "audit.html", page, section="Audit", title="Audit", toast=toast)


def _fields(query: AuditQuery) -> dict[str, str]:
    """The filter as it stands in the URL."""
    return {name: str(value) for name, value in structs.asdict(query).items() if value is not None and name not in {"before", "most"}}


def _line(entry: AuditEntry) -> Line:
    short = ", ".join(f"{name} {value}" for name, value in (entry.content or {}).items())
    whole = None if entry.content is None else json.dumps(entry.content, indent=1, ensure_ascii=False)
    return Line(entry, short if len(short) <= _SHORT else short[:_SHORT] + "…", whole)


def _text(content: dict[str, Any] | None) -> str:
    return "forgotten" if content is None else json.dumps(content, ensure_ascii=False)
