"""`POST /v1/purchases` over HTTP, on a real store: one answer to an attempt, clear words for what is wrong, and nothing of a card kept."""

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
import structlog

from tests.core.purchases import CARD, purchase
from tests.web.conftest import Gateway

Start = Callable[..., Awaitable[Gateway]]

LIMIT = {"name": "key", "per": ["api_key"], "bucket": {"capacity": 1_000, "refill": "1000/s"}}
BODY: dict[str, Any] = msgspec.to_builtins(purchase())
NUMBER = "4242424242424242"


async def ask(gateway: Gateway, **fields: Any) -> Any:
    return await gateway.post("/v1/purchases", {**BODY, **fields})


def shuffled(body: Any, chance: random.Random) -> Any:
    """The same content in another order."""
    if not isinstance(body, dict):
        return body
    names = list(body)
    chance.shuffle(names)
    return {name: shuffled(body[name], chance) for name in names}


async def test_an_attempt_is_answered(start: Start) -> None:
    """With everything that the answer has; a purchase that nothing is known of is accepted."""
    gateway = await start([LIMIT])
    answer = await ask(gateway)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert {name: value for name, value in answer.json.items() if name != "id"} == {
        "purchase": "p1", "attempt": 1, "decision": "allow", "action": "accept", "reason": "ok", "hold_ratio": 0.0, "held": 0,
        "lapses_at": None, "rule": None, "risk": None, "p_fraud": None, "signals": [], "case": None, "shadow": [],
    }  # fmt: skip
    assert gateway.purchases.counts.decided == {("accept", "ok"): 1}


async def test_the_same_body_gets_the_same_answer(start: Start) -> None:
    """Byte for byte, in whatever order and letters it is written; it is counted as a repetition and not as a purchase."""
    gateway = await start([LIMIT])
    first = await ask(gateway)
    for seed in range(5):
        again = await gateway.post("/v1/purchases", json.dumps(shuffled(BODY, random.Random(seed)), indent=seed).encode())
        assert (again.status, again.body) == (200, first.body)
    assert (await ask(gateway, currency="eur", kind="purchase")).body == first.body
    assert (gateway.purchases.counts.decided.total(), gateway.purchases.counts.repeated) == (1, 6)


@pytest.mark.parametrize(
    "fields", [{"amount": 1}, {"account": "a2"}, {"tokens": 1}, {"card": {**BODY["card"], "fingerprint": "fp_2"}}, {"balance": 0}]
)
async def test_another_body_is_a_conflict(start: Start, fields: dict[str, Any]) -> None:
    """Whatever differs; the next attempt is another one, and so is another purchase."""
    gateway = await start([LIMIT])
    first = await ask(gateway)
    refused = await ask(gateway, **fields)
    assert (refused.status, refused.json["path"]) == (409, "$.attempt")
    assert "another body" in refused.json["detail"]
    assert (await ask(gateway)).body == first.body
    others = [await ask(gateway, **fields, **of) for of in ({"attempt": 2}, {"id": "p2"})]
    assert [other.status for other in others] == [200, 200]
    assert len({first.json["id"], *(other.json["id"] for other in others)}) == 3
    assert gateway.purchases.counts.contradicted == 1


async def test_fifty_at_once_get_one_answer(start: Start) -> None:
    """Whoever asks at the same time about the same attempt is told the same, and it is decided once."""
    gateway = await start([LIMIT])
    answers = await asyncio.gather(*(ask(gateway) for _ in range(50)))
    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
    assert (gateway.purchases.counts.decided.total(), gateway.purchases.counts.repeated) == (1, 49)


