"""`/v1/check` and `/v1/check/batch`: decisions as data, on a real limiter and a real store."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ratelimit.core.decision import Decision, ShadowFinding
from ratelimit.web.check import encode_decision
from tests.web.signals_site import FixedScorer, Site

Start = Callable[..., Awaitable[Any]]


def limit(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "per": ["api_key"], "bucket": {"capacity": 2, "refill": "1/h"}, **fields}


async def test_decision_is_data(start: Start) -> None:
    """Allowed and refused alike are 200; the body holds the whole decision with its nulls, the headers say the same."""
    gateway = await start([limit("key")])
    answers = [await gateway.check(api_key="k") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert [answer.json["decision"] for answer in answers] == ["allow", "allow", "throttle"]
    allowed, refused = answers[0].json, answers[2].json
    assert list(allowed) == ["id", "decision", "reason", "limit", "subject", "remaining", "retry_after", "reset_after", "risk"]
    assert (allowed["reason"], allowed["limit"], allowed["remaining"], allowed["retry_after"], allowed["risk"]) == (
        "ok",
        "key",
        1,
        None,
        None,
    )
    assert (refused["reason"], refused["remaining"]) == ("rate_exceeded", 0)
    assert 0 < refused["retry_after"] <= 3_600
    assert answers[2].headers["ratelimit"] == '"key";r=0;t=3600'
    assert answers[2].headers["retry-after"] == "3600"
    assert answers[2].headers["x-ratelimit-id"] == refused["id"]
    assert answers[0].headers["content-type"] == "application/json"
    assert len({answer.json["id"] for answer in answers}) == 3


async def test_cost(start: Start) -> None:
    """A cost is taken whole, 0 peeks, and one that can never fit says so without a time to wait."""
    gateway = await start([limit("key")])
    assert (await gateway.check(api_key="k", cost=0)).json["remaining"] == 2
    assert (await gateway.check(api_key="k", cost=2)).json["remaining"] == 0
    never = (await gateway.check(api_key="other", cost=3)).json
    assert (never["decision"], never["reason"], never["retry_after"]) == ("throttle", "cost_exceeds_capacity", None)


async def test_who_asks(start: Start) -> None:
    """Key, account and address are each a caller; an IPv6 one is its /64, and IPv4 written as IPv6 is IPv4."""
    gateway = await start([limit("ip", per=["ip"]), limit("account", per=["account"])])
    assert (await gateway.check(ip="2001:db8::1")).json["subject"] == "ip:2001:db8::/64"
    assert (await gateway.check(ip="2001:db8::ffff:2")).json["remaining"] == 0
    assert (await gateway.check(ip="::ffff:203.0.113.7")).json["subject"] == "ip:203.0.113.7"
    assert (await gateway.check(account="42")).json["subject"] == "account:42"
    assert (
        "subject" in (await gateway.check(api_key="k", ip=None, account=None, plan="free", user_agent="x", referrer="y", explain=True)).json
    )


async def test_explained(start: Start) -> None:
    """Who asks why gets the signals that are farthest out, with what is normal; an end that is not known is null. Others get none."""
    here = Site(await start([limit("key", bucket={"capacity": 100, "refill": "1/h"})]))
    assert (await here.ask(1, explain=True)).json["signals"] == []
    await here.ask(11)
    here.usage.scoring.scorer = FixedScorer()
    await here.settle()
    expected = [{"signal": "attempts_14d", "value": pytest.approx(12, rel=1e-3), "low": 1.5, "high": None, "tail_share": 0.01}]
    assert (await here.ask(1, explain=True)).json["signals"] == expected
    assert "signals" not in (await here.ask(1)).json
    check = {"method": "GET", "path": "/", "api_key": "k"}
    answer = await here.gateway.post("/v1/check/batch", {"checks": [check, {**check, "explain": True}]})
    assert [one.get("signals") for one in answer.json["decisions"]] == [None, expected]


async def test_shadow_is_told_where_there_is_something_to_tell(start: Start) -> None:
    """What a shadow limit would have refused is in the answer, which is an allow."""
    gateway = await start([limit("trial", mode="shadow")])
    answers = [(await gateway.check(api_key="k")).json for _ in range(3)]
    assert "shadow" not in answers[0]
    assert (answers[2]["decision"], answers[2]["shadow"]) == ("allow", [{"limit": "trial", "reason": "rate_exceeded"}])


async def test_many_at_once(start: Start) -> None:
    """A hundred connections on a bucket of five: five pass."""
    gateway = await start([limit("key", bucket={"capacity": 5, "refill": "1/h"})])
    answers = await asyncio.gather(*(gateway.check(api_key="k") for _ in range(100)))
    assert sum(answer.json["decision"] == "allow" for answer in answers) == 5


async def test_store_away(start: Start) -> None:
    """Without a store each limit answers as its policy says, and the answer is still a decision."""
    gateway = await start([limit("key", on_store_failure="deny")], store=False)
    answer = await gateway.check(api_key="k")
    assert (answer.status, answer.json["decision"], answer.json["reason"]) == (200, "throttle", "store_unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_batch(start: Start) -> None:
    """Checks of a batch are decided in their order, all that wait for the store together."""
    gateway = await start([limit("key")])
    checks = [{"method": "GET", "path": "/", "api_key": key} for key in "aaabab"]
    answer = await gateway.post("/v1/check/batch", {"checks": checks})
    assert [one["decision"] for one in answer.json["decisions"]] == ["allow", "allow", "throttle", "allow", "throttle", "allow"]
    assert (await gateway.post("/v1/check/batch", {"checks": []})).json == {"decisions": []}


async def test_batch_with_a_mistake_decides_nothing(start: Start) -> None:
    """One check that cannot be read refuses the batch, says which it is, and costs nothing."""
    gateway = await start([limit("key")])
    good = {"method": "GET", "path": "/", "api_key": "k"}
    answer = await gateway.post("/v1/check/batch", {"checks": [good, good, {**good, "ip": "nowhere"}]})
    assert (answer.status, answer.json["path"]) == (422, "$.checks[2].ip")
    assert (await gateway.check(api_key="k")).json["remaining"] == 1


async def test_batch_is_bounded(start: Start) -> None:
    """1,000 checks are a batch, 1,001 are not."""
    gateway = await start([limit("key")])
    check = {"method": "GET", "path": "/", "api_key": "k"}
    assert len((await gateway.post("/v1/check/batch", {"checks": [check] * 1_000})).json["decisions"]) == 1_000
    assert (await gateway.post("/v1/check/batch", {"checks": [check] * 1_001})).status == 422


@pytest.mark.parametrize("shadow", [(), (ShadowFinding("a", "rate_exceeded"),)])
def test_encoded_decision(shadow: tuple[ShadowFinding, ...]) -> None:
    """Only an empty `shadow` is left out, whatever the texts before it look like."""
    body = encode_decision(Decision("i", "allow", "ok", subject='account:","shadow":[]}', shadow=shadow))
    assert body.startswith(b'{"id":"i","decision":"allow","reason":"ok","limit":null')
    assert body.endswith(b'"risk":null,"shadow":[{"limit":"a","reason":"rate_exceeded"}]}' if shadow else b'"risk":null}')
