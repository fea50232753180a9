"""What people do about subjects, on the operator lane: done on a case or on whom it names, undone, approved by a second person.

What the store cannot be told yet is answered with 202: it is written down, and is done as soon as the store is there.
"""

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from ratelimit.review.actions import Actions
from ratelimit.review.cases import Cases
from ratelimit.review.deed import ActionView, Deed, Done, Key, Preview
from ratelimit.review.preview import Previews
from ratelimit.web.case_problem import as_problems, asked
from ratelimit.web.cases import CASE
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import PRINCIPAL, Handle, Route

ACTIONS: Final = "/v1/actions"
ACTION: Final = f"{ACTIONS}/{{id}}"
OF_CASE: Final = f"{CASE}/actions"
READ: Final = "cases:read"
WRITE: Final = "actions:write"
_NOT_DONE_YET: Final = frozenset({"intended", "undoing"})


class Why(Struct, frozen=True, forbid_unknown_fields=True):
    """Why something is undone or refused."""

    reason: Annotated[str, Meta(max_length=500)] = ""


class Redo(Struct, frozen=True, forbid_unknown_fields=True):
    """The same `key` is the same deed, however often it comes."""

    key: Key


class ActionsView(Struct, frozen=True):
    """Deeds."""

    actions: list[ActionView]


class DeedCalls:
    """Does, undoes and shows."""

    def __init__(self, actions: Actions, previews: Previews, cases: Cases) -> None:
        self._actions, self._previews, self._cases = actions, previews, cases

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        reads: dict[str, Handle] = {OF_CASE: self.of_case, ACTIONS: self.waiting, ACTION: self.get}
        writes: dict[str, Handle] = {
            OF_CASE: self.act,
            f"{CASE}/preview": self.preview,
            ACTIONS: self.act_alone,
            f"{ACTIONS}/preview": self.preview_alone,
            f"{ACTION}/undo": self.undo,
            f"{ACTION}/redo": self.redo,
            f"{ACTION}/approve": self.approve,
            f"{ACTION}/refuse": self.refuse,
        }
        return [
            *(Route("GET", path, handle, role="viewer", scope=READ, early=True) for path, handle in reads.items()),
            *(Route("POST", path, handle, role="analyst", scope=WRITE, early=True) for path, handle in writes.items()),
        ]

    async def act(self, request: web.Request) -> Reply:
        """Do a deed on a case."""
        deed = await asked(request, Deed)
        with as_problems():
            return _done(await self._actions.act(request[PRINCIPAL], await self._number(request), deed))

    async def act_alone(self, request: web.Request) -> Reply:
        """Do a deed on a target that it names, without a case."""
        deed = await asked(request, Deed)
        with as_problems():
            return _done(await self._actions.act(request[PRINCIPAL], None, deed))

    async def preview(self, request: web.Request) -> Reply:
        """Whom a deed on a case would hit; nothing is done."""
        deed = await asked(request, Deed)
        with as_problems():
            found: Preview = await self._previews.preview(request[PRINCIPAL], await self._number(request), deed)
        return json_reply(200, found)

    async def preview_alone(self, request: web.Request) -> Reply:
        """Whom a deed on a target that it names would hit."""
        deed = await asked(request, Deed)
        with as_problems():
            return json_reply(200, await self._previews.preview(request[PRINCIPAL], None, deed))

    async def of_case(self, request: web.Request) -> Reply:
        """What was done in a case and about its anchor, latest first."""
        with as_problems():
            return json_reply(200, ActionsView(await self._actions.of_case(request[PRINCIPAL], await self._number(request))))

    async def waiting(self, request: web.Request) -> Reply:
        """What waits for a second person, first to last."""
        return json_reply(200, ActionsView(await self._actions.waiting(request[PRINCIPAL])))

    async def get(self, request: web.Request) -> Reply:
        """One."""
        found = await self._actions.get(request[PRINCIPAL], id_of(request))
        if found is None:
            raise ClientError(404, "there is no action of that id")
        return json_reply(200, found)

    async def undo(self, request: web.Request) -> Reply:
        """Undo one."""
        why = await asked(request, Why, empty=Why())
        with as_problems():
            return _done(await self._actions.undo(request[PRINCIPAL], id_of(request), why.reason))

    async def redo(self, request: web.Request) -> Reply:
        """Do again what was undone."""
        word = await asked(request, Redo)
        with as_problems():
            return _done(await self._actions.redo(request[PRINCIPAL], id_of(request), word.key))

    async def approve(self, request: web.Request) -> Reply:
        """Be the second person."""
        with as_problems():
            return _done(await self._actions.approve(request[PRINCIPAL], id_of(request)))

    async def refuse(self, request: web.Request) -> Reply:
        """Be the second person, and against it."""
        why = await asked(request, Why, empty=Why())
        with as_problems():
            return _done(await self._actions.refuse(request[PRINCIPAL], id_of(request), why.reason))

    async def _number(self, request: web.Request) -> int:
        return await self._cases.number(request.match_info["case"])


def id_of(request: web.Request) -> int:
    """The id that the path names."""
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ClientError(404, f"{text[:40]!r} is no id; expected a number")
    return int(text)


def _done(found: Done) -> Reply:
    return json_reply(202 if found.state in _NOT_DONE_YET else 200, found)
