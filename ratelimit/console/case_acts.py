"""What is done on the page of a case: acting on it after a preview, taking an action back, holding the case and giving it back."""

from secrets import token_urlsafe
from typing import Annotated, Final, Protocol

import msgspec
from aiohttp import web
from msgspec import Meta, Struct, structs

from ratelimit.console.case import CASE, SUBJECT, Whom, whom_of
from ratelimit.console.case_preview import Asked, done_to, preview_view
from ratelimit.console.form import FormError, Model, read
from ratelimit.console.hostile import plain
from ratelimit.console.reach import STORE_AWAY, WAITING, Reaches
from ratelimit.console.render import Console, Toast
from ratelimit.console.settled import SETTLED
from ratelimit.console.subject_name import name_of
from ratelimit.console.wording import duration
from ratelimit.core.deed import DeedThen
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import SubjectRef
from ratelimit.review.actions import Actions
from ratelimit.review.cases import Cases
from ratelimit.review.deed import DONE, FINAL, Deed, Done, Preview, Span
from ratelimit.review.dossiers import Dossiers, Kin
from ratelimit.web.case_problem import as_problems
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL, Route

ACTION: Final = "/actions/{id}"
_GLYPHS: Final = frozenset({"block", "throttle", "allow", "hold"})
_OF_PURCHASE: Final = 12  # purchases that can be picked
_OF_ACCOUNTS: Final = frozenset({"hold", "release", "revoke", "refund", "report_fraud"})


class PreviewAsked(Struct, frozen=True):
    """What an address asks a preview of."""

    then: DeedThen
    for_: Span = msgspec.field(default="24h", name="for")
    target: str | None = None


class Reason(Struct, frozen=True):
    """Why it is done."""

    reason: Annotated[str, Meta(max_length=400)] = ""


class UndoView(Struct, frozen=True):
    """The panel that asks why."""

    id: int
    title: str
    by: str
    reason: str


class Previews(Protocol):
    """What knows whom an action would hit."""

    async def preview(self, principal: Principal, case: int | None, deed: Deed) -> Preview:
        """The preview of a deed on a case, or on the target that it names."""


