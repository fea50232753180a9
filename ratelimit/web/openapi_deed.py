"""Deeds of people as openapi describes them."""

from typing import Final

from ratelimit.review.deed import ActionView, Deed, Done, Preview
from ratelimit.web.cases import CASE
from ratelimit.web.deeds import ACTION, ACTIONS, OF_CASE, ActionsView, Redo, Why
from ratelimit.web.openapi_part import BODY_PROBLEMS, OPERATOR, Node, json_of, parameter, problem, ref

DEED_SHAPES: Final = (ActionView, ActionsView, Deed, Done, Preview, Redo, Why)

_WHO: Final = {
    "401": problem("who asks is not known"),
    "403": problem("who asks may not"),
    "503": problem("the ledger is away"),
}
_GONE: Final = {"404": problem("there is no such case, or no such action")}
_LATE: Final = {"409": problem("somebody was faster or has it open, or it cannot be done as things stand")}
_DONE: Final = {
    "200": json_of("done, and in force", "Done"),
    "202": json_of("written down; it is done as soon as the store is there", "Done"),
    **_GONE,
    **_LATE,
}
_PREVIEW: Final = {"200": json_of("nothing was done", "Preview"), **_GONE}


def deed_paths() -> Node:
    """The calls of the operator lane."""
    case = {"servers": OPERATOR, "parameters": [parameter("path", "case", "its number, such as C-1042, or a reference that was told")]}
    action = {"servers": OPERATOR, "parameters": [parameter("path", "id", "the action's id")]}
    listed = {"200": json_of("latest first", "ActionsView"), **_GONE}
    return {
        OF_CASE: {
            **case,
            "get": _call("What was done in a case, and about whom it is about", listed),
            "post": _asked("Block, throttle, allow, hold, label, ... and close a case", "Deed", _DONE),
        },
        f"{CASE}/preview": {**case, "post": _asked("Whom a deed would hit", "Deed", _PREVIEW)},
        ACTIONS: {
            "servers": OPERATOR,
            "get": _call("What waits for a second person, first to last", {"200": json_of("first to last", "ActionsView")}),
            "post": _asked("Do a deed on a target that it names, without a case", "Deed", _DONE),
        },
        f"{ACTIONS}/preview": {"servers": OPERATOR, "post": _asked("Whom a deed would hit", "Deed", _PREVIEW)},
        ACTION: {**action, "get": _call("One action", {"200": json_of("as it stands", "ActionView"), **_GONE})},
        f"{ACTION}/undo": {**action, "post": _asked("Let stand again what stood before", "Why", _DONE, required=False)},
        f"{ACTION}/redo": {**action, "post": _asked("Do again what was undone", "Redo", _DONE)},
        f"{ACTION}/approve": {**action, "post": _call("Be the second person", _DONE)},
        f"{ACTION}/refuse": {**action, "post": _asked("Be the second person, and against it", "Why", _DONE, required=False)},
    }


def _asked(summary: str, shape: str, answers: Node, *, required: bool = True) -> Node:
    body = {"required": required, "content": {"application/json": {"schema": ref(shape)}}}
    return {**_call(summary, {**BODY_PROBLEMS, **answers}), "requestBody": body}


def _call(summary: str, answers: Node) -> Node:
    return {"tags": ["cases"], "summary": summary, "security": [{}, {"operator": []}], "responses": {**answers, **_WHO}}
