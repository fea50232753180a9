"""The page of lists and overrides: what stands, a form to say more, a check of whom it would hit, and what was said before."""

from collections import Counter
from collections.abc import Callable
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from ratelimit.console.form import FormError, fields, parse, read
from ratelimit.console.lists_view import LISTS, SOURCES, THENS, Filter, check, given_of, lists_page
from ratelimit.console.reach import Reaches
from ratelimit.console.render import Console, Toast
from ratelimit.core.override import OverrideError
from ratelimit.core.policy import Policy
from ratelimit.core.standing import Standing
from ratelimit.review.words import WordAsked, Words
from ratelimit.service.overrides import OF_DEED, NoOverrideError, Overrides
from ratelimit.service.standings import FullError, Standings
from ratelimit.web.overrides import list_view
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL, Route

_HISTORY: Final = 20
_MOST_PAGES: Final = 10_000
_SAID: Final = {"made": "Said; every sidecar obeys within a second.", "changed": "Changed.", "ended": "Ended."}


class Ending(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a word is taken away before its time."""

    reason: Annotated[str, Meta(min_length=3, max_length=500)]


class ListPages:
    """Answers with the page, and takes its forms. `policy` gives the one in force."""

    def __init__(
        self,
        console: Console,
        words: Words,
        overrides: Overrides,
        standings: Standings,
        policy: Callable[[], Policy],
        reaches: Reaches | None = None,
    ) -> None:
        self._console, self._words, self._overrides = console, words, overrides
        self._standings, self._policy, self._reaches = standings, policy, reaches

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", LISTS, self.page, role="viewer", page=True),
            Route("POST", LISTS, self.add, role="analyst", page=True),
            Route("POST", f"{LISTS}/check", self.check, role="analyst", page=True),
            Route("GET", f"{LISTS}/{{id}}", self.open, role="analyst", page=True),
            Route("POST", f"{LISTS}/{{id}}", self.edit, role="analyst", page=True),
            Route("POST", f"{LISTS}/{{id}}/end", self.end, role="analyst", page=True),
        ]

    async def page(self, request: web.Request) -> Reply:
        """What stands."""
        given = {"target": target} if (target := request.query.get("target", "")) else {}
        return await self._page(request, given=given)

    async def open(self, request: web.Request) -> Reply:
        """The page with the form filled in, to change a word."""
        word = self._known(request)
        return await self._page(request, given=given_of(word), editing=word.id)

    async def add(self, request: web.Request) -> Reply:
        """Say a word."""
        return await self._say(request, "made", "")

    async def edit(self, request: web.Request) -> Reply:
        """Say something else in the place of one."""
        return await self._say(request, "changed", self._known(request).id)

    async def end(self, request: web.Request) -> Reply:
        """Take one away."""
        id = self._known(request).id
        try:
            ending = await read(request, Ending)
        except FormError as error:
            raise ClientError(422, f"nothing was ended: {error}") from None
        await self._words.end(id, request[PRINCIPAL], ending.reason)
        return _back("ended")

    async def check(self, request: web.Request) -> Reply:
        """Whom a word would hit; nothing is said."""
        who = request[PRINCIPAL]
        try:
            view = check(await self._words.try_(parse(_with_reason(await fields(request)), WordAsked), who), who.role)
        except FormError as error:
            view = check(None, who.role, str(error))
        except OverrideError as error:
            view = check(None, who.role, str(error).removeprefix("$."))
        return await self._console.part(request, "lists_check.html", view)

    async def _say(self, request: web.Request, said: str, id: str) -> Reply:
        filled = await fields(request)
        try:
            asked = parse(filled, WordAsked)
            await (self._words.edit(id, asked, request[PRINCIPAL]) if id else self._words.add(asked, request[PRINCIPAL]))
        except FormError as error:
            return await self._page(request, given=dict(filled), wrong=dict(error.wrong), editing=id)
        except OverrideError as error:
            place = error.path.removeprefix("$.")
            return await self._page(request, given=dict(filled), wrong={place: str(error).partition(": ")[2]}, editing=id)
        except FullError as error:
            raise ClientError(409, f"{error}; end some, or put many subjects on a list") from None
        return _back(said)

    async def _page(self, request: web.Request, *, given: dict[str, str], wrong: dict[str, str] | None = None, editing: str = "") -> Reply:
        now, words = self._console.now(), self._standings.all()
        view = lists_page(
            words,
            _filter(request),
            counts=Counter(word.source for word in words),
            lists=[list_view(it, now) for it in self._policy().lists.all],
            history=await self._words.history(_HISTORY),
            limits=[limit.name for limit in self._policy().limits if limit.bucket is not None],
            who=request[PRINCIPAL],
            now=now,
            given=given,
            wrong=wrong or {},
            editing=editing,
        )
        said = _SAID.get(request.query.get("said", ""))
        toast = Toast(said) if said is not None else None
        toast = await self._reaches.told(toast) if toast is not None and self._reaches is not None else toast
        status = 422 if wrong else 200
        return await self._console.page(
            request, "lists.html", view, section="Lists", title="Lists and overrides", status=status, toast=toast
        )

    def _known(self, request: web.Request) -> Standing:
        try:
            word = self._overrides.get(request.match_info["id"])
        except NoOverrideError:
            raise ClientError(404, "no override of that id stands; it may have ended") from None
        if word.id.startswith(OF_DEED):
            raise ClientError(409, "this was done on a case or a subject; undo it there, so that what stood before stands again")
        return word


def _with_reason(given: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A trial needs none: why is thought of after one has seen whom it hits."""
    filled = [(name, value) for name, value in given if value.strip()]
    return filled if any(name == "reason" for name, _ in filled) else [*filled, ("reason", "tried")]


def _filter(request: web.Request) -> Filter:
    query = request.query
    page = query.get("page", "1")
    return Filter(
        source=next((source for source in SOURCES if source == query.get("source")), "override"),
        then=query.get("then", "") if query.get("then") in THENS else "",
        q=query.get("q", "")[:200],
        soon=query.get("soon") == "true",
        page=min(_MOST_PAGES, max(1, int(page))) if page.isascii() and page.isdecimal() and len(page) < 9 else 1,
    )


def _back(said: str) -> Reply:
    return Reply(303, lines({"Location": f"{LISTS}?said={said}", "Cache-Control": "no-store"}))
