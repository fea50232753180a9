"""What is done to rows of the queue beside deciding them: put off, passed on, noted. One case or many, each with its own outcome."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Annotated, Final, Literal, Protocol
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Meta, Struct

from ratelimit.console.error import error_page
from ratelimit.console.form import FormError, Model, read
from ratelimit.console.queue_query import QUEUE
from ratelimit.console.render import Console, Toast
from ratelimit.console.settled import SETTLED
from ratelimit.console.wording import Clock, several
from ratelimit.core.case import shown
from ratelimit.core.principal import Principal
from ratelimit.review.cases import CaseError
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply
from ratelimit.web.route import PRINCIPAL, Route

MOST_AT_ONCE: Final = 200

What = Literal["snooze", "escalate", "note"]
Numbers = Annotated[tuple[int, ...], Meta(min_length=1, max_length=MOST_AT_ONCE)]
_HOUR: Final = 3_600.0
_MORNING: Final = 9  # the hour at which work begins


class Working(Protocol):
    """What changes cases; each raises CaseError."""

    async def snooze(self, number: int, principal: Principal, until: float, version: int | None = None) -> int:
        """Put it off."""

    async def wake(self, number: int, principal: Principal, version: int | None = None) -> int:
        """Bring it back."""

    async def escalate(self, number: int, principal: Principal, why: str, version: int | None = None, *, back: bool = False) -> int:
        """Pass it on, or back."""

    async def note(self, number: int, principal: Principal, text: str) -> int:
        """Write a note."""


class Pick(Struct, frozen=True):
    """One of few choices."""

    value: str
    words: str
    until: str = ""


class Panel(Struct, frozen=True, kw_only=True):
    """A small panel: what is asked for, and about which cases."""

    what: str
    title: str
    href: str
    numbers: tuple[int, ...]
    picks: tuple[Pick, ...] = ()
    confirm: str
    pending: str = ""
    text: str = ""
    hint: str = ""
    must: bool = False


class Snoozing(Struct, frozen=True):
    """Until when, in seconds since the epoch."""

    case: Numbers
    until: float


class Saying(Struct, frozen=True):
    """What is said: why it is passed on, or a note."""

    case: Numbers
    text: Annotated[str, Meta(min_length=1, max_length=2_000)]


class QueueWork:
    """Answers with panels, and does what they ask for."""

    def __init__(self, console: Console, cases: Working) -> None:
        self._console, self._cases = console, cases

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", f"{QUEUE}/panel/{{what}}", self.panel, role="analyst", page=True),
            Route("POST", f"{QUEUE}/snooze", self.snooze, role="analyst", page=True),
            Route("POST", f"{QUEUE}/wake", self.wake, role="analyst", page=True),
            Route("POST", f"{QUEUE}/escalate", self.escalate, role="analyst", page=True),
            Route("POST", f"{QUEUE}/return", self.give_back, role="analyst", page=True),
            Route("POST", f"{QUEUE}/note", self.note, role="analyst", page=True),
        ]

    async def panel(self, request: web.Request) -> Reply:
        """The panel of one of them."""
        return await self._console.part(request, "queue_panel.html", panel(request.match_info["what"], numbers(request), self._console))

    async def snooze(self, request: web.Request) -> Reply:
        """Put cases off."""
        asked = await _form(request, Snoozing)
        until = self._console.clock.moment(asked.until, self._console.now())
        work = lambda number, who: self._cases.snooze(number, who, asked.until)  # noqa: E731  (one line a verb)
        return await self._each(request, asked.case, work, "Put off", f"to {until}", f"{QUEUE}/wake")

    async def wake(self, request: web.Request) -> Reply:
        """Bring cases back."""
        return await self._each(request, numbers(request), self._cases.wake, "Brought back")

    async def escalate(self, request: web.Request) -> Reply:
        """Pass cases on to an admin."""
        asked = await _form(request, Saying)
        work = lambda number, who: self._cases.escalate(number, who, asked.text)  # noqa: E731
        return await self._each(request, asked.case, work, "Passed on", "to whoever is admin", f"{QUEUE}/return")

    async def give_back(self, request: web.Request) -> Reply:
        """Pass them back to everybody."""
        work = lambda number, who: self._cases.escalate(number, who, "", back=True)  # noqa: E731
        return await self._each(request, numbers(request), work, "Brought back")

    async def note(self, request: web.Request) -> Reply:
        """Write a note on each."""
        asked = await _form(request, Saying)
        return await self._each(request, asked.case, lambda number, who: self._cases.note(number, who, asked.text), "Noted on")

    async def _each(
        self,
        request: web.Request,
        cases: Sequence[int],
        work: Callable[[int, Principal], Awaitable[int]],
        verb: str,
        far: str = "",
        undo: str = "",
    ) -> Reply:
        who, done, wrong = request[PRINCIPAL], [], ""
        for number in dict.fromkeys(cases):
            try:
                await work(number, who)
            except CaseError as error:
                wrong = wrong or str(error)
            else:
                done.append(number)
        if not done:
            return await error_page(self._console, request, 409, wrong)
        text = f"{verb} {shown(done[0]) if len(done) == 1 else several(len(done), 'case')}{'.' if not wrong else f' of {len(cases)}.'}"
        toast = Toast(text, wrong or far, "clock" if undo else "check", f"{undo}?{_query(done)}" if undo else "")
        return await self._console.part(request, "part.html", None, toast=toast, headers=SETTLED)


def numbers(request: web.Request) -> tuple[int, ...]:
    """The cases that an address names."""
    given = request.query.getall("case", [])
    if not 0 < len(given) <= MOST_AT_ONCE or not all(text.isascii() and text.isdigit() and len(text) < 16 for text in given):
        raise ClientError(422, f"case: expected numbers of 1 to {MOST_AT_ONCE} cases")
    return tuple(int(text) for text in given)


def panel(what: str, cases: tuple[int, ...], console: Console) -> Panel:
    """The panel that asks for it; ClientError for what is none of them."""
    whom = shown(cases[0]) if len(cases) == 1 else several(len(cases), "case")
    if what == "snooze":
        picks = snooze_picks(console.now(), console.clock)
        return Panel(
            what=what, title=f"Put off {whom}", href=f"{QUEUE}/snooze", numbers=cases, picks=picks, confirm="Put off", pending="Putting off"
        )
    if what == "escalate":
        hint = "For whoever is admin; kept in the audit"
        return Panel(
            what=what, title=f"Pass on {whom}", href=f"{QUEUE}/escalate", numbers=cases, confirm="Pass on", text="Why", hint=hint,
            must=True, pending="Passing on",
        )  # fmt: skip
    if what == "note":
        hint = "@login tells somebody; kept with the case"
        return Panel(
            what=what, title=f"Note on {whom}", href=f"{QUEUE}/note", numbers=cases, confirm="Write", text="Note", hint=hint, must=True
        )
    raise ClientError(404, "there is no such panel")


def snooze_picks(now: float, clock: Clock) -> tuple[Pick, ...]:
    """Until when a case may be put off: a few spans, and the next morning."""
    morning = (clock.at(now) + timedelta(days=1)).replace(hour=_MORNING, minute=0, second=0, microsecond=0).timestamp()
    spans = (
        ("1 h", now + _HOUR),
        ("4 h", now + 4 * _HOUR),
        ("tomorrow", morning),
        ("3 days", now + 72 * _HOUR),
        ("7 days", now + 168 * _HOUR),
    )
    return tuple(Pick(f"{until:.0f}", words, f"to {clock.moment(until, now)}") for words, until in spans)


def _query(cases: Sequence[int]) -> str:
    return urlencode([("case", number) for number in cases])


async def _form(request: web.Request, model: type[Model]) -> Model:
    try:
        return await read(request, model)
    except FormError as error:
        raise ClientError(422, str(error)) from None
