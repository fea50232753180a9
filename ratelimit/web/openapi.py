"""The description of both lanes in OpenAPI 3.0.3, which is what the Swagger UI that we ship reads.

Paths are written by hand, shapes come from the structs that decode and encode. A test holds every path against the lanes.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from ratelimit import __version__
from ratelimit.core.decision import Decision
from ratelimit.core.event import Event
from ratelimit.core.purchase import Purchase, PurchaseDecision
from ratelimit.core.record import Record
from ratelimit.core.request import BatchRequest, CheckRequest
from ratelimit.web.events import EventCounts
from ratelimit.web.openapi_account import ACCOUNT_SHAPES, account_paths
from ratelimit.web.openapi_case import CASE_SHAPES, case_paths
from ratelimit.web.openapi_deed import DEED_SHAPES, deed_paths
from ratelimit.web.openapi_hold import HOLD_SHAPES, hold_paths
from ratelimit.web.openapi_intake import INTAKE_LISTS, INTAKE_SHAPES, intake_paths
from ratelimit.web.openapi_override import OVERRIDE_SHAPES, override_paths
from ratelimit.web.openapi_part import BODY_PROBLEMS, GATEWAY, OPERATOR, REF, Node, header, json_of, list_of, problem, ref
from ratelimit.web.openapi_privacy import PRIVACY_SHAPES, privacy_paths
from ratelimit.web.openapi_rule import RULE_SHAPES, rule_paths
from ratelimit.web.openapi_stripe import STRIPE_LISTS, STRIPE_SHAPES, stripe_paths
from ratelimit.web.openapi_traffic import TRAFFIC_SHAPES, traffic_paths
from ratelimit.web.problems import Problem

_ABOUT: Final = (
    "May this caller do this? The gateway asks on its lane; metrics, policy and these pages are on the operator lane. "
    "A mistake is a problem (RFC 9457) with the JSON path of the wrong field, and never a 5xx."
)
_FORWARDED_FOR: Final = "the row of addresses that the request came by; the caller is the right-most that is no trusted proxy"
_SHAPES: Final = (CheckRequest, BatchRequest, Decision, Event, EventCounts, Problem, Purchase, PurchaseDecision, Record)


class _Part(NamedTuple):
    """What stands in a file of its own."""

    paths: Callable[[], Node]
    shapes: Sequence[type[Struct]]
    lists: Node


_PARTS: Final = (
    _Part(hold_paths, HOLD_SHAPES, {}),
    _Part(override_paths, OVERRIDE_SHAPES, {}),
    _Part(case_paths, CASE_SHAPES, {}),
    _Part(deed_paths, DEED_SHAPES, {}),
    _Part(stripe_paths, STRIPE_SHAPES, STRIPE_LISTS),
    _Part(account_paths, ACCOUNT_SHAPES, {}),
    _Part(intake_paths, INTAKE_SHAPES, INTAKE_LISTS),
    _Part(rule_paths, RULE_SHAPES, {}),
    _Part(privacy_paths, PRIVACY_SHAPES, {}),
    _Part(traffic_paths, TRAFFIC_SHAPES, {}),
)


def openapi() -> Node:
    """The whole document."""
    _, shapes = msgspec.json.schema_components([*_SHAPES, *(shape for part in _PARTS for shape in part.shapes)], ref_template=REF)
    schemas: Node = {name: _in_3_0(shape) for name, shape in shapes.items()}
    schemas["Decisions"] = list_of("decisions", "Decision")
    schemas["Records"] = list_of("records", "Record")
    for part in _PARTS:
        schemas |= part.lists
    schemas["DeadWebhooks"] = list_of("dead", "DeadWebhook")
    return {
        "openapi": "3.0.3",
        "info": {"title": "ratelimit", "version": __version__, "description": _ABOUT, "license": {"name": "Apache-2.0"}},
        "paths": {
            **_checks(),
            **_events(),
            **_purchases(),
            **{path: node for part in _PARTS for path, node in part.paths().items()},
            **_authorize(),
            **_health(),
            **_operator(),
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "gateway": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-RateLimit-Token",
                    "description": "if RATELIMIT_GATEWAY_TOKEN is set",
                },
                "operator": {"type": "http", "scheme": "bearer", "description": "if RATELIMIT_OPERATOR_TOKEN is set"},
            },
        },
    }


def _in_3_0(shape: Any) -> Any:
    """A JSON Schema as OpenAPI 3.0 writes it: null is no type there, a field is `nullable`."""
    if isinstance(shape, list):
        return [_in_3_0(one) for one in shape]
    if not isinstance(shape, dict):
        return shape
    plain = {name: _in_3_0(value) for name, value in shape.items()}
    choices = plain.get("anyOf", [])
    if {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        del plain["anyOf"]
        return {**(rest[0] if len(rest) == 1 else {"anyOf": rest}), **plain, "nullable": True}
    return plain


def _checks() -> Node:
    def call(summary: str, asked: str, answered: str) -> Node:
        body = {"required": True, "content": {"application/json": {"schema": ref(asked)}}}
        answers = {"200": json_of("decided; allow, throttle and block alike", answered), **BODY_PROBLEMS}
        return {
            "post": {"tags": ["check"], "summary": summary, "security": [{}, {"gateway": []}], "requestBody": body, "responses": answers}
        }

    return {
        "/v1/check": {"servers": GATEWAY, **call("Decide on one request", "CheckRequest", "Decision")},
        "/v1/check/batch": {"servers": GATEWAY, **call("Decide on up to 1,000 requests, in order", "BatchRequest", "Decisions")},
    }


def _events() -> Node:
    summary = "Tell how requests were answered, and what happens in accounts' lives: NDJSON, an event a line"
    body = {"content": {"application/x-ndjson": {"schema": ref("Event")}}}
    answers = {"202": json_of("what became of the lines; a wrong one spoils no other", "EventCounts")}
    answers |= {**BODY_PROBLEMS, "400": problem("the body is not NDJSON")}
    del answers["422"]
    call = {"tags": ["events"], "summary": summary, "security": [{}, {"gateway": []}], "requestBody": body, "responses": answers}
    return {"/v1/events": {"servers": GATEWAY, "post": call}}


_PURCHASE: Final = {
    "id": "order_1042",
    "attempt": 1,
    "kind": "purchase",
    "account": "42",
    "ip": "203.0.113.7",
    "amount": 4900,
    "currency": "EUR",
    "tokens": 1000,
    "email": "somebody@example.com",
    "card": {
        "fingerprint": "fp_Xt5EWLLDS7FJjR1c",
        "last4": "4242",
        "exp_month": 12,
        "exp_year": 2030,
        "country": "DE",
        "funding": "credit",
        "brand": "visa",
    },
}


def _purchases() -> Node:
    body = {"required": True, "content": {"application/json": {"schema": ref("Purchase"), "example": _PURCHASE}}}
    answers = {
        "200": json_of("decided; accept, hold, challenge and refuse alike", "PurchaseDecision"),
        **BODY_PROBLEMS,
        "409": problem("this attempt was asked about before, with another body"),
        "422": problem("a field is wrong, or a card's number or security code stands somewhere in the body"),
    }
    summary = "Decide on one attempt of a purchase. Asked again with the same body the answer is the same"
    call = {"tags": ["purchases"], "summary": summary, "security": [{}, {"gateway": []}], "requestBody": body, "responses": answers}
    return {"/v1/purchases": {"servers": GATEWAY, "post": call}}


_THROTTLED: Final = problem("slow down; Retry-After says how long")
_BLOCKED: Final = problem("blocked")


def _authorize() -> Node:
    def lane(summary: str, parameters: list[Node], refusals: Node) -> Node:
        answers = {"200": {"description": "the request may pass"}, **refusals}
        read = {"tags": ["authorize"], "summary": summary, "security": [{}, {"gateway": []}], "responses": answers}
        return {"servers": GATEWAY, "parameters": [*parameters, header("X-Forwarded-For", _FORWARDED_FOR)], "get": read}

    mistake = {"400": problem("a header is missing or wrong"), "401": problem("X-RateLimit-Token is missing or wrong")}
    away = {"503": problem("a limit is told to deny while the store is away")}
    forwarded = [header(f"X-Forwarded-{name}", f"the request's {name}", required=True) for name in ("Method", "Uri")]
    original = [header(f"X-Original-{name}", f"the request's {name}", required=True) for name in ("Method", "URI")]
    path = {"name": "path", "in": "path", "required": True, "description": "the request's own path", "schema": {"type": "string"}}
    return {
        "/v1/authorize/forwarded": lane("Traefik, Caddy: any method", forwarded, {**mistake, "403": _BLOCKED, "429": _THROTTLED, **away}),
        "/v1/authorize/nginx": lane(
            "nginx auth_request: 403 for everything that is not 200; X-RateLimit-Status says which",
            original,
            {"403": problem("refused, or a mistake")},
        ),
        "/v1/authorize/envoy/{path}": lane(
            "Envoy ext_authz over HTTP: any method, its own", [path], {**mistake, "403": _BLOCKED, "429": _THROTTLED}
        ),
    }


def _health() -> Node:
    def probe(summary: str, *, may_fail: bool) -> Node:
        answers = {"200": {"description": "yes"}} | ({"503": {"description": "no; the body says why"}} if may_fail else {})
        return {"servers": GATEWAY + OPERATOR, "get": {"tags": ["health"], "summary": summary, "responses": answers}}

    return {
        "/livez": probe("Does this process answer?", may_fail=False),
        "/readyz": probe("Should requests be sent here? Also while the store is away, which the body says", may_fail=True),
    }


def _operator() -> Node:
    def page(summary: str, media: str) -> Node:
        answers = {"200": {"description": summary, "content": {media: {}}}, "401": problem("the token is missing or wrong")}
        return {
            "servers": OPERATOR,
            "get": {"tags": ["operator"], "summary": summary, "security": [{}, {"operator": []}], "responses": answers},
        }

    def data(summary: str, schema: str) -> Node:
        told = page(summary, "application/json")
        told["get"]["responses"]["200"] = json_of(summary, schema)
        return told

    reference = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "the id that the caller was told",
        "schema": {"type": "string"},
    }
    record = data("The refusal of that id, while it is remembered", "Record")
    record["parameters"] = [reference]
    record["get"]["responses"]["404"] = problem("no refusal of that id is remembered here")
    return {
        "/v1/records": data("The latest refusals of this sidecar, or of all its workers", "Records"),
        "/v1/records/{id}": record,
        "/metrics": page("Metrics for Prometheus", "text/plain"),
        "/v1/policy": page("The policy in force, its warnings, and the problems of its file", "application/json"),
        "/openapi.json": page("This document", "application/json"),
        "/docs": page("This document, for people", "text/html"),
        "/": page("Links to all this", "text/html"),
    }
