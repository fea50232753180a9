"""The description of the lanes is true: every path that it has is answered so, and every path that is answered is in it."""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ratelimit.web.audit import AUDIT
from ratelimit.web.campaigns import CAMPAIGNS
from ratelimit.web.cases import CASES
from ratelimit.web.deeds import ACTIONS
from ratelimit.web.holds import HOLDS
from ratelimit.web.models import MODELS
from ratelimit.web.openapi import openapi
from ratelimit.web.overview import OVERVIEW
from ratelimit.web.page import ASSETS
from ratelimit.web.people import ME, PEOPLE, TOKENS
from ratelimit.web.quality import QUALITY
from ratelimit.web.rules import RULES
from ratelimit.web.traffic import TRAFFIC
from ratelimit.web.webhooks import DEAD

StartOperator = Callable[..., Awaitable[Any]]

DOCUMENT = json.loads(json.dumps(openapi()))
LIMIT = {"name": "key", "per": ["api_key"], "bucket": {"capacity": 2, "refill": "1/h"}}
TOKEN = "a-token-that-is-long-enough"
BEARER = f"Authorization: Bearer {TOKEN}"
REQUIRED = ("X-Forwarded-Method: GET", "X-Forwarded-Uri: /", "X-Original-Method: GET", "X-Original-URI: /")


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def plain(node: Any) -> Any:
    """A schema of OpenAPI 3.0 as JSON Schema has it, so that an ordinary validator reads it."""
    if isinstance(node, list):
        return [plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {name: plain(value) for name, value in node.items() if name != "nullable"}
    return {"anyOf": [found, {"type": "null"}]} if node.get("nullable") else found


def valid(schema: str, content: Any) -> None:
    document = {"components": {"schemas": plain(DOCUMENT["components"]["schemas"])}, "$ref": f"#/components/schemas/{schema}"}
    Draft202012Validator(document).validate(content)


def test_document() -> None:
    """It is of the version that our Swagger UI reads, refers to nothing that is not there, and knows no type null."""
    assert DOCUMENT["openapi"] == "3.0.3"
    assert {reference.rpartition("/")[2] for reference in references(DOCUMENT)} <= DOCUMENT["components"]["schemas"].keys()
    assert '"null"' not in json.dumps(DOCUMENT)
    for path in DOCUMENT["paths"].values():
        for call in (path.get("get"), path.get("post"), path.get("delete")):
            assert call is None or (call["summary"] and call["tags"] and call["responses"])


LEDGER = (
    RULES,
    MODELS,
    CASES,
    CAMPAIGNS,
    QUALITY,
    ACTIONS,
    "/v1/privacy",
    TRAFFIC,
    ME,
    PEOPLE,
    TOKENS,
    AUDIT,
    "/v1/bulk",
    "/v1/appeals",
    "/v1/labels",
    OVERVIEW,
)


# these are the ledger's, and are held against the document where they are tested
@pytest.mark.parametrize("path", [path for path in DOCUMENT["paths"] if not path.startswith(LEDGER)])
async def test_path_is_answered(path: str, start_operator: StartOperator) -> None:
    """On the lane that it names, each call gets an answer that the document knows."""
    operator = await start_operator([LIMIT], store=False, operator_token=TOKEN)
    described = DOCUMENT["paths"][path]
    for server in described["servers"]:
        lane = operator.gateway if server["description"].startswith("gateway") else operator.lane
        target = path.replace("{path}", "a").replace("{id}", "nobody-1").replace("{purchase}", "p1")
        changes = sorted(described.keys() & {"post", "delete"})
        for method in changes:
            answer = await (lane.post(target, b"{}", BEARER) if method == "post" else lane.get(target, BEARER, method=method.upper()))
            assert str(answer.status) in described[method]["responses"]
        if changes:
            assert "get" in described or (await lane.get(target, BEARER)).status == 405
        else:
            answer = await lane.get(target + "?account=a" * (path == HOLDS), BEARER, *REQUIRED)
            away = path == DEAD or path.startswith(("/v1/webhooks/stripe", "/v1/records/refused"))
            expected = 503 if away else 404 if "{id}" in path else 200
            assert (answer.status, str(expected) in described["get"]["responses"]) == (expected, True)


async def test_nothing_is_left_out(start_operator: StartOperator) -> None:
    """Every path of both lanes is described, but for the files of the pages."""
    operator = await start_operator([LIMIT], store=False)
    gateway = (await operator.gateway.get("/nowhere")).json["detail"].partition("there is ")[2].split(", ")
    described = {path.removesuffix("/{path}") for path in DOCUMENT["paths"]}
    assert set(gateway) <= described
    unknown = [path for path in ("/", "/docs", "/metrics", "/v1/policy", "/openapi.json") if path not in described]
    assert unknown == []
    assert (await operator.lane.get("/openapi.json")).json == DOCUMENT
    assert not described & ASSETS.keys()


async def test_schemas_fit(start_operator: StartOperator) -> None:
    """What is answered fits its schema, and what is asked does."""
    operator = await start_operator([LIMIT])
    for _ in range(3):
        valid("Decision", (await operator.gateway.check(api_key="k")).json)
    check = {"method": "GET", "path": "/", "api_key": "k", "ip": None, "cost": 2}
    valid("CheckRequest", check)
    valid("BatchRequest", {"checks": [check]})
    valid("Decisions", (await operator.gateway.post("/v1/check/batch", {"checks": [check]})).json)
    event = {"time": 1.5, "type": "login", "account": "a"}
    valid("Event", event)
    valid("EventCounts", (await operator.gateway.post("/v1/events", event)).json)
    valid("Problem", (await operator.gateway.check(cost=-1)).json)
    valid("Problem", (await operator.gateway.get("/v1/authorize/envoy/", "X-Api-Key: k")).json)
    with pytest.raises(Exception, match="is less than the minimum"):
        valid("CheckRequest", {**check, "cost": -1})