async def test_attempts_at_once_are_all_kept(start: Start) -> None:
    """Many attempts of one purchase at the same time undo one another's answers no more than they contradict them."""
    gateway = await start([LIMIT])
    answers = await asyncio.gather(*(ask(gateway, attempt=1 + number % 8) for number in range(40)))
    by_attempt = {answer.json["attempt"]: answer.body for answer in answers}
    assert len(by_attempt) == 8
    for answer in answers:
        assert answer.body == by_attempt[answer.json["attempt"]]
    for attempt, body in by_attempt.items():
        assert (await ask(gateway, attempt=attempt)).body == body


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"amount": int(NUMBER)}, "$.amount"),
        ({"id": NUMBER}, "$.id"),
        ({"card": {**BODY["card"], "number": NUMBER}}, "$.card.number"),
        ({"card": {**BODY["card"], NUMBER: 1}}, "$.card"),
        ({"user_agent": "4242 4242-4242 4242"}, "$.user_agent"),
        ({"metadata": {"a": [{"b": NUMBER}]}}, "$.metadata.a[0].b"),
        ({"card": {**BODY["card"], "cvc": "987"}}, "$.card.cvc"),
        ({"security_code": 987}, "$.security_code"),
    ],
)
async def test_a_card_is_refused_and_kept_nowhere(
    start: Start, fields: dict[str, Any], path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer says where it stands and not what; it is neither logged nor stored, and nothing is counted as an attempt."""
    caplog.set_level(logging.DEBUG)
    gateway = await start([LIMIT])
    with structlog.testing.capture_logs() as logs:
        refused = await ask(gateway, **fields)
    assert (refused.status, refused.json["path"]) == (422, path)
    said = refused.body.decode() + caplog.text + str(logs)
    assert "4242" not in said
    assert "987" not in said
    assert gateway.purchases.counts.refused.total() == 1
    assert gateway.purchases.counts.decided.total() == 0
    assert (await ask(gateway)).status == 200


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"kind": "grant"}, "$.card"),
        ({"kind": "gift"}, "$.kind"),
        ({"currency": "XAU"}, "$.currency"),
        ({"ip": "nowhere"}, "$.ip"),
        ({"attempt": 0}, "$.attempt"),
        ({"tokens": -1}, "$.tokens"),
        ({"amount": 4.5}, "$.amount"),
        ({"amount": 10**30}, "$.amount"),
        ({"id": ""}, "$.id"),
        ({"id": "x" * 513}, "$.id"),
        ({"colour": 1}, "$.colour"),
        ({"card": {**BODY["card"], "exp_month": 13}}, "$.card.exp_month"),
        ({"card": {"fingerprint": "fp_1"}}, "$.card.last4"),
        ({"card": []}, "$.card"),
        ({"email": "x"}, "$.email"),
        ({"account_created_at": 1e300}, "$.account_created_at"),
    ],
)
async def test_a_wrong_field_is_named(start: Start, fields: dict[str, Any], path: str) -> None:
    """With its path, whatever is wrong with it."""
    gateway = await start([LIMIT], store=False)
    refused = await ask(gateway, **fields)
    assert (refused.status, refused.json["path"]) == (422, path)
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe{\x00}\x00", 400),
        (b'{"id": "\xed\xa0\x80"}', 400),
        (b'{"id": "\\ud800"}', 400),
        (b'{"id": NaN}', 400),
        (b"[" * 60_000, 400),
        (b'{"a":' * 10_000, 400),
        (b"[]", 422),
        (b"null", 422),
        (b'"x"', 422),
        (b" " * 65_537, 413),
    ],
)
async def test_what_is_no_purchase(start: Start, body: bytes, status: int) -> None:
    """Whatever arrives is a problem with a 4xx and no bug of ours."""
    gateway = await start([LIMIT], store=False)
    refused = await gateway.post("/v1/purchases", body)
    assert (refused.status, refused.json["status"]) == (status, status)
    assert gateway.counts.bugs == 0


async def test_only_posts(start: Start) -> None:
    """What else is asked is told so; with a token, nobody is answered without it."""
    gateway = await start([LIMIT], store=False, token="t")
    assert (await gateway.get("/v1/purchases")).status == 405
    assert (await ask(gateway)).status == 401
    assert (await gateway.post("/v1/purchases", BODY, "X-RateLimit-Token: t")).status == 200


async def test_a_store_that_is_away(start: Start) -> None:
    """The policy answers, and the decision is remembered as one that was not plain."""
    gateway = await start([LIMIT], store=False)
    answer = await ask(gateway)
    assert (answer.status, answer.json["action"], answer.json["reason"]) == (200, "challenge", "store_unavailable")
    (record,) = gateway.purchases.recent.records()
    assert (record.id, record.purchase, record.action, record.subject) == (answer.json["id"], "p1", "challenge", "account:a1")
    assert CARD.fingerprint not in str(record)
