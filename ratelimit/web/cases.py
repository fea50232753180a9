"""Cases over HTTP: the queue, one case, and what people do to it beside deciding it. A decision is a deed, see web/deeds.

A case is named by its number, `C-1042` or `1042`, or by the reference that a purchase's answer told.
"""

from collections.abc import Callable
from secrets import token_hex
from typing import Annotated, Any, Final

from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import replace

from ratelimit.core.deed import LabelVerdict
from ratelimit.core.masked import text_of
from ratelimit.core.principal import Role
from ratelimit.ledger.cases import CaseView, Note, QueueFilter, Tab
from ratelimit.review.actions import Actions
from ratelimit.review.audit import AuditEntry
from ratelimit.review.cases import Cases
from ratelimit.review.deed import Deed, Key
from ratelimit.review.lock import BEAT_S
from ratelimit.review.seen import Seen
from ratelimit.review.work import MOST_NOTE, MOST_SNOOZE_S
from ratelimit.web.case_mask import masked_for
from ratelimit.web.case_problem import as_problems, asked, query_of
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import PRINCIPAL, Handle, Route

CASES: Final = "/v1/cases"
CASE: Final = f"{CASES}/{{case}}"
TAKE_NEXT: Final = f"{CASES}/take-next"
READ: Final = "cases:read"
WRITE: Final = "cases:write"
_TELLS_NOTHING: Final = frozenset({"case.opened", "case.taken", "case.assigned"})  # of what others made of it

Version = Annotated[int, Meta(ge=1, le=2**31)] | None
Why = Annotated[str, Meta(max_length=500)]


class NextAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Of which tab; null: of those that are one's own or nobody's."""

    tab: Tab | None = None


class TakeAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """`over`: also where somebody else has it open, which the audit says."""

    over: bool = False


class AssignAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """`to` is a login; null: nobody's. `version` is that of the case as it was seen."""

    to: Annotated[str, Meta(min_length=1, max_length=64)] | None
    version: Version = None


class SnoozeAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """For how long, in seconds, at most 14 days."""

    for_s: Annotated[float, Meta(gt=0, le=MOST_SNOOZE_S)]
    version: Version = None


class ChangeAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Why, and the version of the case as it was seen."""

    why: Why = ""
    version: Version = None


class NoteAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A note; whoever is named in it, such as @mira, has the case among their own until they open it."""

    text: Annotated[str, Meta(min_length=1, max_length=MOST_NOTE)]


class CloseAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What it turned out to be, which labels the anchor and the purchases behind it. The same `key` closes it once."""

    verdict: LabelVerdict
    reason: Annotated[str, Meta(min_length=1, max_length=400)]
    version: Version = None
    key: Key | None = None


class Taken(Struct, frozen=True):
    """The case that is locked now; null: nothing waits. The lock is to be renewed by a beat every `beat_s`."""

    case: CaseView | None
    beat_s: float = BEAT_S


class Changed(Struct, frozen=True):
    """The case's version now."""

    version: int


class Beaten(Struct, frozen=True):
    """Until when the lock lasts."""

    until: float


class Noted(Struct, frozen=True):
    """The note's place in the audit."""

    seq: int


class Notes(Struct, frozen=True):
    """Latest first."""

    notes: list[Note]


class History(Struct, frozen=True):
    """What happened to a case, latest first."""

    events: list[AuditEntry]


