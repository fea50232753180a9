"""One decision on many cases: a panel that says whom all of it hits, each case with its own outcome, and one way back for what was done."""

from secrets import token_urlsafe
from typing import Annotated, Final, Protocol
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import replace

from ratelimit.console.case_preview import MANY, SPANS, VERBS, VERDICTS, Asked, Figure, HitLine, done_to, preview_view
from ratelimit.console.error import error_page
from ratelimit.console.form import FormError, read
from ratelimit.console.queue_query import QUEUE
from ratelimit.console.queue_work import MOST_AT_ONCE, Pick, numbers
from ratelimit.console.reach import STORE_AWAY, WAITING, Reaches
from ratelimit.console.render import Console, Toast
from ratelimit.console.settled import SETTLED
from ratelimit.console.wording import several
from ratelimit.core.case import shown
from ratelimit.core.deed import DeedThen, LabelVerdict
from ratelimit.core.override import BucketAsked
from ratelimit.core.principal import Principal
from ratelimit.review.bulk import Bulk, BulkDone
from ratelimit.review.cases import CaseError
from ratelimit.review.deed import HURTING, PICKS, SPAN_S, WORDS, Deed, Key, Preview, Span
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


class Deciding(Protocol):
    """What decides many cases at once; each call raises CaseError where nothing can be begun."""

    async def act(self, principal: Principal, asked: Bulk) -> BulkDone:
        """Do it on each."""

    async def undo(self, principal: Principal, bulk: str, reason: str = "") -> BulkDone:
        """Take back what was done together."""

    async def preview(self, principal: Principal, asked: Bulk) -> Preview:
        """Whom it would have hit: summed over all, and what they share named once."""


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
    versions: tuple[int, ...]
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
    version: Annotated[tuple[int, ...], Meta(max_length=MOST_AT_ONCE)] = ()
    then: DeedThen
    key: Key
    for_: Span = msgspec.field(default="24h", name="for")
    bucket: BucketAsked | None = None
    pick: Annotated[str, Meta(max_length=32)] | None = None
    reason: Annotated[str, Meta(max_length=400)] = ""
    verdict: LabelVerdict | None = None
    close: bool = False


class QueueActs:
    """Answers with panels, and does what they ask for."""

    def __init__(self, console: Console, bulks: Deciding, reaches: Reaches | None = None) -> None:
        self._console, self._bulks, self._reaches = console, bulks, reaches

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
        bulk, later, found = _asked(request, cases, then), "", None
        if len(cases) > MOST_WAITED:
            later = f"{FIGURES}?{request.rel_url.raw_query_string}"
        else:
            found = await self._foreseen(request, bulk)
        view = bulk_view(bulk, found, request[PRINCIPAL], self._console, later)
        return await self._console.part(request, "queue_preview.html", view)

    async def figures(self, request: web.Request) -> Reply:
        """Whom it hits, by itself: of many cases that takes a while."""
        bulk = _asked(request, numbers(request), _then(request))
        view = bulk_view(bulk, await self._foreseen(request, bulk), request[PRINCIPAL], self._console)
        return await self._console.part(request, "queue_figures.html", view)

    async def _foreseen(self, request: web.Request, bulk: Bulk) -> Preview:
        try:
            return await self._bulks.preview(request[PRINCIPAL], bulk)
        except CaseError as error:
            raise ClientError(409, str(error)) from None

    async def act(self, request: web.Request) -> Reply:
        """Do it to each."""
        try:
            asked = await read(request, BulkDeed)
        except FormError as error:
            raise ClientError(422, str(error)) from None
        try:
            found = await self._bulks.act(request[PRINCIPAL], _bulk(asked))
        except CaseError as error:
            return await error_page(self._console, request, 409, str(error))
        if not found.done:
            return await error_page(self._console, request, 409, _why(found))
        toast = await self._far(_told(asked, found), found)
        return await self._console.part(request, "part.html", None, toast=toast, headers=SETTLED)

    async def undo(self, request: web.Request) -> Reply:
        """Take back what was done together."""
        try:
            found = await self._bulks.undo(request[PRINCIPAL], request.query.get("bulk", ""))
        except CaseError as error:
            return await error_page(self._console, request, 409, str(error))
        if not found.done:
            return await error_page(self._console, request, 409, _why(found))
        toast = Toast(f"Taken back: {several(found.done, 'action')}.", _why(found) or "What stood before stands again", "undo")
        toast = await self._far(toast, found)
        return await self._console.part(request, "part.html", None, toast=toast, headers=SETTLED)

    async def _far(self, toast: Toast, found: BulkDone) -> Toast:
        done = [one.done for one in found.outcomes if one.done is not None]
        if any(one.state in WAITING for one in done):
            return replace(toast, far=STORE_AWAY)
        return await self._reaches.told(toast, done[0].then) if self._reaches is not None and done else toast


