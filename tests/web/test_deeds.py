"""Deeds over HTTP: done, refused by the gateway lane, undone; what cannot be is a problem with its place."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ratelimit.ledger.ledger import Ledger
from ratelimit.web.deeds import ACTIONS, OF_CASE
from ratelimit.web.openapi import openapi
from tests.review.case_site import account, flagged, rule
from tests.web.test_openapi import valid

StartOperator = Callable[..., Awaitable[Any]]
LIMIT = {"name": "key", "per": ["account"], "bucket": {"capacity": 100, "refill": "1/h"}}
BLOCK = {"then": "block", "key": "of-this-test", "pick": "leaked_key"}


@pytest.fixture
async def operator(start_operator: StartOperator, ledger: Ledger) -> Any:
    """Both lanes, with a case about the account a1."""
    await flagged(ledger, rule(anchor=account("a1")))
    return await start_operator([LIMIT], ledger=ledger)


async def decision(operator: Any) -> Any:
    return (await operator.gateway.check(account="a1")).json["reason"]


async def test_done_and_undone(operator: Any) -> None:
    """A case is decided: the very next request is refused; it is undone: the next one passes; done again, refused."""
    lane = operator.lane
    assert await decision(operator) == "ok"
    answer = await lane.post("/v1/cases/C-1/actions", {**BLOCK, "version": 1})
    valid("Done", answer.json)
    assert (answer.status, answer.json["state"], answer.json["version"]) == (200, "in_force", 2)
    assert await decision(operator) == "override_block"
    path = f"{ACTIONS}/{answer.json['id']}"
    shown = (await lane.get(path)).json
    valid("ActionView", shown)
    assert (shown["may_undo"], shown["shown"], shown["reason"]) == (True, "a1", "leaked key")
    assert (await lane.post(f"{path}/undo", b"")).json["state"] == "undone"
    assert await decision(operator) == "ok"
    assert (await lane.post(f"{path}/redo", {"key": "once-more"})).status == 200
    assert await decision(operator) == "override_block"
    listed = (await lane.get("/v1/cases/1/actions")).json
    valid("ActionsView", listed)
    assert [one["state"] for one in listed["actions"]] == ["in_force", "undone"]


async def test_preview(operator: Any) -> None:
    """Whom it would hit is told, and nothing is done."""
    for path in ("/v1/cases/1/preview", f"{ACTIONS}/preview"):
        answer = await operator.lane.post(path, {**BLOCK, "target": "account:a1"})
        valid("Preview", answer.json)
        assert (answer.status, answer.json["told"]) == (200, "override_block")
    assert await decision(operator) == "ok"


async def test_second_person(operator: Any) -> None:
    """A long block of an account waits for a second person, who is another."""
    done = (await operator.lane.post(ACTIONS, {**BLOCK, "target": "account:a1", "for": "30d"})).json
    assert (done["state"], done["needs_second"]) == ("proposed", True)
    assert [one["id"] for one in (await operator.lane.get(ACTIONS)).json["actions"]] == [done["id"]]
    assert (await operator.lane.post(f"{ACTIONS}/{done['id']}/approve", b"")).status == 403
    assert (await operator.lane.post(f"{ACTIONS}/{done['id']}/refuse", {"reason": "no"})).status == 403


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        ("/v1/cases/9/actions", BLOCK, 404, "no case"),
        ("/v1/cases/x/actions", BLOCK, 404, "no case"),
        ("/v1/cases/1/actions", {**BLOCK, "version": 7}, 409, "has changed since you saw it"),
        ("/v1/cases/1/actions", {**BLOCK, "pick": None}, 422, "$.reason"),
        ("/v1/cases/1/actions", {**BLOCK, "for": "2h"}, 422, "$.for"),
        ("/v1/cases/1/actions", {**BLOCK, "key": "short"}, 422, "$.key"),
        ("/v1/cases/1/actions", {**BLOCK, "then": "delete"}, 422, "$.then"),
        ("/v1/cases/1/actions", {**BLOCK, "reason": "x" * 401}, 422, "$.reason"),
        ("/v1/cases/1/actions", {**BLOCK, "reason": "\0 \ud83d\ude00 <script>"}, 200, ""),
        ("/v1/cases/1/actions", {**BLOCK, "target": "account:\0"}, 422, "$.target"),
        ("/v1/cases/1/actions", {**BLOCK, "target": "9" * 400}, 422, "$.target"),
        ("/v1/cases/1/actions", {**BLOCK, "then": "refund", "pick": "stolen_card", "purchase": "\0"}, 422, "$.purchase"),
        (ACTIONS, BLOCK, 422, "$.target"),
        (ACTIONS, {**BLOCK, "target": "nobody"}, 422, "$.target"),
        (f"{ACTIONS}/x/undo", {}, 404, "no id"),
        (f"{ACTIONS}/9/undo", {}, 404, "no action 9"),
        (f"{ACTIONS}/9/redo", {"key": "12345678"}, 404, "no action 9"),
        (f"{ACTIONS}/9/approve", {}, 404, "no action 9"),
        (f"{ACTIONS}/{'9' * 30}/undo", {}, 404, "no id"),
    ],
)
async def test_mistakes(operator: Any, path: str, body: dict[str, Any], status: int, detail: str) -> None:
    """What is wrong is said, with its place; nothing that is sent makes a fault of ours."""
    answer = await operator.lane.post(path, body)
    assert (answer.status, detail in answer.json.get("detail", "")) == (status, True), answer.json


async def test_away(start_operator: StartOperator) -> None:
    """While the ledger is away that is said, and each answer is in the document."""
    lane = (await start_operator([LIMIT])).lane
    paths = openapi()["paths"]
    for path, described in paths.items():
        if path.startswith((ACTIONS, OF_CASE)):
            for method in described.keys() & {"get", "post"}:
                target = path.replace("{case}", "1").replace("{id}", "1")
                answer = await (lane.get(target) if method == "get" else lane.post(target, {**BLOCK, "target": "account:a1"}))
                assert str(answer.status) in described[method]["responses"], (path, method, answer.status)
                assert answer.status in {422, 503}
