"""Overrides and lists as openapi describes them."""

from typing import Final

from ratelimit.core.override import OverrideAsked
from ratelimit.web.openapi_part import BODY_PROBLEMS, OPERATOR, Node, json_of, parameter, problem, ref
from ratelimit.web.overrides import LISTS, OVERRIDE, OVERRIDES, ListsView, OverridesView, OverrideView

OVERRIDE_SHAPES: Final = (OverrideAsked, OverrideView, OverridesView, ListsView)

_TOKEN: Final = {"401": problem("the token is missing or wrong")}
_AWAY: Final = {"503": problem("the store is away")}
_CHANGE: Final = {**BODY_PROBLEMS, **_TOKEN, **_AWAY}
_GONE: Final = {"404": problem("no override of that id stands")}
_FULL: Final = {"409": problem("100,000 words stand already; or this one stands by a deed, which is undone instead")}


def override_paths() -> Node:
    """The calls of the operator lane."""
    shown = json_of("done; with dry_run: what would be said", "OverrideView")
    words, was = json_of("latest first", "OverridesView"), json_of("what it was", "OverrideView")
    target = parameter("query", "target", "such as account:42", required=False)
    source = parameter("query", "source", "override (default), rule or hold", required=False)
    query = {"400": problem("the query is not understood"), "422": problem("it is no target, or no source")}
    who = [parameter("query", "author", "who takes it away"), parameter("query", "reason", "why")]
    return {
        OVERRIDES: {
            "servers": OPERATOR,
            "get": {**_call("The words that stand", {"200": words, **query, **_TOKEN}), "parameters": [target, source]},
            "post": _asked("Make one", {"201": json_of("made", "OverrideView"), "200": shown, **_FULL, **_CHANGE}),
        },
        OVERRIDE: {
            "servers": OPERATOR,
            "parameters": [parameter("path", "id", "the override's id")],
            "get": _call("One override", {"200": json_of("as it stands", "OverrideView"), **_GONE, **_TOKEN}),
            "put": _asked("Say something else in its place", {"200": shown, **_GONE, **_FULL, **_CHANGE}),
            "delete": {**_call("Take it away", {"200": was, **query, **_GONE, **_FULL, **_TOKEN, **_AWAY}), "parameters": who},
        },
        LISTS: {"servers": OPERATOR, "get": _call("The policy's lists", {"200": json_of("in its order", "ListsView"), **_TOKEN})},
    }


def _asked(summary: str, answers: Node) -> Node:
    body = {"required": True, "content": {"application/json": {"schema": ref("OverrideAsked")}}}
    return {**_call(summary, answers), "requestBody": body}


def _call(summary: str, answers: Node) -> Node:
    return {"tags": ["operator"], "summary": summary, "security": [{}, {"operator": []}], "responses": answers}
