"""One decision on many cases: a panel that says whom all of it hits, each case with its own outcome, and one way back for what was done."""

from collections.abc import Sequence
from secrets import token_urlsafe
from typing import Annotated, Final, Protocol
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from msgspec import Meta, Struct, structs

from ratelimit.console.case_preview import SPANS, VERBS, VERDICTS, Asked, Figure, HitLine, preview_view
from ratelimit.console.error import error_page
from ratelimit.console.form import FormError, read
from ratelimit.console.queue_query import QUEUE
from ratelimit.console.queue_work import MOST_AT_ONCE, SETTLED, Pick, numbers
from ratelimit.console.render import Console, Toast
from ratelimit.console.wording import several
from ratelimit.core.case import shown
from ratelimit.core.deed import DeedThen, LabelVerdict
from ratelimit.core.override import BucketAsked
from ratelimit.core.principal import Principal
from ratelimit.review.cases import CaseError
from ratelimit.review.deed import DONE, FINAL, HURTING, PICKS, SPAN_S, WORDS, Deed, Done, Key, Preview, Span
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL, Route

FIGURES: Final = f"{QUEUE}/figures"
MOST_WAITED: Final = 10  # cases whose figures a panel waits for
_IN_BULK: Final[frozenset[DeedThen]] = frozenset({"block", "throttle", "allow", "hold", "label", "known_normal"})
BUCKETS: Final = (
    ("1/min", "1 request a minute"),
    ("10/min", "10 requests a minute"),
    ("60/min", "60 requests a minute"),
    ("10/s", "10 requests a second"),
)
_DOING: Final = {"block": "Blocking", "throttle": "Throttling", "allow": "Allowing", "hold": "Holding", "label": "Labelling"}
_GLYPHS: Final = frozenset({"block", "throttle", "allow", "hold"})


class Acting(Protocol):
    """What does deeds and takes them back; each raises CaseError."""

    async def act(self, principal: Principal, case: int | None, deed: Deed, *, bulk: str | None = None) -> Done:
        """Do one."""

    async def undo(self, principal: Principal, id: int, reason: str = "") -> Done:
        """Take one back."""


class Foreseeing(Protocol):
    """What knows whom a deed on many cases would hit."""

    async def previews(self, principal: Principal, cases: Sequence[int], deed: Deed) -> Preview:
        """Summed over all of them; what they share is named once."""


class BulkView(Struct, frozen=True, kw_only=True):
    """The panel. `spans` are for how long it may last, with until when; `figures` are empty where nothing is foreseen, and
    come from the address `later` where that takes a while.
    """

    then: DeedThen
    title: str
    verb: str
    pending: str
    key: str
    numbers: tuple[int, ...]
    span: Span
    spans: tuple[Pick, ...]
    buckets: tuple[tuple[str, str], ...]
    figures: tuple[Figure, ...]
    bar: tuple[tuple[str, float], ...]
    bar_words: tuple[str, str]
    hit: tuple[HitLine, ...]
    picks: tuple[tuple[str, str], ...]
    verdicts: tuple[tuple[str, str], ...]
    needs: str
    told: str
    later: str


class BulkDeed(Struct, frozen=True, kw_only=True):
    """What is asked for, of each case."""

    case: Annotated[tuple[int, ...], Meta(min_length=1, max_length=MOST_AT_ONCE)]
    then: DeedThen
    key: Key
    for_: Span = msgspec.field(default="24h", name="for")
    bucket: BucketAsked | None = None
    pick: Annotated[str, Meta(max_length=32)] | None = None
    reason: Annotated[str, Meta(max_length=400)] = ""
    verdict: LabelVerdict | None = None
    close: bool = False