def _told(asked: BulkDeed, found: BulkDone) -> Toast:
    """What was done, to how many, and what was not."""
    many = several(found.done, "case") + (f" of {found.done + found.failed}" if found.failed else "")
    lasts = f" for {dict(SPANS)[asked.for_]}" if asked.then in WORDS else ""
    second = any(one.done is not None and one.done.needs_second for one in found.outcomes)
    far = _why(found) or ("Some wait for a second person to last longer" if second else "")
    undo = f"{QUEUE}/undo?{urlencode({'bulk': found.bulk})}"
    return Toast(f"{done_to(asked.then, many)}{lasts}.", far, asked.then if asked.then in _GLYPHS else "check", undo)


def _why(found: BulkDone) -> str:
    """Why the first that was not done was not."""
    failed = next((one for one in found.outcomes if one.done is None), None)
    return f"{shown(failed.case)}: {failed.why}" if failed is not None else ""


def bulk_view(bulk: Bulk, found: Preview | None, who: Principal, console: Console, later: str = "") -> BulkView:
    """The panel of a deed on those cases."""
    deed, cases = bulk.deed, bulk.cases
    then, lasting, now = deed.then, deed.then in WORDS, console.now()
    spans = tuple(Pick(span, words, f"to {console.clock.moment(now + SPAN_S[span], now)}") for span, words in SPANS) if lasting else ()
    asked = Asked(then=then, span=deed.for_, key=deed.key)
    seen = preview_view(found, asked, base=QUEUE, version=None, kind=MANY, role=who.role) if found is not None else None
    return BulkView(
        then=then,
        title=f"{VERBS[then]}: {several(len(cases), 'case')}",
        verb=VERBS[then],
        pending=_DOING.get(then, ""),
        key=deed.key,
        numbers=cases,
        versions=bulk.versions,
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


def _bulk(asked: BulkDeed) -> Bulk:
    wanted = {name: getattr(asked, name) for name in ("then", "key", "for_", "bucket", "pick", "reason", "verdict", "close")}
    versions = asked.version if len(asked.version) == len(asked.case) else ()
    return Bulk(deed=Deed(**wanted), cases=asked.case, versions=versions)


def _asked(request: web.Request, cases: tuple[int, ...], then: DeedThen) -> Bulk:
    """What a panel is about; the versions are those of the rows as they were seen."""
    given = request.query.getall("version", [])
    versions = tuple(int(text) for text in given if text.isascii() and text.isdigit() and len(text) < 10)
    return Bulk(deed=Deed(then=then, key=token_urlsafe(12)), cases=cases, versions=versions if len(versions) == len(cases) else ())


def _then(request: web.Request) -> DeedThen:
    text = request.query.get("then", "")
    found = next((then for then in _IN_BULK if then == text), None)
    if found is None:
        raise ClientError(422, f"then: {text[:40]!r} is nothing that is done to many; expected {', '.join(sorted(_IN_BULK))}")
    return found
