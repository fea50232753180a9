"""The gateway lane against whatever arrives: every answer is a decision or a problem with a 4xx, and no secret is logged."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from ratelimit.core.decision import Decision
from ratelimit.web import body
from tests.web.hostile import GOOD, HOSTILE, SECRET_KEY, check, chunked, get, post

Start = Callable[..., Awaitable[Any]]

LIMIT = {"name": "key", "per": ["api_key"], "bucket": {"capacity": 1_000, "refill": "1/h"}}


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
