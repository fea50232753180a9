"""Holds over HTTP: what an account may still spend, and a person's word about it."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from ratelimit.core.webhook import message_of
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.review.audit import AuditFilter, entries, forget
from ratelimit.review.witness import HOLD_ENDED, WEBHOOK_RETRIED
from tests.service.holding import DAY, purchase
from tests.web.conftest import SECRET, Gateway, Operator
from tests.web.test_openapi import valid

Start = Callable[..., Awaitable[Gateway]]
StartOperator = Callable[..., Awaitable[Operator]]

LIMIT = {"name": "key", "per": ["account"], "bucket": {"capacity": 1_000, "refill": "1/h"}}
WORD = {"by": "mia", "reason": "known customer"}


async def open_(gateway: Gateway, id: str = "p1") -> None:
    await gateway.holds.open(purchase(id, balance=10), 40, time.time() + DAY, "unusual")


async def test_an_account_without_holds(start: Start) -> None:
    """Of whom nothing is held nothing is counted."""
    gateway = await start([LIMIT], store=False)
    answer = await gateway.get("/v1/holds?account=acme")
    assert (answer.status, answer.json) == (200, {"account": "acme", "spent": None, "spendable": None, "holds": []})


async def test_an_account_with_holds(start: Start) -> None:
    """What is held, what was spent of it and what may be spent is told, and refusals name the hold."""
    gateway = await start([LIMIT])
    await open_(gateway)
    await gateway.holds.purchased(purchase("p2", 5))
    assert (await gateway.check(account="acme", cost=30)).json["decision"] == "allow"
    refused = (await gateway.check(account="acme", cost=46)).json
    assert (refused["reason"], refused["limit"], refused["remaining"]) == ("quota_exhausted", "hold", 45)
    answer = await gateway.get("/v1/holds?account=acme")
    told = answer.json
    valid("HoldsView", told)
    (shown,) = told.pop("holds")
    assert told == {"account": "acme", "spent": 30, "spendable": 45}
    assert shown.pop("lapses_at") > time.time()
    assert shown == {
        "purchase": "p1", "account": "acme", "tokens": 100, "held": 40, "state": "held", "reason": "unusual", "by": "", "spent": 20,
    }  # fmt: skip


@pytest.mark.parametrize("query", ["", "?", "?account=", "?account=a&account=b", "?account=a&x=1", f"?account={'a' * 999}", "?Account=a"])
async def test_query_that_is_not_understood(start: Start, query: str) -> None:
    """What is wrong with the query is said, with what would do."""
    answer = await (await start([LIMIT], store=False)).get(f"/v1/holds{query}")
    assert (answer.status, "expected account=" in answer.json["detail"]) == (400, True)


async def test_account_in_the_query_is_decoded(start: Start) -> None:
    """An account may have any character, written as a URL has it."""
    answer = await (await start([LIMIT], store=False)).get("/v1/holds?account=a%26b%2Fc+d%C3%A9")
    assert answer.json["account"] == "a&b/c dé"


async def test_release(start_operator: StartOperator) -> None:
    """A person releases a hold once; what is held then may be spent, and whoever comes second is told."""
    operator = await start_operator([LIMIT])
    await open_(operator.gateway)
    await open_(operator.gateway, "p2")
    answer = await operator.lane.post("/v1/holds/p1/release", WORD)
    valid("Hold", answer.json)
    assert (answer.status, answer.json["state"], answer.json["by"], answer.json["reason"]) == (200, "released", "mia", "known customer")
    assert (await operator.gateway.get("/v1/holds?account=acme")).json["spendable"] == 170
    again = await operator.lane.post("/v1/holds/p1/revoke", WORD)
    assert (again.status, again.json["detail"]) == (409, "the hold is released already")
    assert (await operator.lane.post("/v1/holds/p2/revoke", WORD)).json["state"] == "revoked"
    assert (await operator.gateway.get("/v1/holds?account=acme")).json["spendable"] is not None
    assert (await operator.lane.post("/v1/holds/p9/revoke", WORD)).status == 404


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"by": "mia"}, 422, "$.reason"),
        ({"by": "", "reason": "x"}, 422, "$.by"),
        ({**WORD, "why": 1}, 422, "$.why"),
        (b"{", 400, None),
        (b"", 400, None),
    ],
)
async def test_word_that_is_not_understood(start_operator: StartOperator, body: Any, status: int, path: str | None) -> None:
    """Who, and why, is asked for; what is wrong with it is named."""
    operator = await start_operator([LIMIT], store=False)
    answer = await operator.lane.post("/v1/holds/p1/release", body)
    assert (answer.status, answer.json.get("path")) == (status, path)


async def test_token(start_operator: StartOperator) -> None:
    """Without the operator's token nobody ends a hold, or sees webhooks."""
    operator = await start_operator([LIMIT], store=False, operator_token="a-token-that-is-long-enough")
    for path in ("/v1/holds/p1/release", "/v1/holds/p1/revoke", "/v1/webhooks/dead/x/retry"):
        assert (await operator.lane.post(path, WORD)).status == 401
    assert (await operator.lane.get("/v1/webhooks/dead")).status == 401


