"""Stripe's events as openapi describes them."""

from typing import Final

from msgspec import Struct

from ratelimit.service.stripe_inbox import Shelved
from ratelimit.web.openapi_part import BODY_PROBLEMS, OPERATOR, Node, header, json_of, list_of, parameter, problem
from ratelimit.web.stripe import DEAD, DROP, PARKED, RETRY, WEBHOOK


class StripeResult(Struct):
    """What became of an event or a fact: stored, repeated, twin, ignored; dropped."""

    result: str


STRIPE_SHAPES: Final = (Shelved, StripeResult)
STRIPE_LISTS: Final[Node] = {"DeadFacts": list_of("dead", "Shelved"), "ParkedFacts": list_of("parked", "Shelved")}

_AWAY: Final = {"401": problem("the token is missing or wrong"), "503": problem("the store is away")}
_NO_FACT: Final = {"404": problem("no dead fact of that event is kept")}


def stripe_paths() -> Node:
    """The calls of the operator lane."""
    return {
        WEBHOOK: {"servers": OPERATOR, "parameters": [header("Stripe-Signature", "as Stripe signs", required=True)], "post": _webhook()},
        DEAD: {"servers": OPERATOR, "get": _call("Facts of Stripe with which something is wrong, latest first", "200", "DeadFacts")},
        PARKED: {"servers": OPERATOR, "get": _call("Facts of Stripe that wait for their purchase", "200", "ParkedFacts")},
        RETRY: {**_of_fact(), "post": _call("Work on a dead fact again", "202", "StripeResult", _NO_FACT)},
        DROP: {**_of_fact(), "delete": _call("Give a dead fact up", "200", "StripeResult", _NO_FACT)},
    }


def _webhook() -> Node:
    answers = {
        "200": json_of("it is stored, or was before, or is of no use", "StripeResult"),
        **BODY_PROBLEMS,
        "400": problem("the signature or its time is wrong, or the body is not JSON"),
        "404": problem("RATELIMIT_STRIPE_SECRETS is not set"),
        "429": problem("too many events with a wrong signature came from there"),
        "503": _AWAY["503"],
    }
    del answers["401"]
    summary = "Take in an event of Stripe; its signature is its token"
    body = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    return {"tags": ["purchases"], "summary": summary, "security": [{}], "requestBody": body, "responses": answers}


def _of_fact() -> Node:
    return {"servers": OPERATOR, "parameters": [parameter("path", "id", "the id of the event")]}


def _call(summary: str, status: str, schema: str, problems: Node | None = None) -> Node:
    answers = {status: json_of(summary, schema), **(problems or {}), **_AWAY}
    return {"tags": ["purchases"], "summary": summary, "security": [{}, {"operator": []}], "responses": answers}
