"""Deeds over HTTP: done, refused by the gateway lane, undone; what cannot be is a problem with its place."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ratelimit.ledger.ledger import Ledger
from ratelimit.web.deeds import ACTIONS, OF_CASE
from ratelimit.web.labels import LabelView, written
from ratelimit.web.openapi import openapi
from ratelimit.web.packs import PACK
from tests.review.case_site import account, bought, flagged, rule, subject
from tests.web.test_openapi import valid

StartOperator = Callable[..., Awaitable[Any]]
LIMIT = {"name": "key", "per": ["account"], "bucket": {"capacity": 100, "refill": "1/h"}}
BLOCK = {"then": "block", "key": "of-this-test", "pick": "leaked_key"}

BODIES: dict[str, Any] = {
    OF_CASE: BLOCK,
    "/v1/cases/{case}/preview": BLOCK,
    ACTIONS: {**BLOCK, "target": "account:a1"},
    f"{ACTIONS}/preview": {**BLOCK, "target": "account:a1"},
    f"{ACTIONS}/{{id}}/redo": {"key": "12345678"},
    "/v1/appeals": {"reference": "r", "text": "t"},
    "/v1/appeals/{id}/decide": {"outcome": "upheld", "why": "w"},
}


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
        if path.startswith((ACTIONS, OF_CASE, PACK, "/v1/bulk", "/v1/appeals", "/v1/labels")):
            for method in described.keys() & {"get", "post"}:
                target = path.replace("{case}", "1").replace("{id}", "1").replace("{bulk}", "b").replace("{purchase}", "p")
                body = {"deed": BLOCK, "cases": [1]} if target in {"/v1/bulk", "/v1/bulk/preview"} else BODIES.get(path, b"")
                answer = await (lane.get(target) if method == "get" else lane.post(target, body))
                assert str(answer.status) in described[method]["responses"], (path, method, answer.status)
                assert answer.status == 503


async def test_many(operator: Any, ledger: Ledger) -> None:
    """One deed on many cases: each has its outcome, and all are undone together."""
    lane = operator.lane
    await flagged(ledger, rule(anchor=account("a2")))
    asked = {"deed": BLOCK, "cases": [1, 2, 9]}
    preview = await lane.post("/v1/bulk/preview", {**asked, "cases": [1, 2]})
    valid("Preview", preview.json)
    assert preview.json["bulk"] == 2
    answer = await lane.post("/v1/bulk", asked)
    valid("BulkDone", answer.json)
    assert (answer.status, answer.json["done"], answer.json["failed"]) == (207, 2, 1)
    assert [(one["case"], one["kind"]) for one in answer.json["outcomes"]] == [(1, ""), (2, ""), (9, "notfound")]
    assert await decision(operator) == "override_block"
    again = (await lane.post("/v1/bulk", {**asked, "cases": [1, 2]})).json
    assert [one["done"]["repeated"] for one in again["outcomes"]] == [True, True]
    undone = await lane.post(f"/v1/bulk/{answer.json['bulk']}/undo", b"")
    assert (undone.status, undone.json["done"], await decision(operator)) == (200, 2, "ok")
    assert (await lane.post(f"/v1/bulk/{answer.json['bulk']}/undo", b"")).json["failed"] == 2
    assert (await lane.post("/v1/bulk/nobody/undo", b"")).status == 404
    assert (await lane.post("/v1/bulk", {"deed": BLOCK})).status == 422
    assert (await lane.post("/v1/bulk", {"deed": {**BLOCK, "target": "account:a1"}, "cases": [1]})).status == 422


async def test_appeal(operator: Any) -> None:
    """A word's id is a reference; it is passed on once, shown, counted; whoever said the word does not decide."""
    lane = operator.lane
    word = (await lane.post("/v1/cases/1/actions", BLOCK)).json["override"]
    made = await lane.post("/v1/appeals", {"reference": word, "text": "it was not me"})
    valid("AppealView", made.json)
    assert (made.status, made.json["state"], made.json["against"]) == (201, "open", "operator")
    path = f"/v1/appeals/{made.json['id']}"
    assert (await lane.get(path)).json == made.json
    valid("AppealsView", (await lane.get("/v1/appeals?state=open&most=5")).json)
    assert (await lane.post(f"{path}/decide", {"outcome": "overturned", "why": "known"})).status == 403
    figures = (await lane.get("/v1/appeals/figures?since=0")).json
    valid("AppealFigures", figures)
    assert (figures["made"], figures["open"], figures["overturned_share"]) == (1, 1, None)
    for asked in ("/v1/appeals?state=odd", "/v1/appeals?most=0", "/v1/appeals/figures?since=-1"):
        assert (await lane.get(asked)).status == 422
    assert (await lane.post("/v1/appeals", {"reference": "nobody", "text": "x"})).status == 404
    assert (await lane.get("/v1/appeals/9")).status == 404


