"""What people do about subjects, on the operator lane: done on a case or on whom it names, undone, approved by a second person.

What the store cannot be told yet is answered with 202: it is written down, and is done as soon as the store is there.
"""

from collections.abc import Callable
from typing import Annotated, Final, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from ratelimit.core.case import number_of
from ratelimit.core.principal import Principal
from ratelimit.review.actions import Actions
from ratelimit.review.deed import ActionView, Deed, Done, Key
from ratelimit.web.body import MAX_BODY, read_body, undecodable
from ratelimit.web.case_problem import answered
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply
from ratelimit.web.route import PRINCIPAL, Route

ACTIONS: Final = "/v1/actions"
ACTION: Final = f"{ACTIONS}/{{id}}"
OF_CASE: Final = "/v1/cases/{number}/actions"
READ: Final = "cases:read"
WRITE: Final = "actions:write"
_NOT_DONE_YET: Final = frozenset({"intended", "undoing"})

T = TypeVar("T", bound=Struct)


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

    def __init__(self, actions: Actions) -> None:
        self._actions = actions

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("POST", OF_CASE, self.act, role="analyst", scope=WRITE),
            Route("GET", OF_CASE, self.of_case, role="viewer", scope=READ),
            Route("POST", ACTIONS, self.act_alone, role="analyst", scope=WRITE),
            Route("GET", ACTIONS, self.waiting, role="viewer", scope=READ),
            Route("GET", ACTION, self.get, role="viewer", scope=READ),
            Route("POST", f"{ACTION}/undo", self.undo, role="analyst", scope=WRITE),
            Route("POST", f"{ACTION}/redo", self.redo, role="analyst", scope=WRITE),
            Route("POST", f"{ACTION}/approve", self.approve, role="analyst", scope=WRITE),
            Route("POST", f"{ACTION}/refuse", self.refuse, role="analyst", scope=WRITE),
        ]

    async def act(self, request: web.Request) -> Reply:
        """Do a deed on a case."""
        return _done(await answered(self._actions.act(who(request), number(request), await decoded(request, _deed, Deed))))

    async def act_alone(self, request: web.Request) -> Reply:
        """Do a deed on a target that it names, without a case."""
        return _done(await answered(self._actions.act(who(request), None, await decoded(request, _deed, Deed))))

    async def of_case(self, request: web.Request) -> Reply:
        """What was done in a case and about its anchor, latest first."""
        return json_reply(200, ActionsView(await answered(self._actions.of_case(who(request), number(request)))))

    async def waiting(self, request: web.Request) -> Reply:
        """What waits for a second person, first to last."""
        return json_reply(200, ActionsView(await answered(self._actions.waiting(who(request)))))

    async def get(self, request: web.Request) -> Reply:
        """One."""
        found = await answered(self._actions.get(who(request), _id(request)))
        if found is None:
            raise ClientError(404, "there is no action of that id")
        return json_reply(200, found)

    async def undo(self, request: web.Request) -> Reply:
        """Undo one."""
        why = await decoded(request, _why, Why)
        return _done(await answered(self._actions.undo(who(request), _id(request), why.reason)))

    async def redo(self, request: web.Request) -> Reply:
        """Do again what was undone."""
        asked = await decoded(request, _redo, Redo)
        return _done(await answered(self._actions.redo(who(request), _id(request), asked.key)))

    async def approve(self, request: web.Request) -> Reply:
        """Be the second person."""
        return _done(await answered(self._actions.approve(who(request), _id(request))))

    async def refuse(self, request: web.Request) -> Reply:
        """Be the second person, and against it."""
        why = await decoded(request, _why, Why)
        return _done(await answered(self._actions.refuse(who(request), _id(request), why.reason)))


def number(request: web.Request) -> int:
    """The number of the case that the path names."""
    found = number_of(request.match_info["number"])
    if found is None:
        raise ClientError(404, f"{request.match_info['number'][:40]!r} is no number of a case; expected one such as C-1042")
    return found


def _id(request: web.Request) -> int:
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ClientError(404, f"{text[:40]!r} is no id of an action")
    return int(text)


def _done(found: Done) -> Reply:
    return json_reply(202 if found.state in _NOT_DONE_YET else 200, found)
