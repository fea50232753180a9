"""Stripe's events over HTTP: stored before they are answered, forgers kept out, dead letters looked after."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from redis import Redis
from stripe import WebhookSignature

from ratelimit.core.store_key import STRIPE
from ratelimit.web.stripe import DEAD, MAX_BODY, PARKED, WEBHOOK
from tests.core.stripe_payloads import SECRETS_OF_BUYERS, charge, event
from tests.web.conftest import STRIPE_SECRET, Answer

StartOperator = Callable[..., Awaitable[Any]]

LIMIT = {"name": "key", "per": ["api_key"], "bucket": {"capacity": 2, "refill": "1/h"}}
TOKEN = "a-token-that-is-long-enough"


def signature(body: bytes, secret: str = STRIPE_SECRET) -> str:
    return f"Stripe-Signature: {WebhookSignature.generate_signature_header(body.decode(), secret, int(time.time()))}"


async def send(lane: Any, body: bytes, *headers: str) -> Answer:
    answer: Answer = await lane.post(WEBHOOK, body, *(headers or (signature(body),)))
    return answer


async def test_an_event_is_stored(start_operator: StartOperator) -> None:
    """Once, whatever is told again; what is of no use is taken and not kept. The operator's token is not asked for."""
    operator = await start_operator([LIMIT], operator_token=TOKEN)
    body = event("charge.succeeded", charge(purchase="p1", attempt=1))
    results = [(await send(operator.lane, body)).json for _ in range(2)]
    results.append((await send(operator.lane, body.replace(b"evt_1", b"evt_2"))).json)
    results.append((await send(operator.lane, event("customer.created", {}, id="evt_3"))).json)
    assert [found["result"] for found in results] == ["stored", "repeated", "twin", "ignored"]
    assert (await operator.lane.get(DEAD)).status == 401


async def test_nothing_of_the_buyer_is_in_the_store(start_operator: StartOperator) -> None:
    """What is stored holds no name, no address and no email."""
    operator = await start_operator([LIMIT])
    await send(operator.lane, event("charge.succeeded", charge(purchase="p1", attempt=1)))
    with Redis.from_url(f"unix://{operator.store.lanes[0].name}") as client:
        stored = str(client.xrange(f"{STRIPE}:inbox"))
    assert "ch_1" in stored
    assert not [secret for secret in SECRETS_OF_BUYERS if secret in stored]


async def test_a_wrong_signature(start_operator: StartOperator) -> None:
    """It is a 400 that says what would do; nothing is stored; who keeps trying is told to wait."""
    operator = await start_operator([LIMIT])
    body = event("charge.succeeded", charge())
    answer = await send(operator.lane, body, signature(body, "whsec_of-somebody-else"))
    assert (answer.status, "RATELIMIT_STRIPE_SECRETS" in answer.json["detail"]) == (400, True)
    assert (await send(operator.lane, body, "X: y")).status == 400
    statuses = [(await send(operator.lane, body, "Stripe-Signature: t=1,v1=2")).status for _ in range(30)]
    assert statuses[0] == 400
    refused = await send(operator.lane, body, "Stripe-Signature: t=1,v1=2")
    assert (statuses[-1], refused.status) == (429, 429)
    assert int(refused.headers["retry-after"]) >= 1


async def test_forgers_keep_nobody_else_out(start_operator: StartOperator) -> None:
    """An event that is signed well is taken, also from the address of those who forge: behind a proxy all have the same."""
    operator = await start_operator([LIMIT])
    for _ in range(30):
        await send(operator.lane, b"{}", "Stripe-Signature: t=1,v1=2")
    assert (await send(operator.lane, event("charge.succeeded", charge()))).json == {"result": "stored"}


async def test_what_is_wrong_with_a_body(start_operator: StartOperator) -> None:
    """Signed but not of the documented shape, not JSON, or too large: told with the path, and never a 5xx."""
    operator = await start_operator([LIMIT])
    odd = event("charge.succeeded", {**charge(), "amount": "much"})
    answer = await send(operator.lane, odd)
    assert (answer.status, answer.json["path"]) == (422, "$.amount")
    assert (await send(operator.lane, b'{"id": 1}')).status == 422
    assert (await send(operator.lane, b"no json")).status == 400
    assert (await send(operator.lane, b'{"deep": ' + b"[" * 20_000 + b"]" * 20_000 + b"}")).status == 400
    assert (await send(operator.lane, b" " * (MAX_BODY + 1))).status == 413
    large = event("charge.succeeded", charge()) + b" " * (MAX_BODY - 9_000)
    assert (await send(operator.lane, large)).json == {"result": "stored"}


async def test_without_a_secret(start_operator: StartOperator) -> None:
    """The answer names the setting."""
    operator = await start_operator([LIMIT], stripe=False)
    answer = await send(operator.lane, event("charge.succeeded", charge()))
    assert (answer.status, "RATELIMIT_STRIPE_SECRETS is not set" in answer.json["detail"]) == (404, True)


async def test_a_store_that_is_away(start_operator: StartOperator) -> None:
    """What cannot be stored is not answered 2xx, so Stripe sends it again."""
    operator = await start_operator([LIMIT], store=False)
    answer = await send(operator.lane, event("charge.succeeded", charge()))
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


async def test_dead_letters(start_operator: StartOperator) -> None:
    """They are listed with what was wrong, tried again, or given up."""
    operator = await start_operator([LIMIT])
    lane = operator.lane
    assert [(await lane.get(path)).json for path in (DEAD, PARKED)] == [{"dead": []}, {"parked": []}]
    assert [(await lane.post(f"{DEAD}/evt_1/retry", b"")).status, (await lane.get(f"{DEAD}/evt_1", method="DELETE")).status] == [404, 404]
