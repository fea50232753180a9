"""Deeds of people as openapi describes them."""

from typing import Final

from msgspec import Struct

from ratelimit.review.appeal import AppealAsked, AppealFigures, AppealView, AppealWord
from ratelimit.review.bulk import Bulk, BulkDone
from ratelimit.review.deed import ActionView, Deed, Done, Preview
from ratelimit.review.dispute_pack import Pack
from ratelimit.web.appeals import APPEAL, APPEALS, AppealFilter, AppealSince, AppealsView
from ratelimit.web.bulk import BULK
from ratelimit.web.cases import CASE
from ratelimit.web.deeds import ACTION, ACTIONS, OF_CASE, ActionsView, Redo, Why
from ratelimit.web.labels import LABELS, LabelsAsked, LabelsView
from ratelimit.web.openapi_part import BODY_PROBLEMS, OPERATOR, Node, json_of, parameter, problem, ref
from ratelimit.web.packs import PACK

DEED_SHAPES: Final = (
    ActionView, ActionsView, AppealAsked, AppealFigures, AppealsView, AppealView, AppealWord, Bulk, BulkDone, Deed, Done, LabelsView, Pack,
    Preview, Redo, Why,
)  # fmt: skip

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
_NO_QUERY: Final = {"422": BODY_PROBLEMS["422"]}
_LABELS: Final = {"200": json_of("by id; with format=csv as CSV", "LabelsView"), **_NO_QUERY}
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
        **_bulk_paths(),
        **_appeal_paths(),
        PACK: {
            "servers": OPERATOR,
            "parameters": [*case["parameters"], parameter("path", "purchase", "the purchase's id")],
            "get": _call("What speaks for a purchase, as Compelling Evidence 3.0 names it", {"200": json_of("made", "Pack"), **_GONE}),
        },
        LABELS: {"servers": OPERATOR, "get": {**_call("Labels, by id", _LABELS), "parameters": _query(LabelsAsked)}},
    }


def _bulk_paths() -> Node:
    done = {"200": json_of("done on each", "BulkDone"), "207": json_of("not on each; see why", "BulkDone"), **_GONE}
    named = [parameter("path", "bulk", "the `bulk` of the answer")]
    return {
        BULK: {"servers": OPERATOR, "post": _asked("Do a deed on many cases, or on a campaign but its exceptions", "Bulk", done)},
        f"{BULK}/preview": {"servers": OPERATOR, "post": _asked("Whom all of it would hit", "Bulk", _PREVIEW)},
        f"{BULK}/{{bulk}}/undo": {
            "servers": OPERATOR,
            "parameters": named,
            "post": _asked("Undo what was done together, the last first", "Why", done, required=False),
        },
    }


def _appeal_paths() -> Node:
    appeal = {"servers": OPERATOR, "parameters": [parameter("path", "id", "the appeal's id")]}
    one = {"200": json_of("as it stands", "AppealView"), **_GONE}
    later = {"202": json_of("overturned; lifted as soon as the store is there", "AppealView")}
    listed = {"200": json_of("latest first", "AppealsView"), **_NO_QUERY}
    figures = {"200": json_of("of those made since then", "AppealFigures"), **_NO_QUERY}
    return {
        APPEALS: {
            "servers": OPERATOR,
            "get": {**_call("Appeals, latest first", listed), "parameters": _query(AppealFilter)},
            "post": _asked("Somebody says that a decision was a mistake", "AppealAsked", {"201": json_of("a case", "AppealView"), **_GONE}),
        },
        f"{APPEALS}/figures": {"servers": OPERATOR, "get": {**_call("How appeals went", figures), "parameters": _query(AppealSince)}},
        APPEAL: {**appeal, "get": _call("One appeal", one)},
        f"{APPEAL}/decide": {**appeal, "post": _asked("Say that it is upheld, or overturned", "AppealWord", {**one, **later, **_LATE})},
    }


def _query(shape: type[Struct]) -> list[Node]:
    return [parameter("query", name, f"see {name} of the description", required=False) for name in shape.__struct_fields__]


def _asked(summary: str, shape: str, answers: Node, *, required: bool = True) -> Node:
    body = {"required": required, "content": {"application/json": {"schema": ref(shape)}}}
    return {**_call(summary, {**BODY_PROBLEMS, **answers}), "requestBody": body}


def _call(summary: str, answers: Node) -> Node:
    return {"tags": ["cases"], "summary": summary, "security": [{}, {"operator": []}], "responses": {**answers, **_WHO}}
