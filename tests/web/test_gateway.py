"""The gateway lane against whatever arrives: every answer is a decision or a problem with a 4xx, and no secret is logged."""

import asyncio
import gzip
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from ratelimit.core.decision import Decision
from ratelimit.web import body

Start = Callable[..., Awaitable[Any]]

SECRET_KEY = "sk_live_do_not_log_me"
LIMIT = {"name": "key", "per": ["api_key"], "bucket": {"capacity": 1_000, "refill": "1/h"}}
GOOD = b'{"method":"GET","path":"/","api_key":"k"}'


def post(content: bytes, *headers: bytes, path: bytes = b"/v1/check") -> bytes:
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(content), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + content


def check(**fields: Any) -> bytes:
    return post(json.dumps({"method": "GET", "path": "/", **fields}).encode())


def get(path: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    return b"\r\n".join([method + b" " + path + b" HTTP/1.1", b"Host: x", *headers, b"", b""])


def chunked(*chunks: bytes) -> bytes:
    return get(b"/v1/check", b"Transfer-Encoding: chunked", method=b"POST") + b"".join(chunks)


HOSTILE: dict[str, tuple[bytes, int, str | None]] = {
    # name: what is sent, status, path of the wrong field
    "empty body": (post(b""), 400, None),
    "no length": (get(b"/v1/check", method=b"POST"), 400, None),
    "no JSON": (post(b"{nope"), 400, None),
    "cut JSON": (post(GOOD[:-1]), 400, None),
    "two documents": (post(GOOD + GOOD), 400, None),
    "a list": (post(b"[]"), 422, "$"),
    "a thousand brackets": (post(b"[" * 60_000), 422, "$"),
    "a thousand braces": (post(b'{"method":' * 6_000), 422, "$.method"),
    "byte order mark": (post(b"\xef\xbb\xbf" + GOOD), 400, None),
    "invalid UTF-8": (post(b'{"method":"GET","path":"/\xff","api_key":"k"}'), 400, None),
    "lone surrogate": (post(rb'{"method":"GET","path":"/\ud800","api_key":"k"}'), 400, None),
    "NaN": (post(b'{"method":"GET","path":"/","api_key":"k","cost":NaN}'), 400, None),
    "unknown field": (check(api_kye="k"), 422, "$.api_kye"),
    "unknown field of a strange name": (post(b'{"a`b":1}'), 422, "$"),
    "no method": (post(b'{"path":"/","api_key":"k"}'), 422, "$.method"),
    "empty path": (check(api_key="k", path=""), 422, "$.path"),
    "long path": (check(api_key="k", path="/" * 9_000), 422, "$.path"),
    "negative cost": (check(api_key="k", cost=-1), 422, "$.cost"),
    "huge cost": (check(api_key="k", cost=10**30), 422, "$.cost"),
    "broken cost": (check(api_key="k", cost=1.5), 422, "$.cost"),
    "cost as text": (check(api_key="k", cost="1"), 422, "$.cost"),
    "cost as truth": (check(api_key="k", cost=True), 422, "$.cost"),
    "empty key": (check(api_key=""), 422, "$.api_key"),
    "long key": (check(api_key="k" * 513), 422, "$.api_key"),
    "nobody": (check(), 422, "$"),
    "nobody, said so": (check(api_key=None, ip=None), 422, "$"),
    "no address": (check(ip="example.com"), 422, "$.ip"),
    "address with a zone": (check(ip="fe80::1%eth0"), 422, "$.ip"),
    "address with a NUL": (check(ip="10.0.0.1\0"), 422, "$.ip"),
    "address in octal": (check(ip="010.0.0.1"), 422, "$.ip"),
    "batch that is a list": (post(b"[]", path=b"/v1/check/batch"), 422, "$"),
    "batch with a mistake": (post(b'{"checks":[%b,{"path":"/"}]}' % GOOD, path=b"/v1/check/batch"), 422, "$.checks[1].method"),
    "compressed body": (post(gzip.compress(GOOD), b"Content-Encoding: gzip"), 415, None),
    "70 kB": (check(api_key="k", user_agent="x" * 70_000), 413, None),
    "10 MB promised": (post(b"x" * 10)[:-10].replace(b"Length: 10", b"Length: 10000000"), 413, None),
    "10 MB in one chunk": (chunked(b"989680\r\n", b"x" * 100_000), 413, None),
    "no hexadecimal chunk": (chunked(b"zz\r\n\r\n"), 400, None),
    "chunk that is longer than it says": (chunked(b"1\r\nabc\r\n0\r\n\r\n"), 400, None),
    "length and chunks": (get(b"/v1/check", b"Content-Length: 5", b"Transfer-Encoding: chunked", method=b"POST"), 400, None),
    "two lengths": (get(b"/v1/check", b"Content-Length: 5", b"Content-Length: 6", method=b"POST"), 400, None),
    "length that is none": (get(b"/v1/check", b"Content-Length: +5", method=b"POST"), 400, None),
    "unknown path": (get(b"/v1/nope"), 404, None),
    "unknown path with a secret": (get(b"/%2e%2e/etc/passwd?key=" + SECRET_KEY.encode()), 404, None),
    "star": (get(b"*", method=b"OPTIONS"), 404, None),
    "GET on a check": (get(b"/v1/check"), 405, None),
    "HTTP 1.0 and GET on a batch": (b"GET /v1/check/batch HTTP/1.0\r\n\r\n", 405, None),
    "OPTIONS on a check": (get(b"/v1/check", method=b"OPTIONS"), 405, None),
    "POST on livez": (post(b"", path=b"/livez"), 405, None),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, None),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, None),
    "invented method": (get(b"/v1/check", method=b"STEAL"), 400, None),
    "control character in a header": (get(b"/livez", b"X-Api-Key: " + SECRET_KEY.encode() + b"\x01"), 400, None),
    "space in a header's name": (get(b"/livez", b"X Api Key: k"), 400, None),
    "folded header": (get(b"/livez", b"A: b\r\n c"), 400, None),
    "header of 100 kB": (get(b"/livez", b"A: " + b"x" * 100_000), 431, None),
    "target of 100 kB": (get(b"/" + b"x" * 100_000), 431, None),
    "2 MB of headers": (get(b"/livez", *(b"A%d: %b" % (number, b"x" * 60_000) for number in range(35))), 431, None),
    "20,000 headers": (get(b"/livez", *(b"A%d: b" % number for number in range(20_000))), 400, None),
    "envoy, unparsable": (get(b"/v1/authorize/envoy/x", b"A: \x01"), 400, None),
    "nginx, unparsable": (get(b"/v1/authorize/nginx", b"X-Original-URI: /\x01"), 403, None),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile(name: str, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """Each gets a problem with its 4xx and the path of the field, what was wrong is counted, and the next client is served."""
    data, status, path = HOSTILE[name]
    caplog.set_level(logging.DEBUG)
    gateway = await start([LIMIT], store=False)
    with structlog.testing.capture_logs() as logs:
        answer = await gateway.ask(data)
    assert (answer.status, answer.json["status"], answer.json.get("path")) == (status, status, path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["title"]
    assert len(answer.json["detail"]) < 500
    assert SECRET_KEY not in answer.body.decode()
    assert SECRET_KEY not in caplog.text + str(logs)
    assert "Traceback" not in caplog.text
    assert (gateway.counts.problems, gateway.counts.bugs) == ({status: 1}, 0)
    assert (await gateway.check(api_key="k")).json["decision"] == "allow"


@pytest.mark.parametrize(
    "data",
    [
        post(GOOD),
        post(GOOD, b"Content-Type: text/plain"),
        post(b" \r\n" + GOOD + b"\n"),
        post(GOOD, path=b"/v1/check?debug=1"),
        post(GOOD, path=b"http://sidecar/v1/check"),
        chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD)),
        chunked(*(b"1\r\n%c\r\n" % byte for byte in GOOD), b"0\r\n\r\n"),
        b"POST /v1/check HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(GOOD), GOOD),
        post(GOOD, b"X-Anything: \xff\xfe", b"Cookie: " + b"x" * 20_000),
    ],
)
async def test_unusual_and_right(data: bytes, start: Start) -> None:
    """What is unusual and not wrong gets its decision."""
    gateway = await start([LIMIT], store=False)
    assert (await gateway.ask(data)).json["decision"] == "allow"