class CaseCalls:
    """Answers about cases, and changes them; `wall` is seconds since the epoch. Without `actions` none is closed.

    `seen` writes down who looks at whom.
    """

    def __init__(self, cases: Cases, wall: Callable[[], float], actions: Actions | None = None, seen: Seen | None = None) -> None:
        self._cases, self._wall, self._actions, self._seen = cases, wall, actions, seen

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        reads: dict[str, Handle] = {CASES: self.queue, CASE: self.get, f"{CASE}/notes": self.notes, f"{CASE}/history": self.history}
        writes: dict[str, Handle] = {
            TAKE_NEXT: self.take_next,
            f"{CASE}/take": self.take,
            f"{CASE}/beat": self.beat,
            f"{CASE}/release": self.release,
            f"{CASE}/assign": self.assign,
            f"{CASE}/snooze": self.snooze,
            f"{CASE}/wake": self.wake,
            f"{CASE}/escalate": self.escalate,
            f"{CASE}/return": self.give_back,
            f"{CASE}/notes": self.note,
            f"{CASE}/close": self.close,
        }
        return [
            *(Route("GET", path, handle, role="viewer", scope=READ, early=True) for path, handle in reads.items()),
            *(Route("POST", path, handle, role="analyst", scope=WRITE, early=True) for path, handle in writes.items()),
        ]

    async def queue(self, request: web.Request) -> Reply:
        """A page of the queue, as whoever asks sees it."""
        found = await self._cases.queue(query_of(request, QueueFilter), request[PRINCIPAL])
        return json_reply(200, masked_for(request[PRINCIPAL], found))

    async def get(self, request: web.Request) -> Reply:
        """One case."""
        with as_problems():
            found = await self._cases.get(await self._number(request))
        if self._seen is not None:
            await self._seen.saw(request[PRINCIPAL], found.row.anchor.id, found.row.number)
        return json_reply(200, masked_for(request[PRINCIPAL], found))

    async def notes(self, request: web.Request) -> Reply:
        """Its notes."""
        with as_problems():
            number = await self._number(request)
            mine, notes = await self._only(request, number), await self._cases.notes(number)
        role = request[PRINCIPAL].role
        seen = [replace(note, text=text_of(note.text, role)) if note.text is not None else note for note in notes]
        return json_reply(200, Notes([note for note in seen if mine in {None, note.by}]))

    async def history(self, request: web.Request) -> Reply:
        """What happened to it."""
        with as_problems():
            number = await self._number(request)
            mine, events = await self._only(request, number), await self._cases.history(number)
        told = [event for event in events if mine in {None, event.actor} or event.kind in _TELLS_NOTHING]
        return json_reply(200, History([_as_seen(event, request[PRINCIPAL].role) for event in told]))

    async def take_next(self, request: web.Request) -> Reply:
        """Lock the most urgent case that nobody has open."""
        word = await asked(request, NextAsked, empty=NextAsked())
        if request[PRINCIPAL].via == "token":
            raise ClientError(403, "a token takes no cases; they are for people to look at")
        return json_reply(200, Taken(await self._cases.take_next(request[PRINCIPAL], word.tab)))

    async def take(self, request: web.Request) -> Reply:
        """Lock one."""
        word = await asked(request, TakeAsked, empty=TakeAsked())
        with as_problems():
            return json_reply(200, Taken(await self._cases.take(await self._number(request), request[PRINCIPAL], over=word.over)))

    async def beat(self, request: web.Request) -> Reply:
        """It is still open."""
        with as_problems():
            return json_reply(200, Beaten(await self._cases.beat(await self._number(request), request[PRINCIPAL])))

    async def release(self, request: web.Request) -> Reply:
        """Give it back."""
        with as_problems():
            number = await self._number(request)
            await self._cases.release(number, request[PRINCIPAL])
            return json_reply(200, await self._cases.get(number))

    async def assign(self, request: web.Request) -> Reply:
        """Make it somebody's, or nobody's."""
        word = await asked(request, AssignAsked)
        return await self._change(request, self._cases.assign, word.to, word.version)

    async def snooze(self, request: web.Request) -> Reply:
        """Put it off."""
        word = await asked(request, SnoozeAsked)
        return await self._change(request, self._cases.snooze, self._wall() + word.for_s, word.version)

    async def wake(self, request: web.Request) -> Reply:
        """Bring it back."""
        word = await asked(request, ChangeAsked, empty=ChangeAsked())
        return await self._change(request, self._cases.wake, word.version)

    async def escalate(self, request: web.Request) -> Reply:
        """Pass it on to an admin."""
        word = await asked(request, ChangeAsked, empty=ChangeAsked())
        return await self._change(request, self._cases.escalate, word.why, word.version)

    async def give_back(self, request: web.Request) -> Reply:
        """Pass it back to everybody."""
        word = await asked(request, ChangeAsked, empty=ChangeAsked())
        return await self._change(request, self._cases.escalate, word.why, word.version, back=True)

    async def note(self, request: web.Request) -> Reply:
        """Write a note."""
        word = await asked(request, NoteAsked)
        with as_problems():
            return json_reply(201, Noted(await self._cases.note(await self._number(request), request[PRINCIPAL], word.text)))

    async def close(self, request: web.Request) -> Reply:
        """Close it with a verdict and nothing else done; a deed can close it as well."""
        word = await asked(request, CloseAsked)
        if self._actions is None:
            raise ClientError(503, "nothing can be decided here")
        deed = Deed(then="label", key=word.key or token_hex(16), version=word.version, verdict=word.verdict, reason=word.reason, close=True)
        with as_problems():
            return json_reply(200, await self._actions.act(request[PRINCIPAL], await self._number(request), deed))

    async def _change(self, request: web.Request, change: Callable[..., Any], *given: Any, **more: Any) -> Reply:
        with as_problems():
            number = await self._number(request)
            return json_reply(200, Changed(await change(number, request[PRINCIPAL], *given, **more)))

    async def _only(self, request: web.Request, number: int) -> str | None:
        """Whose words whoever asks may see; None: everybody's. What is decided blindly is decided without those of others."""
        row = (await self._cases.get(number)).row
        return request[PRINCIPAL].login if row.blind and row.state == "open" else None

    async def _number(self, request: web.Request) -> int:
        return await self._cases.number(request.match_info["case"])


def _as_seen(event: AuditEntry, role: Role) -> AuditEntry:
    """To a viewer, without the emails and addresses that people wrote."""
    if event.content is None:
        return event
    return replace(event, content={name: text_of(said, role) if isinstance(said, str) else said for name, said in event.content.items()})