async def test_webhooks_that_nobody_took(start_operator: StartOperator) -> None:
    """They are shown with what they say and why they failed, and are due again when a person says so; once."""
    operator = await start_operator([LIMIT])
    queue = operator.gateway.webhooks
    message = message_of("hold.changed", time.time(), {"purchase": "p1"}, "p1")
    await queue.add(message)
    (taken,) = await queue.take(9)
    await queue.bury(taken)
    answer = await operator.lane.get("/v1/webhooks/dead")
    valid("DeadWebhooks", answer.json)
    (shown,) = answer.json["dead"]
    assert (shown["id"], shown["type"], shown["body"]["data"]) == (message.id, "hold.changed", {"purchase": "p1"})
    answers = [await operator.lane.post(f"/v1/webhooks/dead/{message.id}/retry", b"") for _ in range(2)]
    assert [answer.status for answer in answers] == [202, 404]
    assert [it.id for it in await queue.take(9)] == [message.id]


async def test_store_away(start_operator: StartOperator) -> None:
    """While the store is away nothing is changed, and the answer says so."""
    with capture_logs():
        operator = await start_operator([LIMIT], store=False)
        assert (await operator.lane.get("/v1/webhooks/dead")).status == 503
        assert (await operator.lane.post("/v1/webhooks/dead/x/retry", b"")).status == 503


async def test_who_ended_a_hold_is_in_the_audit(start_operator: StartOperator, ledger: Ledger) -> None:
    """With what it was before and is now, and why; an erasure of the account takes it along."""
    operator = await start_operator([LIMIT], ledger=ledger)
    await open_(operator.gateway)
    assert (await operator.lane.post("/v1/holds/p1/release", WORD)).status == 200
    assert (await operator.lane.post("/v1/holds/p1/release", WORD)).status == 409
    async with ledger.write() as connection:
        (entry,) = await entries(connection, AuditFilter(kind=HOLD_ENDED), 9)
        about = await Subjects([SECRET]).find(connection, "account", "acme")
        assert await forget(connection, "test", at=time.time(), subject=about) == 1
    said = {"purchase": "p1", "state": ["held", "released"], "held": 40, "reason": "known customer", "by": "mia"}
    assert (entry.actor, entry.content) == ("operator", said)


async def test_who_tried_a_webhook_again_is_in_the_audit(start_operator: StartOperator, ledger: Ledger) -> None:
    """A retry that finds nothing is no entry."""
    operator = await start_operator([LIMIT], ledger=ledger)
    queue = operator.gateway.webhooks
    message = message_of("hold.changed", time.time(), {"purchase": "p1"}, "p1")
    await queue.add(message)
    await queue.bury((await queue.take(9))[0])
    for _ in range(2):
        await operator.lane.post(f"/v1/webhooks/dead/{message.id}/retry", b"")
    async with ledger.read() as connection:
        (entry,) = await entries(connection, AuditFilter(), 9)
    assert (entry.kind, entry.content) == (WEBHOOK_RETRIED, {"id": message.id})
