"""`/v1/authorize/...`: three gateways, three dialects, one meaning."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

Start = Callable[..., Awaitable[Any]]

KEY = {"name": "key", "per": ["api_key"], "bucket": {"capacity": 1, "refill": "1/h"}}
IP = {"name": "ip", "per": ["ip"], "bucket": {"capacity": 1, "refill": "1/h"}}
TRUSTED = {"trusted_proxies": ["10.0.0.0/8"]}

FORWARDED = ("/v1/authorize/forwarded", "X-Forwarded-Method: GET", "X-Forwarded-Uri: /a?secret=1")
NGINX = ("/v1/authorize/nginx", "X-Original-Method: GET", "X-Original-URI: /a?secret=1")
ENVOY = ("/v1/authorize/envoy/a?secret=1",)
LANES = {"forwarded": FORWARDED, "nginx": NGINX, "envoy": ENVOY}


@pytest.mark.parametrize(
    ("lane", "refused", "away", "bad"),
    [("forwarded", 429, 503, 400), ("nginx", 403, 403, 403), ("envoy", 429, 429, 400)],
)
async def test_dialects(lane: str, refused: int, away: int, bad: int, start: Start) -> None:
    """Each lane answers allow, throttle, a missing store and bad input with the status that its gateway understands."""
    asked = LANES[lane]
    gateway = await start([KEY])
    allowed = await gateway.get(*asked, "X-Api-Key: k")
    throttled = await gateway.get(*asked, "X-Api-Key: k")
    mistaken = await gateway.get(*asked, "X-Api-Key: k", "X-Api-Key: l")
    without = await (await start([{**KEY, "on_store_failure": "deny"}], store=False)).get(*asked, "X-Api-Key: k")
    assert [answer.status for answer in (allowed, throttled, without, mistaken)] == [200, refused, away, bad]
    assert allowed.body == b""
    assert (allowed.headers["ratelimit"], allowed.headers["x-ratelimit-decision"]) == ('"key";r=0;t=3600', "allow")
    for answer, reason, kind in (
        (throttled, "rate_exceeded", "quota-exceeded"),
        (without, "store_unavailable", "temporary-reduced-capacity"),
    ):
        assert (answer.headers["x-ratelimit-decision"], answer.headers["x-ratelimit-reason"]) == ("throttle", reason)
        assert answer.json["type"].endswith(f"#{kind}")
        assert answer.json["id"] == answer.headers["x-ratelimit-id"]
        assert int(answer.headers["retry-after"]) >= 1
    if lane == "nginx":
        assert [answer.headers["x-ratelimit-status"] for answer in (throttled, without, mistaken)] == ["429", "429", "400"]
    assert mistaken.json["detail"] == "X-Api-Key is there 2 times; expected once"


async def test_a_method_of_kilobytes_is_refused(start: Start) -> None:
    """What is remembered of a refusal is bounded, so a method that no server knows is no request."""
    gateway = await start([KEY])
    answer = await gateway.get("/v1/authorize/forwarded", f"X-Forwarded-Method: {'G' * 33}", "X-Forwarded-Uri: /a", "X-Api-Key: k")
    assert (answer.status, answer.json["detail"]) == (400, "the method has 33 characters; expected at most 32")


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "PROPFIND"])
async def test_any_method(lane: str, method: str, start: Start) -> None:
    """A gateway may ask with whatever method it likes."""
    gateway = await start([KEY], store=False)
    assert (await gateway.get(*LANES[lane], "X-Api-Key: k", method=method)).status == 200


@pytest.mark.parametrize(
    ("path", "headers", "advice"),
    [
        ("/v1/authorize/forwarded", ["X-Forwarded-Uri: /"], "X-Forwarded-Method is missing; Traefik's forwardAuth"),
        ("/v1/authorize/forwarded", ["X-Forwarded-Method: GET", "X-Forwarded-Uri:"], "X-Forwarded-Uri is missing; Traefik's forwardAuth"),
        (
            "/v1/authorize/nginx",
            ["X-Original-Method: GET"],
            "X-Original-URI is missing; add `proxy_set_header X-Original-URI $request_uri;`",
        ),
        (
            "/v1/authorize/nginx",
            ["X-Original-Method: GET", "X-Original-Method: PUT"],
            "X-Original-Method is there 2 times; add `proxy_set_header X-Original-Method $request_method;`",
        ),
    ],
)
async def test_gateway_misconfigured(path: str, headers: list[str], advice: str, start: Start) -> None:
    """A gateway that does not say what was asked is told which line of its configuration is missing."""
    answer = await (await start([KEY], store=False)).get(path, *headers)
    assert answer.json["detail"].startswith(advice)


@pytest.mark.parametrize(
    ("path", "matched"),
    [
        ("/v1/authorize/envoy/login", True),
        ("/v1/authorize/envoy/login?next=/", True),
        ("/v1/authorize/envoy//LOGIN/", True),
        ("/v1/authorize/envoy/v1/authorize/envoy/login", False),
        ("/v1/authorize/envoy", False),
        ("/v1/authorize/envoy?/login", False),
    ],
)
async def test_envoys_path(path: str, matched: bool, start: Start) -> None:
    """Envoy's own path follows our prefix, however it looks, and its query is no part of it."""
    gateway = await start([{**KEY, "match": {"path": ["/login"], "method": ["POST"]}}])
    answers = [await gateway.get(path, "X-Api-Key: k", method="POST") for _ in range(2)]
    assert [answer.status for answer in answers] == ([200, 429] if matched else [200, 200])


