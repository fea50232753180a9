"""Holds and webhooks as openapi describes them."""

from typing import Final

from ratelimit.core.standing import Hold
from ratelimit.web.holds import HOLDS, RELEASE, REVOKE, HoldEnd, HoldsView
from ratelimit.web.openapi_part import BODY_PROBLEMS, GATEWAY, OPERATOR, Node, json_of, parameter, problem, ref
from ratelimit.web.webhooks import DEAD, RETRY, DeadWebhook, RetriedWebhook

HOLD_SHAPES: Final = (Hold, HoldEnd, HoldsView, DeadWebhook, RetriedWebhook)

_AWAY: Final = {"401": problem("the token is missing or wrong"), "503": problem("the store is away")}


def hold_paths() -> Node:
    """The calls of both lanes."""
    return {
        HOLDS: {"servers": GATEWAY, "parameters": [parameter("query", "account", "whose holds")], "get": _holds()},
        RELEASE: _end("Let the tokens of a hold be spent"),
        REVOKE: _end("Never let the tokens of a hold be spent; the site takes them back"),
        DEAD: {"servers": OPERATOR, "get": _operator("Webhooks that were given up, latest first", "200", "DeadWebhooks")},
        RETRY: {
            "servers": OPERATOR,
            "parameters": [parameter("path", "id", "the id of the webhook")],
            "post": _operator("Try one of them for another day", "202", "RetriedWebhook", {"404": problem("none of that id was given up")}),
        },
    }


def _holds() -> Node:
    answers = {
        "200": json_of("what is held, what was spent since, and what may be spent", "HoldsView"),
        "400": problem("the query is not understood"),
        "401": BODY_PROBLEMS["401"],
    }
    summary = "What of an account is held, and how much it may spend"
    return {"tags": ["purchases"], "summary": summary, "security": [{}, {"gateway": []}], "responses": answers}


def _end(summary: str) -> Node:
    answers = {"404": problem("nothing of that purchase is held"), "409": problem("the hold was released or revoked before")}
    call = _operator(summary, "200", "Hold", {**BODY_PROBLEMS, **answers})
    call["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref("HoldEnd")}}}
    return {"servers": OPERATOR, "parameters": [parameter("path", "purchase", "the id of the purchase")], "post": call}


def _operator(summary: str, status: str, schema: str, problems: Node | None = None) -> Node:
    answers = {status: json_of("done" if status != "200" else summary, schema), **(problems or {}), **_AWAY}
    return {"tags": ["purchases"], "summary": summary, "security": [{}, {"operator": []}], "responses": answers}