async def test_split_at_every_byte(start: Start) -> None:
    """However the network cuts a request, it is the same request."""
    gateway = await start([LIMIT])
    data = post(GOOD)
    connection = await gateway.connect()
    for cut in range(1, len(data)):
        await connection.send(data[:cut])
        await asyncio.sleep(0)
        await connection.send(data[cut:])
        assert (await connection.answer()).json["decision"] == "allow"
    await connection.close()


async def test_pipelined(start: Start) -> None:
    """Requests that come all at once on one connection are answered in their order, mistakes among them."""
    gateway = await start([{**LIMIT, "bucket": {"capacity": 2, "refill": "1/h"}}])
    connection = await gateway.connect()
    await connection.send(post(GOOD) + check(cost=-1) + post(GOOD) + get(b"/livez") + post(GOOD))
    answers = [await connection.answer() for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 422, 200, 200, 200]
    assert [answers[i].json["decision"] for i in (0, 2, 4)] == ["allow", "allow", "throttle"]
    await connection.close()


async def test_half_a_body_and_silence(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that does not come ends in a 408 and a closed connection, and holds up nobody else."""
    monkeypatch.setattr(body, "BODY_S", 0.05)
    gateway = await start([LIMIT])
    connection = await gateway.connect()
    await connection.send(post(GOOD)[:-5])
    assert (await gateway.check(api_key="k")).status == 200
    answer = await connection.answer()
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert await connection.reader.read() == b""
    await connection.close()


async def test_half_a_body_and_gone(start: Start) -> None:
    """A client that leaves in the middle of its body is no bug and costs nothing."""
    gateway = await start([LIMIT])
    connection = await gateway.connect()
    await connection.send(post(GOOD)[:-5])
    await connection.close()
    assert (await gateway.check(api_key="k")).json["remaining"] == 999
    assert gateway.counts.bugs == 0


@pytest.mark.parametrize("rest", [b"zz\r\n", b"5\r\nabcdefgh\r\n", b"ffffffffffffffffff\r\n"])
async def test_body_that_goes_wrong_on_its_way(rest: bytes, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """A body that begins well and goes on as no HTTP is a problem, once, and the connection ends."""
    gateway = await start([LIMIT])
    connection = await gateway.connect()
    await connection.send(chunked(b"3\r\n" + GOOD[:3] + b"\r\n"))
    assert (await gateway.check(api_key="k")).status == 200  # so that the beginning has been read
    await connection.send(rest)
    answer = await connection.answer()
    assert (answer.status, answer.headers["content-type"], answer.headers["connection"]) == (400, "application/problem+json", "close")
    assert await connection.reader.read() == b""
    assert (gateway.counts.bugs, caplog.text) == (0, "")
    await connection.close()


async def test_a_megabyte(start: Start) -> None:
    """A batch may be much larger than what is read at once, whole or in pieces that come late."""
    gateway = await start([LIMIT])
    check = {"method": "GET", "path": "/" + "x" * 900, "api_key": "k"}
    content = json.dumps({"checks": [check] * 1_000}).encode()
    assert len(content) > 900_000
    assert len((await gateway.post("/v1/check/batch", content)).json["decisions"]) == 1_000
    connection = await gateway.connect()
    data = post(content, path=b"/v1/check/batch")
    for at in range(0, len(data), 100_000):
        await connection.send(data[at : at + 100_000])
        await asyncio.sleep(0)
    assert len((await connection.answer()).json["decisions"]) == 1_000
    await connection.close()


async def test_body_that_comes_while_another_request_waits(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes faster than it is read stops being read, and goes on when there is room for it."""
    gateway = await start([LIMIT])
    decide, go_on = gateway.limiter.check, asyncio.Event()

    async def later(*asked: Any) -> Any:
        await go_on.wait()
        found = decide(*asked)
        return found if isinstance(found, Decision) else await found

    monkeypatch.setattr(gateway.limiter, "check", later)
    connection = await gateway.connect()
    content = json.dumps({"checks": [{"method": "GET", "path": "/" + "x" * 900, "api_key": "k"}] * 1_000}).encode()
    sending = asyncio.create_task(connection.send(post(GOOD) + post(content, path=b"/v1/check/batch") + get(b"/livez")))
    for _ in range(100):
        await asyncio.sleep(0.001)
    go_on.set()
    assert (await connection.answer()).json["decision"] == "allow"
    assert len((await connection.answer()).json["decisions"]) == 1_000
    assert (await connection.answer()).status == 200
    await sending
    await connection.close()


async def test_ten_megabytes_are_not_kept(start: Start) -> None:
    """A large body is refused before it is sent, and one that is sent all the same is read and thrown away."""
    gateway = await start([LIMIT])
    connection = await gateway.connect()
    await connection.send(post(b"x" * 10_000_000))
    assert (await connection.answer()).status == 413
    await connection.close()


async def test_expect_continue(start: Start) -> None:
    """A client that asks before it sends its body is told to go on, or told at once that it is too large."""
    gateway = await start([LIMIT])
    connection = await gateway.connect()
    head = post(GOOD, b"Expect: 100-continue")[: -len(GOOD)]
    await connection.send(head)
    assert (await connection.answer()).status == 100
    await connection.send(GOOD)
    assert (await connection.answer()).json["decision"] == "allow"
    await connection.send(head.replace(b"Content-Length: %d" % len(GOOD), b"Content-Length: 99999"))
    assert (await connection.answer()).status == 413
    await connection.close()


async def test_head(start: Start) -> None:
    """An answer to HEAD has no body, so the next answer on the connection is not mistaken for one."""
    gateway = await start([LIMIT])
    connection = await gateway.connect()
    await connection.send(get(b"/livez", method=b"HEAD") + get(b"/v1/check", method=b"HEAD") + get(b"/livez"))
    assert [(await connection.answer(head=head)).status for head in (True, True, False)] == [200, 405, 200]
    await connection.close()


@pytest.mark.parametrize(
    ("version", "header", "stays", "said"),
    [
        (b"1.1", b"", True, None),
        (b"1.1", b"Connection: close\r\n", False, "close"),
        (b"1.0", b"", False, "close"),
        (b"1.0", b"Connection: keep-alive\r\n", True, "keep-alive"),
    ],
)
async def test_keep_alive(version: bytes, header: bytes, stays: bool, said: str | None, start: Start) -> None:
    """A connection stays open as the client wants it, nginx's HTTP/1.0 too, and the answer says so where it must."""
    gateway = await start([LIMIT])
    connection = await gateway.connect()
    request = b"GET /livez HTTP/%b\r\nHost: x\r\n%b\r\n" % (version, header)
    await connection.send(request)
    assert (await connection.answer()).headers.get("connection") == said
    if stays:
        await connection.send(request)
        assert (await connection.answer()).status == 200
    else:
        assert await connection.reader.read() == b""
    await connection.close()


async def test_token(start: Start) -> None:
    """With a shared token nothing is decided without it, and probes go on working."""
    gateway = await start([LIMIT], token="a-token-that-is-long-enough")
    for headers in (
        (),
        ("X-RateLimit-Token: wrong",),
        ("X-RateLimit-Token: \xff",),
        ("Authorization: Bearer a-token-that-is-long-enough",),
    ):
        assert (await gateway.post("/v1/check", GOOD, *headers)).status == 401
    nginx = await gateway.get("/v1/authorize/nginx")
    assert (nginx.status, nginx.headers["x-ratelimit-status"]) == (403, "401")
    assert (await gateway.get("/livez")).status == 200
    answer = await gateway.post("/v1/check", GOOD, "X-RateLimit-Token: a-token-that-is-long-enough")
    assert answer.json["remaining"] == 999


async def test_bug(start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A bug of ours is a 500 with an id that the log has as well, and the log has nothing of the request; Envoy is never told a 5xx."""
    gateway = await start([LIMIT])

    def broken(*_: Any) -> None:
        raise ValueError(SECRET_KEY)

    monkeypatch.setattr(gateway.limiter, "check", broken)
    with structlog.testing.capture_logs() as logs:
        answer = await gateway.check(api_key=SECRET_KEY)
        envoy = await gateway.get("/v1/authorize/envoy/x")
    assert (answer.status, envoy.status, gateway.counts.bugs) == (500, 429, 2)
    assert [log["id"] for log in logs] == [answer.json["id"], envoy.json["id"]]
    assert logs[0]["error"] == "ValueError"
    assert any("test_gateway.py" in place for place in logs[0]["at"])
    assert SECRET_KEY not in str(logs) + caplog.text + answer.body.decode()


async def test_health(start: Start) -> None:
    """Alive from the start, ready only while serving; a store that is away is said and takes nobody out of service."""
    gateway = await start([LIMIT], store=False)
    ready = await gateway.get("/readyz")
    assert (ready.status, ready.json) == (200, {"ready": True, "state": "serving", "store": "away", "problem": None})
    for state in ("starting", "draining"):
        gateway.health.state = state
        assert ((await gateway.get("/readyz")).status, (await gateway.get("/livez")).status) == (503, 200)