async def test_labels(operator: Any, ledger: Ledger) -> None:
    """They are shown page by page, and as CSV that no spreadsheet computes."""
    lane = operator.lane
    await flagged(ledger, rule(anchor=account("=cmd|x")))
    for case, verdict in ((1, "good"), (2, "fraud")):
        asked = {"then": "label", "key": f"label-{case}-1", "verdict": verdict, "close": True}
        assert (await lane.post(f"/v1/cases/{case}/actions", asked)).status == 200
    first = (await lane.get("/v1/labels?most=1")).json
    valid("LabelsView", first)
    assert [(one["target"], one["verdict"], one["source"]) for one in first["labels"]] == [("account:a1", "good", "analyst")]
    rest = (await lane.get(f"/v1/labels?after={first['following']}")).json
    assert ([one["verdict"] for one in rest["labels"]], rest["following"]) == (["fraud"], None)
    assert (await lane.get("/v1/labels?verdict=good&source=dispute")).json["labels"] == []
    text = (await lane.get("/v1/labels?format=csv")).body.decode()
    assert (text.count("\r\n"), "account:=cmd|x" in text) == (3, True)
    assert (await lane.get("/v1/labels?verdict=odd")).status == 422


def test_csv() -> None:
    """Whatever begins like a formula is written as text."""
    row = LabelView(
        id=1, target="=1+1", target_kind="account", purchase="@x", attempt=0, verdict="good", source="analyst", known_at=1.0, by="+a",
        case=None, supersedes=None, superseded_by=None,
    )  # fmt: skip
    assert written([row]).decode().splitlines()[1] == "1,'=1+1,account,'@x,0,good,analyst,1.0,'+a,,,"


async def test_pack(operator: Any, ledger: Ledger) -> None:
    """A dispute pack as JSON."""
    await bought(ledger, await subject(ledger, account("a1")), id="p 1", outcome="succeeded")
    answer = await operator.lane.get("/v1/cases/C-1/pack/p%201")
    valid("Pack", answer.json)
    assert (answer.status, answer.json["eligible"], answer.json["disputed_transaction"]["customer_account_id"]) == (200, False, "a1")
    assert (await operator.lane.get("/v1/cases/1/pack/nobody")).status == 404


async def test_words_of_deeds(operator: Any) -> None:
    """A word that stands by a deed is undone, and neither edited nor taken away behind its back."""
    word = (await operator.lane.post("/v1/cases/1/actions", BLOCK)).json["override"]
    path = f"/v1/overrides/{word}"
    edit = {"target": "account:a1", "then": "allow", "reason": "r", "author": "eve"}
    assert (await operator.lane.get(path)).status == 200
    for answer in (
        await operator.lane.post(path, edit, method="PUT"),
        await operator.lane.get(f"{path}?author=eve&reason=r", method="DELETE"),
    ):
        assert (answer.status, "undo that" in answer.json["detail"]) == (409, True)
    assert await decision(operator) == "override_block"
