"""Cases over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import update

from ratelimit.ledger import campaigns
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.audit import AUDIT
from ratelimit.ledger.tables.case import CASE
from ratelimit.review.cases import Cases
from ratelimit.review.quality import Quality
from ratelimit.review.work import MOST_NOTE
from ratelimit.web.campaigns import CampaignCalls
from ratelimit.web.cases import CaseCalls
from ratelimit.web.openapi import openapi
from ratelimit.web.quality import QualityCalls
from tests.ledger.test_campaigns import CARD, link
from tests.review.case_site import NOW, SUBJECTS, account, flagged, person, rule

StartOperator = Callable[..., Awaitable[Any]]
LIMIT = {"name": "key", "per": ["api_key"], "bucket": {"capacity": 2, "refill": "1/h"}}


@pytest.fixture
async def lane(start_operator: StartOperator, ledger: Ledger) -> Any:
    """An operator lane with two cases."""
    await flagged(ledger, rule(anchor=account("a1")), rule("odd", account("a2")))
    return (await start_operator([LIMIT], ledger=ledger)).lane


async def test_the_queue(lane: Any) -> None:
    """It is shown as it is filtered, page by page, with what there is in all."""
    found = (await lane.get("/v1/cases?most=1")).json
    assert ([row["number"] for row in found["rows"]], found["found"], found["totals"]["open"]) == ([1], 2, 2)
    found = (await lane.get(f"/v1/cases?most=1&after={found['following']}")).json
    assert ([row["number"] for row in found["rows"]], found.get("following")) == ([2], None)
    found = (await lane.get("/v1/cases?text=a2&opened_by=rule")).json
    assert [row["anchor"]["shown"] for row in found["rows"]] == ["a2"]


@pytest.mark.parametrize(
    "query", ["tab=old", "most=0", "most=x", "priority=9", "state=open", "tab=mine&tab=mine", "assignee=1e400", "within_s=nan"]
)
async def test_a_query_that_is_none(lane: Any, query: str) -> None:
    """It says what is wrong."""
    answer = await lane.get(f"/v1/cases?{query}")
    assert (answer.status, query.split("=", maxsplit=1)[0].split("&", maxsplit=1)[0] in answer.json["detail"]) == (422, True)


async def test_one_case(lane: Any) -> None:
    """By its number in any form; what is none is told so."""
    whole = (await lane.get("/v1/cases/C-1")).json
    assert (whole["row"]["number"], whole["row"]["reasons"][0]["words"]) == (1, "cards tried")
    assert (await lane.get("/v1/cases/1")).json == whole
    assert (await lane.get(f"/v1/cases/{whole['openings'][0]['reference']}")).json == whole
    for name in ("C-9", "nobody", "%00", "%ff", "9" * 40):
        assert (await lane.get(f"/v1/cases/{name}")).status == 404


async def test_decided_blindly(lane: Any, ledger: Ledger) -> None:
    """What others wrote and did is not told of a case that is to be decided without it."""
    note = {"text": "it is fraud"}
    seq = (await lane.post("/v1/cases/1/notes", note)).json["seq"]
    async with ledger.write() as connection:
        await connection.execute(update(CASE).where(CASE.c.number == 1).values(blind=True))
        await connection.execute(update(AUDIT).where(AUDIT.c.seq == seq).values(actor="tom"))
    assert (await lane.get("/v1/cases/1/notes")).json == {"notes": []}
    assert [event["kind"] for event in (await lane.get("/v1/cases/1/history")).json["events"]] == ["case.opened"]
    await lane.post("/v1/cases/1/notes", note)
    assert len((await lane.get("/v1/cases/1/notes")).json["notes"]) == 1


async def test_work(lane: Any) -> None:
    """Taken, put off, brought back, passed on and back, noted, given back; each with its entry."""
    taken = (await lane.post("/v1/cases/take-next", b"")).json
    assert (taken["case"]["row"]["number"], taken["case"]["row"]["locked_by"]["login"]) == (1, "operator")
    calls: list[tuple[str, Any, int]] = [
        ("C-1/beat", b"", 200),
        ("C-1/snooze", {"for_s": 60, "version": 1}, 200),
        ("C-1/snooze", {"for_s": 60, "version": 1}, 409),
        ("C-1/wake", {"version": 2}, 200),
        ("C-1/escalate", {"why": "large"}, 200),
        ("C-1/escalate", {"why": "large"}, 409),
        ("C-1/return", b"", 200),
        ("C-1/notes", {"text": "look"}, 201),
        ("C-1/assign", {"to": None}, 200),
        ("C-1/assign", {"to": "nobody"}, 422),
        ("C-1/take", b"", 200),
        ("C-1/release", b"", 200),
        ("C-1/beat", b"", 409),
        ("C-9/take", b"", 404),
    ]
    for path, body, status in calls:
        assert (await lane.post(f"/v1/cases/{path}", body)).status == status, path
    assert [note["text"] for note in (await lane.get("/v1/cases/1/notes")).json["notes"]] == ["look"]
    kinds = [one["kind"] for one in (await lane.get("/v1/cases/1/history")).json["events"]]
    assert kinds[::-1] == [
        "case.opened", "case.taken", "case.snoozed", "case.woken", "case.escalated", "case.returned", "case.noted", "case.assigned",
        "case.taken",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("snooze", {"for_s": 0}),
        ("snooze", {"for_s": 1e9}),
        ("snooze", {}),
        ("notes", {"text": ""}),
        ("notes", {"text": "x" * (MOST_NOTE + 1)}),
        ("assign", {"to": ""}),
        ("assign", {"to": "a", "version": -1}),
        ("escalate", {"why": "x" * 501}),
        ("take", {"over": 1}),
    ],
)
async def test_a_body_that_is_none(lane: Any, path: str, body: Any) -> None:
    """It says what is wrong, and does nothing."""
    assert (await lane.post(f"/v1/cases/1/{path}", body)).status == 422
    assert (await lane.get("/v1/cases/1")).json["row"]["version"] == 1


async def test_nobody_once_there_are_people(start_operator: StartOperator) -> None:
    """With an operator token set, nobody else may."""
    lane = (await start_operator([LIMIT], operator_token="secret")).lane
    assert [(await lane.get("/v1/cases")).status, (await lane.post("/v1/cases/take-next", b"")).status] == [401, 401]


async def test_the_ledger_is_away(start_operator: StartOperator) -> None:
    """It is no mistake of whoever asks."""
    lane = (await start_operator([LIMIT])).lane
    assert (await lane.get("/v1/cases")).status == 503
    assert (await lane.post("/v1/cases/1/take", b"")).status == 503


async def test_hostile_notes(lane: Any, ledger: Ledger) -> None:
    """What no database takes is written as well as it can be, and is no fault of ours."""
    await person(ledger, "mira")
    for text in ("a\0b", "<script>alert(1)</script>", "\u202e evil", "@" * 400, "@mira " * 60):
        assert (await lane.post("/v1/cases/1/notes", {"text": text})).status == 201


async def test_as_described(lane: Any, ledger: Ledger) -> None:
    """Every call is in the document, and answers as that says."""
    paths, cases = openapi()["paths"], Cases(Ledger("sqlite:////nowhere"), lambda: 0.0)
    calls = (*CaseCalls(cases, lambda: 0.0).routes(), *CampaignCalls(cases).routes(), *QualityCalls(Quality(ledger, lambda: 0.0)).routes())
    routes = {(route.path, route.method) for route in calls}
    assert {(path, method.upper()) for path, calls in paths.items() for method in calls if method in {"get", "post"}} >= routes
    for name in ("C-1", "C-9"):
        for path, method in sorted(routes):
            target = path.replace("{case}", name).replace("{campaign}", name)
            answer = await (lane.get(target) if method == "GET" else lane.post(target, b"{}"))
            assert str(answer.status) in paths[path][method.lower()]["responses"], (path, method, answer)


async def test_campaigns(lane: Any, ledger: Ledger) -> None:
    """Those that there are, by number; what is none is told so."""
    assert (await lane.get("/v1/campaigns")).json == {"campaigns": []}
    for name in ("a1", "a2"):
        await link(ledger, name, CARD)
    await flagged(ledger, rule("more", account("a3")))
    await link(ledger, "a3", CARD)
    async with ledger.write() as connection:
        assert await campaigns.join(connection, 3, await SUBJECTS.find(connection, "account", "a3") or 0, NOW) == 1
    (found,) = (await lane.get("/v1/campaigns?most=1")).json["campaigns"]
    assert (found["number"], found["cases"], found["entity"]["kind"]) == (1, 3, "card")
    for name in ("K-1", "1", "k1"):
        assert sorted((await lane.get(f"/v1/campaigns/{name}")).json["cases"]) == [1, 2, 3]
    assert [(await lane.get(f"/v1/campaigns/{name}")).status for name in ("K-2", "C-1", "x")] == [404] * 3
    assert (await lane.get("/v1/campaigns?before=x")).status == 422
