"""Requests of people about their data as openapi describes them."""

from typing import Final

from ratelimit.core.notice import Notice
from ratelimit.review.privacy_request import PrivacyAsked, PrivacyView
from ratelimit.web.openapi_part import BODY_PROBLEMS, OPERATOR, Node, json_of, parameter, problem, ref
from ratelimit.web.privacy import INVENTORY, REQUEST, REQUESTS, PrivacyText, PrivacyViews

PRIVACY_SHAPES: Final = (Notice, PrivacyAsked, PrivacyText, PrivacyView, PrivacyViews)

_WHO: Final = {
    "401": problem("who asks is not known"),
    "403": problem("who asks may not"),
    "503": problem("the ledger or the store is away"),
}
_ID: Final = parameter("path", "id", "the number of the request")
_NONE: Final = {"404": problem("there is no such request"), "409": problem("the request is of another kind, or closed already")}
_STATE: Final = parameter("query", "state", "open, which is the default, or closed", required=False)


def privacy_paths() -> Node:
    """The calls of the operator lane."""
    export = _call("All that is kept of the account, its decisions with their reasons", "200", "PrivacyView", _NONE)
    export["responses"]["200"] = {"description": "the document", "content": {"application/json": {"schema": {"type": "object"}}}}
    asked = _call("Enter a request; restrict and object are in force at once", "201", "PrivacyView", {**BODY_PROBLEMS, **_NONE})
    kept = _call("What is kept of people, why, how long and by which sentence; what is off, and what would allow it", "200", "Notice", {})
    return {
        INVENTORY: {"servers": OPERATOR, "get": kept},
        REQUESTS: {
            "servers": OPERATOR,
            "parameters": [_STATE],
            "get": _call("Requests of people about their data", "200", "PrivacyViews", {"422": BODY_PROBLEMS["422"]}),
            "post": _with_body(asked, "PrivacyAsked"),
        },
        REQUEST: {"servers": OPERATOR, "parameters": [_ID], "get": _call("One request", "200", "PrivacyView", _NONE)},
        f"{REQUEST}/export": {"servers": OPERATOR, "parameters": [_ID], "get": export},
        f"{REQUEST}/approve": _step("Agree to an erasure as its second person; it is done then"),
        f"{REQUEST}/done": _step("A correction was made", body=True),
        f"{REQUEST}/refuse": _step("Refuse a request, with the reason that the person is told", body=True),
        f"{REQUEST}/withdraw": _step("The person takes it back; restrict and object end"),
    }


def _step(summary: str, *, body: bool = False) -> Node:
    call = _call(summary, "200", "PrivacyView", {**(BODY_PROBLEMS if body else {}), **_NONE})
    return {"servers": OPERATOR, "parameters": [_ID], "post": _with_body(call, "PrivacyText") if body else call}


def _with_body(call: Node, schema: str) -> Node:
    call["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref(schema)}}}
    return call


def _call(summary: str, status: str, schema: str, problems: Node) -> Node:
    answers = {status: json_of(summary, schema), **problems, **_WHO}
    return {"tags": ["privacy"], "summary": summary, "security": [{"operator": []}], "responses": answers}