@pytest.mark.parametrize("lane", LANES)
async def test_identity(lane: str, start: Start) -> None:
    """Key, plan and cost come from the headers that the policy names, and from no others."""
    free = {"name": "free", "per": ["api_key"], "match": {"plan": ["free"]}, "bucket": {"capacity": 5, "refill": "1/h"}}
    gateway = await start([free], plan=[{"header": "X-Plan"}], cost=[{"header": "X-Cost"}])
    get = gateway.get
    assert (await get(*LANES[lane], "Authorization: Bearer k", "X-Plan: free", "X-Cost: 4")).headers["ratelimit"] == '"free";r=1;t=3600'
    assert (await get(*LANES[lane], "X-Api-Key: k", "X-Plan: free", "X-Request-Cost: 9")).headers["ratelimit"] == '"free";r=0;t=3600'
    assert "ratelimit" not in (await get(*LANES[lane], "X-Api-Key: k", "X-Plan: gold")).headers
    mistaken = await get(*LANES[lane], "X-Plan: free", "X-Cost: -1")
    assert (mistaken.status, mistaken.headers.get("x-ratelimit-status")) == ((403, "400") if lane == "nginx" else (400, None))


@pytest.mark.parametrize(
    ("lines", "same_as"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        (["1.2.3.4, 203.0.113.7, 10.0.0.1, 10.9.9.9"], "203.0.113.7"),
        (["1.2.3.4", "203.0.113.7 , 10.0.0.1"], "203.0.113.7"),
        (["1.2.3.4, 203.0.113.7:4711"], "203.0.113.7"),
        (["::ffff:203.0.113.7"], "203.0.113.7"),
        (["[2001:db8::9]:80"], "2001:db8::1"),
        ([",".join(["1.1.1.1"] * 5_000) + ",203.0.113.7"], "203.0.113.7"),
        (["1.2.3.4, garbage, 10.0.0.1"], "10.0.0.1"),
        (["10.0.0.7, 10.0.0.1"], "10.0.0.7"),
    ],
)
async def test_caller_is_the_nearest_that_is_not_trusted(lines: list[str], same_as: str, start: Start) -> None:
    """However X-Forwarded-For is written, its right-most address that is no trusted proxy is the caller; the rest anyone wrote."""
    gateway = await start([IP], **TRUSTED)
    assert (await gateway.check(ip=same_as)).json["decision"] == "allow"
    assert (await gateway.get(*FORWARDED, *(f"X-Forwarded-For: {line}" for line in lines))).status == 429
    assert gateway.counts.no_address == 0


@pytest.mark.parametrize(
    "lines", [[], [""], ["unknown"], ["1.2.3.4, <script>"], ["\xff\xfe"], ["," * 7_000], ["1.2.3.4%0a"], ["010.0.0.1"]]
)
async def test_no_usable_address(lines: list[str], start: Start) -> None:
    """Without an address the limits per ip are skipped, which is counted; the peer is the gateway and is not taken for the caller."""
    gateway = await start([IP, KEY], **TRUSTED)
    headers = [f"X-Forwarded-For: {line}" for line in lines]
    assert [(await gateway.get(*FORWARDED, "X-Api-Key: k", *headers)).status for _ in range(2)] == [200, 429]
    assert gateway.counts.no_address == 2
    assert (await gateway.check(ip="127.0.0.1")).json["remaining"] == 0


async def test_no_address_can_be_refused(start: Start) -> None:
    """A limit that says `missing: deny` refuses a caller whom it cannot count."""
    gateway = await start([{**IP, "missing": "deny"}])
    answer = await gateway.get(*FORWARDED)
    assert (answer.status, answer.headers["x-ratelimit-decision"]) == (429, "throttle")


@pytest.mark.parametrize("lane", LANES)
async def test_bytes_that_are_no_text(lane: str, start: Start) -> None:
    """Header values that are not UTF-8 are callers like any other."""
    account = {"name": "account", "per": ["account"], "bucket": {"capacity": 1, "refill": "1/h"}}
    gateway = await start([KEY, account], account=[{"header": "X-Account-Id"}])
    answers = [await gateway.get(*LANES[lane], "X-Api-Key: \xff", "X-Account-Id: \xfe\xff") for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 403 if lane == "nginx" else 429]
    assert gateway.counts.bugs == 0


async def test_one_caller_on_every_lane(start: Start) -> None:
    """A key is the same caller on every lane."""
    gateway = await start([{**KEY, "bucket": {"capacity": 4, "refill": "1/h"}}])
    for lane in LANES.values():
        assert (await gateway.get(*lane, "X-Api-Key: k")).status == 200
    assert (await gateway.check(api_key="k")).json["remaining"] == 0
