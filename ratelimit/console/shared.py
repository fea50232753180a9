"""Who else was flagged for the same: the cases of others of a kind that show one reason as far out, to be decided together."""

from typing import Annotated, Final, Protocol

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from ratelimit.console.case_why import SHARED, signal_line
from ratelimit.console.queue_line import Line, line
from ratelimit.console.render import Console
from ratelimit.console.subject_name import named
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import CaseRow, QueueFilter, SubjectRef
from ratelimit.ledger.sharing import LOOKED_AT, Said, said
from ratelimit.review.case_error import NotFoundError
from ratelimit.web.case_mask import masked_for
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply
from ratelimit.web.route import PRINCIPAL, Route

_MOST: Final = 2**62  # of ids that a database takes
_SAID: Final = {"early_fraud_warning": "Reported as fraud by the card issuer"}


class Asked(Struct, frozen=True):
    """What they share with subject `of`: a reason's name, and how far out at least."""

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    of: Annotated[int, Meta(ge=-_MOST, le=_MOST)]
    far: float | None = None


class Sharing(Protocol):
    """What knows it."""

    async def sharing(self, what: Said, subject: int) -> list[CaseRow]:
        """The cases of others of its kind that share what is said of it."""

    async def subject(self, id: int) -> SubjectRef:
        """A subject; raises NotFoundError."""


class SharedView(Struct, frozen=True, kw_only=True):
    """The page. `name` is that of the subject whose page led here, hostile text."""

    title: str
    kind: str
    name: str
    subject: int
    lines: tuple[Line, ...]
    open: int
    looked_at: int
    may_act: bool
    sorted: str = "what is open first, then the latest"


class SharedPages:
    """Answers with the page."""

    def __init__(self, console: Console, dossiers: Sharing) -> None:
        self._console, self._dossiers = console, dossiers

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [Route("GET", SHARED, self.page, role="viewer", page=True)]

    async def page(self, request: web.Request) -> Reply:
        """The cases that share it."""
        asked, who = _asked(request), request[PRINCIPAL]
        what = Said(asked.name, asked.far)
        try:
            subject = await self._dossiers.subject(asked.of)
        except NotFoundError as error:
            raise ClientError(404, str(error)) from None
        rows = await self._dossiers.sharing(what, asked.of)
        view = shared_view(what, subject, rows, who, self._console.now())
        return await self._console.page(request, "shared.html", view, section="Queue", title="Shared by")


def shared_view(what: Said, subject: SubjectRef, rows: list[CaseRow], who: Principal, now: float) -> SharedView:
    """The page for whoever looks."""
    rows = [masked_for(who, row) for row in rows]
    reason = next((one for row in rows for one in row.reasons if said(one).name == what.name), None)
    title = signal_line(reason).words if reason is not None else "The same reason"
    return SharedView(
        title=_SAID.get(what.name, title),
        kind=subject.kind,
        name=named(subject, who.role),
        subject=subject.id,
        lines=tuple(line(row, QueueFilter(), who, now) for row in rows),
        open=sum(row.state == "open" for row in rows),
        looked_at=LOOKED_AT,
        may_act=who.may("analyst"),
    )


def _asked(request: web.Request) -> Asked:
    try:
        return msgspec.convert(dict(request.query), Asked, strict=False)
    except msgspec.ValidationError as error:
        raise ClientError(422, f"no such reason can be looked for: {str(error)[:120]}") from None
