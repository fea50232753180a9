"""The search page: what was typed may be a case, a decision, a purchase, or somebody's name, key, address or email."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from ratelimit.console.render import Console
from ratelimit.console.subject_name import named
from ratelimit.console.wording import money
from ratelimit.core.principal import Role
from ratelimit.review.search import MOST, MOST_TEXT, Results, Search
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL, Route

SEARCH: Final = "/search"


class CaseLine(Struct, frozen=True):
    """A case that was found; `name` is hostile text."""

    number: int
    priority: int
    kind: str
    name: str
    state: str
    opened_at: float


class SubjectLine(Struct, frozen=True):
    """A subject that was found; `name` is hostile text."""

    id: int
    kind: str
    name: str
    first_at: float
    good: int
    fraud: int


class PurchaseLine(Struct, frozen=True):
    """A purchase that was found."""

    id: str
    record: str
    at: float
    amount: str
    account: int


class SearchView(Struct, frozen=True):
    """The page. `more`: there were as many as are shown, and may be more. `parts`: parts of names are looked for as well."""

    text: str
    cases: tuple[CaseLine, ...]
    subjects: tuple[SubjectLine, ...]
    purchases: tuple[PurchaseLine, ...]
    more: bool
    parts: bool

    @property
    def nothing(self) -> bool:
        """Whether nothing was found."""
        return not (self.cases or self.subjects or self.purchases)


class SearchPages:
    """Answers with what was found, or goes there at once."""

    def __init__(self, console: Console, search: Search) -> None:
        self._console, self._search = console, search

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [Route("GET", SEARCH, self.page, role="viewer", page=True)]

    async def page(self, request: web.Request) -> Reply:
        """The page."""
        text = request.query.get("q", "").strip()[:MOST_TEXT]
        role = request[PRINCIPAL].role
        found = await self._search.find(text, role)
        if found.only:
            return Reply(303, lines({"Location": found.only, "Cache-Control": "no-store"}))
        view = search_view(text, found, role)
        return await self._console.page(request, "search.html", view, section="", title="Search")


def search_view(text: str, found: Results, role: Role) -> SearchView:
    """The page for somebody of that role."""
    return SearchView(
        text=text,
        cases=tuple(
            CaseLine(
                one.number, one.priority, found.anchors[one.anchor].kind, named(found.anchors[one.anchor], role), one.state, one.opened_at
            )
            for one in found.cases
        ),
        subjects=tuple(SubjectLine(one.id, one.kind, named(one, role), one.first_at, one.good, one.fraud) for one in found.subjects),
        purchases=tuple(
            PurchaseLine(one.id, one.record, one.at, money(one.amount_minor, one.currency or "EUR"), one.account) for one in found.purchases
        ),
        more=max(len(found.subjects), len(found.purchases)) >= MOST,
        parts=role != "viewer",
    )
