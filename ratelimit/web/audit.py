"""The audit on the operator lane: its entries, and whether the chain is whole."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from ratelimit.core.expectation import meant, shown
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.audit import AuditEntry, AuditFilter, entries
from ratelimit.review.audit_check import Verified
from ratelimit.review.audit_watch import AuditWatch
from ratelimit.web.body import misfit
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import Route

AUDIT: Final = "/v1/audit"
VERIFY: Final = f"{AUDIT}/verify"
MOST: Final = 200

_Seconds = Annotated[float, Meta(ge=0, le=1e11)]
_Number = Annotated[int, Meta(ge=0, lt=2**62)]


class AuditQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which entries: of a kind, by somebody, of a case; `since` and `until` in seconds since the epoch; with a seq below `before`."""

    kind: Annotated[str, Meta(max_length=32)] | None = None
    actor: Annotated[str, Meta(max_length=64)] | None = None
    case: _Number | None = None
    since: _Seconds | None = None
    until: _Seconds | None = None
    before: _Number | None = None
    most: Annotated[int, Meta(ge=1, le=MOST)] = 100

    @property
    def filter(self) -> AuditFilter:
        """As the audit takes it."""
        return AuditFilter(kind=self.kind, actor=self.actor, case=self.case, since=self.since, until=self.until, before=self.before)


class AuditView(Struct, frozen=True):
    """Entries, latest first. `following`: what `before` has to be for those that come next; null: these are the last."""

    entries: list[AuditEntry]
    following: int | None


class VerifiedView(Struct, frozen=True):
    """Whether the chain is whole, and what was found at `at`."""

    whole: bool
    at: float
    found: Verified


class AuditCalls:
    """Shows and verifies."""

    def __init__(self, ledger: Ledger, watch: AuditWatch) -> None:
        self._ledger, self._watch = ledger, watch

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", AUDIT, self.list, role="analyst", scope="audit:read"),
            Route("GET", VERIFY, self.verify, role="analyst", scope="audit:read"),
        ]

    async def list(self, request: web.Request) -> Reply:
        """The latest that fit."""
        return json_reply(200, await page_of(self._ledger, query_of(request)))

    async def verify(self, _request: web.Request) -> Reply:
        """Walk through the whole chain."""
        checked = await self._watch.verify()
        return json_reply(200, VerifiedView(checked.found.whole, checked.at, checked.found))


async def page_of(ledger: Ledger, query: AuditQuery) -> AuditView:
    """The entries that a query finds."""
    async with ledger.read() as connection:
        found = await entries(connection, query.filter, query.most + 1)
    shown = found[: query.most]
    return AuditView(shown, shown[-1].seq if len(found) > query.most else None)


def query_of(request: web.Request) -> AuditQuery:
    """The query of a request; empty fields are none."""
    return query_from(request.query)


def query_from(fields: Mapping[str, str]) -> AuditQuery:
    """A query of these fields."""
    given = {name: value for name, value in fields.items() if value}
    for name in given:
        if name not in AuditQuery.__struct_fields__:
            raise ClientError(422, f"{shown(name)} is not understood in the query{meant(name, AuditQuery.__struct_fields__)}")
    try:
        return msgspec.convert(given, AuditQuery, strict=False)
    except msgspec.ValidationError as error:
        found = misfit(str(error), AuditQuery)
        raise ClientError(422, f"{found.path}: {found.text}", path=found.path) from None