class QueueActs:
    """Answers with panels, and does what they ask for. `foresees` None: panels say nothing of whom it hits."""

    def __init__(self, console: Console, actions: Acting, foresees: Foreseeing | None) -> None:
        self._console, self._actions, self._foresees = console, actions, foresees

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", f"{QUEUE}/preview", self.preview, role="analyst", page=True),
            Route("GET", FIGURES, self.figures, role="analyst", page=True),
            Route("POST", f"{QUEUE}/act", self.act, role="analyst", page=True),
            Route("POST", f"{QUEUE}/undo", self.undo, role="analyst", page=True),
        ]

    async def preview(self, request: web.Request) -> Reply:
        """The panel; that of one case is the case's own."""
        cases, then = numbers(request), _then(request)
        if len(cases) == 1:
            return Reply(303, lines({"Location": f"/cases/{cases[0]}/preview?then={then}", "Cache-Control": "no-store"}))
        deed, later = Deed(then=then, key=token_urlsafe(12)), ""
        found = None
        if self._foresees is not None and len(cases) > MOST_WAITED:
            later = f"{FIGURES}?{request.query_string}"
        elif self._foresees is not None:
            found = await self._foreseen(request, cases, deed)
        view = bulk_view(deed, cases, found, request[PRINCIPAL], self._console, later)
        return await self._console.part(request, "queue_preview.html", view)

    async def figures(self, request: web.Request) -> Reply:
        """Whom it hits, by itself: of many cases that takes a while."""
        cases, deed = numbers(request), Deed(then=_then(request), key=token_urlsafe(12))
        view = bulk_view(deed, cases, await self._foreseen(request, cases, deed), request[PRINCIPAL], self._console)
        return await self._console.part(request, "queue_figures.html", view)

    async def _foreseen(self, request: web.Request, cases: Sequence[int], deed: Deed) -> Preview | None:
        try:
            return await self._foresees.previews(request[PRINCIPAL], cases, deed) if self._foresees is not None else None
        except CaseError as error:
            raise ClientError(409, str(error)) from None

    async def act(self, request: web.Request) -> Reply:
        """Do it to each."""
        try:
            asked = await read(request, BulkDeed)
        except FormError as error:
            raise ClientError(422, str(error)) from None
        who, done, wrong = request[PRINCIPAL], list[Done](), ""
        for number in dict.fromkeys(asked.case):
            try:
                done.append(await self._actions.act(who, number, _deed(asked, number), bulk=asked.key))
            except CaseError as error:
                wrong = wrong or f"{shown(number)}: {error}"
        if not done:
            return await error_page(self._console, request, 409, wrong)
        many = f"{several(len(done), 'case')}{f' of {len(asked.case)}' if wrong else ''}"
        lasts = f" for {dict(SPANS)[asked.for_]}" if asked.then in WORDS else ""
        second = "Some wait for a second person to last longer" if any(one.needs_second for one in done) else ""
        undo = f"{QUEUE}/undo?{urlencode([('action', one.id) for one in done])}" if asked.then not in FINAL else ""
        toast = Toast(f"{DONE[asked.then]}: {many}{lasts}.", wrong or second, asked.then if asked.then in _GLYPHS else "check", undo)
        return await self._console.part(request, "part.html", None, toast=toast, headers=SETTLED)

    async def undo(self, request: web.Request) -> Reply:
        """Take all of them back."""
        done, wrong = 0, ""
        for id in _actions(request):
            try:
                await self._actions.undo(request[PRINCIPAL], id)
            except CaseError as error:
                wrong = wrong or str(error)
            else:
                done += 1
        if not done:
            return await error_page(self._console, request, 409, wrong)
        toast = Toast(f"Taken back: {several(done, 'action')}.", wrong or "What stood before stands again", "undo")
        return await self._console.part(request, "part.html", None, toast=toast, headers=SETTLED)


def bulk_view(deed: Deed, cases: tuple[int, ...], found: Preview | None, who: Principal, console: Console, later: str = "") -> BulkView:
    """The panel of a deed on those cases."""
    then, lasting, now = deed.then, deed.then in WORDS, console.now()
    spans = tuple(Pick(span, words, f"to {console.clock.moment(now + SPAN_S[span], now)}") for span, words in SPANS) if lasting else ()
    asked = Asked(then=then, span=deed.for_, key=deed.key)
    seen = preview_view(found, asked, base=QUEUE, version=None, kind="case", role=who.role) if found is not None else None
    return BulkView(
        then=then,
        title=f"{VERBS[then]}: {several(len(cases), 'case')}",
        verb=VERBS[then],
        pending=_DOING.get(then, ""),
        key=deed.key,
        numbers=cases,
        span=deed.for_,
        spans=spans,
        buckets=BUCKETS if then == "throttle" else (),
        figures=seen.figures if seen is not None else (),
        bar=seen.bar if seen is not None else (),
        bar_words=seen.bar_words if seen is not None else ("", ""),
        hit=seen.hit if seen is not None else (),
        picks=tuple(PICKS[then].items())[:9],
        verdicts=VERDICTS if then == "label" else (),
        needs="verdict" if then == "label" else "reason pick" if then in HURTING else "",
        told=seen.told if seen is not None else "",
        later=later,
    )


def _deed(asked: BulkDeed, number: int) -> Deed:
    """The deed on one of the cases; its key is its own, so that asking again does nothing twice."""
    wanted = {name: getattr(asked, name) for name in ("then", "for_", "bucket", "pick", "reason", "verdict", "close")}
    return structs.replace(Deed(then=asked.then, key=f"{asked.key[:40]}-{number}"), **wanted)


def _then(request: web.Request) -> DeedThen:
    text = request.query.get("then", "")
    found = next((then for then in _IN_BULK if then == text), None)
    if found is None:
        raise ClientError(422, f"then: {text[:40]!r} is nothing that is done to many; expected {', '.join(sorted(_IN_BULK))}")
    return found


def _actions(request: web.Request) -> tuple[int, ...]:
    given = request.query.getall("action", [])
    if not 0 < len(given) <= MOST_AT_ONCE or not all(text.isascii() and text.isdigit() and len(text) < 16 for text in given):
        raise ClientError(422, f"action: expected ids of 1 to {MOST_AT_ONCE} actions")
    return tuple(int(text) for text in given)