class CaseActs:
    """Answers with panels, and does what they ask for."""

    def __init__(
        self,
        console: Console,
        cases: Cases,
        dossiers: Dossiers,
        actions: Actions,
        previews: Previews | None = None,
        reaches: Reaches | None = None,
    ) -> None:
        self._console, self._cases, self._dossiers, self._actions, self._previews = console, cases, dossiers, actions, previews
        self._reaches = reaches

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        found = [
            Route("GET", f"{ACTION}/undo", self.undo_panel, role="analyst", page=True),
            Route("POST", f"{ACTION}/undo", self.undo, role="analyst", page=True),
            Route("POST", f"{ACTION}/approve", self.approve, role="analyst", page=True),
            Route("POST", f"{ACTION}/refuse", self.refuse, role="analyst", page=True),
            Route("GET", f"{SUBJECT}/open", self.open_panel, role="analyst", page=True),
            Route("POST", f"{SUBJECT}/open", self.open, role="analyst", page=True),
        ]
        for of in (CASE, SUBJECT):
            found += [
                Route("GET", f"{of}/preview", self.preview, role="analyst", page=True),
                Route("POST", f"{of}/act", self.act, role="analyst", page=True),
            ]
        return found

    async def preview(self, request: web.Request) -> Reply:
        """The panel that says who is hit, and asks for a reason."""
        who, whom, asked = request[PRINCIPAL], whom_of(request), _asked(request)
        with as_problems():
            row = (await self._cases.get(whom.case)).row if whom.case is not None else None
            subject = row.anchor if row is not None else await self._dossiers.subject(whom.subject or 0)
            kin = await self._dossiers.kin(subject)
            about = asked.target or target_of(asked.then, subject, kin)
            target = about or (str(subject.id) if row is None else None)
            deed = Deed(then=asked.then, key=token_urlsafe(12), for_=asked.for_, target=target)
            found = await self._previews.preview(who, whom.case, deed) if self._previews is not None else None
            buyer = kin.account
        view = preview_view(
            found,
            Asked(then=asked.then, span=asked.for_, key=deed.key, target=target or ""),
            base=_base(whom),
            version=row.version if row is not None else None,
            kind=subject.kind if about is None else kin.kind_of(about),
            role=who.role,
            purchases=tuple(await self._dossiers.purchases(buyer, _OF_PURCHASE)) if buyer is not None else (),
        )
        return await self._console.part(request, "case/preview.html", view)

    async def act(self, request: web.Request) -> Reply:
        """Do it."""
        who, whom = request[PRINCIPAL], whom_of(request)
        deed = await _form(request, Deed)
        if whom.case is None and deed.target is None:
            deed = structs.replace(deed, target=str(whom.subject))
        with as_problems():
            done = await self._actions.act(who, whom.case, deed)
            subject = (
                (await self._cases.get(whom.case)).row.anchor if whom.case is not None else await self._dossiers.subject(whom.subject or 0)
            )
        return await self._done(request, _base(whom), _acted(done, subject, who, self._console.now()), done)

    async def undo_panel(self, request: web.Request) -> Reply:
        """The panel that asks why."""
        found = await self._actions.get(request[PRINCIPAL], _id(request))
        if found is None:
            raise ClientError(404, "there is no such action")
        return await self._console.part(request, "case/undo.html", UndoView(found.id, DONE[found.then], found.by, found.reason))

    async def undo(self, request: web.Request) -> Reply:
        """Take an action back."""
        asked = await _form(request, Reason)
        with as_problems():
            done = await self._actions.undo(request[PRINCIPAL], _id(request), asked.reason)
        stands = STORE_AWAY if done.state in WAITING else "What stood before stands again"
        toast = Toast(f"{DONE[done.then]}: taken back.", stands, "undo")
        return await self._done(request, _back(done), toast, done)

    async def approve(self, request: web.Request) -> Reply:
        """Be the second person, and for it."""
        with as_problems():
            done = await self._actions.approve(request[PRINCIPAL], _id(request))
        until = f"It stands to {self._console.clock.moment(done.until, self._console.now())}" if done.until is not None else ""
        return await self._done(request, _back(done), Toast("Approved.", until, "people"), done)

    async def refuse(self, request: web.Request) -> Reply:
        """Be the second person, and against it."""
        asked = await _form(request, Reason)
        with as_problems():
            done = await self._actions.refuse(request[PRINCIPAL], _id(request), asked.reason)
        return await self._done(request, _back(done), Toast("Not approved.", "It ends as it would have without a second person", "people"))

    async def open_panel(self, request: web.Request) -> Reply:
        """The panel that asks why somebody should look at a subject."""
        return await self._console.part(request, "case/open.html", _base(whom_of(request)))

    async def open(self, request: web.Request) -> Reply:
        """Open a case about a subject, and go to it."""
        asked = await _form(request, Reason)
        with as_problems():
            number = await self._dossiers.open_case(request[PRINCIPAL], whom_of(request).subject or 0, asked.reason)
        by_script = request.headers.get("HX-Request") == "true"
        where = {"HX-Redirect" if by_script else "Location": f"/cases/{number}"}
        return Reply(200 if by_script else 303, lines({**where, "Cache-Control": "no-store"}))

    async def _done(self, request: web.Request, back: str, toast: Toast, done: Done | None = None) -> Reply:
        if request.headers.get("HX-Request") != "true":
            return Reply(303, lines({"Location": back, "Cache-Control": "no-store"}))
        if self._reaches is not None and done is not None and done.state not in WAITING:
            toast = await self._reaches.told(toast, done.then)
        return await self._console.part(request, "part.html", None, toast=toast, headers=SETTLED)


def target_of(then: DeedThen, subject: SubjectRef, kin: Kin) -> str | None:
    """Whom an action is about where it cannot be about the subject itself: its account, or the account's key; None: it can."""
    if then in _OF_ACCOUNTS and subject.kind != "account" and kin.account is not None:
        return str(kin.account.id)
    if then == "rotate_key" and subject.kind == "account" and kin.keys:
        return str(kin.keys[0].id)
    return None


def _acted(done: Done, subject: SubjectRef, who: Principal, now: float) -> Toast:
    name = plain(name_of(subject.kind, subject.shown, who.role))[:40]
    span = f" for {duration(round(done.until - now, -2))}" if done.until is not None and done.then in _GLYPHS else ""
    far = "Waits for a second person to last longer" if done.needs_second else "The case is closed" if done.closed else ""
    far = STORE_AWAY if done.state in WAITING else far
    glyph = done.then if done.then in _GLYPHS else "check"
    return Toast(f"{done_to(done.then, name)}{span}.", far, glyph, "" if done.then in FINAL else f"/actions/{done.id}/undo")


def _back(done: Done) -> str:
    return f"/cases/{done.case}" if done.case is not None else "/queue"


def _base(whom: Whom) -> str:
    return f"/cases/{whom.case}" if whom.case is not None else f"/subjects/{whom.subject}"


def _asked(request: web.Request) -> PreviewAsked:
    try:
        return msgspec.convert({name: value for name, value in request.query.items() if value}, PreviewAsked, strict=False)
    except msgspec.ValidationError as error:
        raise ClientError(422, f"there is no such preview: {str(error)[:120]}") from None


def _id(request: web.Request) -> int:
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise ClientError(404, "there is no such action")
    return int(text)


async def _form(request: web.Request, model: type[Model]) -> Model:
    try:
        return await read(request, model)
    except FormError as error:
        raise ClientError(422, str(error)) from None
