"""`/v1/events`: lines that count, lines that are refused, and what neither can do; over HTTP, on a real store."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ratelimit.core.message import Replied
from tests.stores.asker import until
from tests.web.signals_site import Site

Start = Callable[..., Awaitable[Any]]

LIMIT = {"name": "key", "per": ["api_key"], "bucket": {"capacity": 1_000, "refill": "1000/s"}}
NONE = {"accepted": 0, "refused": 0, "repeated": 0, "problems": []}


async def site(start: Start) -> Site:
    return Site(await start([LIMIT]))


async def test_answers_become_signals(start: Start) -> None:
    """What is told of requests that passed is in the shares of who made them."""
    here = await site(start)
    await here.ask(10)
    await here.settle()
    told = await here.tell(*[{"status": 404, "bytes": 10}] * 4, *[{"status": 401}] * 2, *[{"status": 503}] * 2, {}, {})
    assert (told.status, told.json) == (202, {**NONE, "accepted": 10})
    await here.settle()
    assert here.signal("error_share_1d") == pytest.approx(0.6, rel=1e-3)
    assert here.signal("denied_share_1d") == pytest.approx(0.2, rel=1e-3)
    assert here.signal("bytes_1d") == pytest.approx(40, rel=1e-3)


async def test_an_accounts_life(start: Start) -> None:
    """Failed logins count; what no signal counts is accepted all the same."""
    here = await site(start)
    await here.ask(10)
    await here.settle()
    event = b'{"time":%d,"type":"%s","api_key":"k"}'
    told = await here.tell(*(event % (time.time(), kind) for kind in (b"login", b"login_failed", b"login_failed", b"closed")))
    assert told.json == {**NONE, "accepted": 4}
    await here.settle()
    assert here.signal("failed_login_share") == pytest.approx(2 / 3)


async def test_a_wrong_line_spoils_no_other(start: Start) -> None:
    """Each is said with its line and the path of the field; the others count."""
    here = await site(start)
    told = await here.tell(
        {},
        b"no json",
        {"status": 99},
        b"",
        {"statuss": 200},
        {"ip": "nowhere"},
        {"time": time.time() - 90_000},
        {"time": time.time() + 900},
        b'{"time":NaN}',
        {"bytes": -1},
        {"status": 200.5},
        {"type": "marriage"},
        {"api_key": None},
        b"[1]",
        b"\xff",
        {"path": "x" * 70_000},
        {},
    )
    assert told.status == 202
    assert (told.json["accepted"], told.json["refused"], told.json["repeated"]) == (2, 14, 0)
    assert [(problem["line"], problem["path"]) for problem in told.json["problems"]] == [
        (2, "$"),
        (3, "$.status"),
        (5, "$.statuss"),
        (6, "$.ip"),
        (7, "$.time"),
        (8, "$.time"),
        (9, "$"),
        (10, "$.bytes"),
        (11, "$.status"),
        (12, "$.type"),
        (13, "$"),
        (14, "$"),
        (15, "$"),
        (16, "$"),
    ]
    assert "did you mean 'status'?" in told.json["problems"][2]["detail"]
    assert here.gateway.counts.events == {"accepted": 2, "unreadable": 5, "invalid": 7, "too_old": 1, "too_new": 1}


async def test_problems_are_few(start: Start) -> None:
    """Of a thousand wrong lines twenty are listed and all are counted."""
    told = await (await site(start)).tell(*[{"status": 0}] * 1_000, {})
    assert (told.json["accepted"], told.json["refused"], len(told.json["problems"])) == (1, 1_000, 20)


@pytest.mark.parametrize("body", [b"", b"\n\n \r\n"])
async def test_nothing_told(start: Start, body: bytes) -> None:
    """An empty body is a file without lines."""
    answer = await (await site(start)).gateway.post("/v1/events", body)
    assert (answer.status, answer.json) == (202, NONE)


@pytest.mark.parametrize("body", [b"hello\nworld\n", b'[{"time":1}]', b'{\n"time": 1\n}', b"\xff\xfe", b'{"time":1,' * 9_000])
async def test_what_is_no_ndjson(start: Start, body: bytes) -> None:
    """A body in which no line is an object is another kind of document, and that is said."""
    answer = await (await site(start)).gateway.post("/v1/events", body)
    assert answer.status == 400
    assert "expected a JSON object a line" in answer.json["detail"]


async def test_bounds_of_a_body(start: Start) -> None:
    """A mebibyte is taken in, a byte more is not; nothing packed is."""
    gateway = (await site(start)).gateway
    line = b'{"time":%d,"method":"GET","path":"/","status":200,"api_key":"k"}\n' % time.time()
    body = line * (1_048_576 // len(line))
    body += b"\n" * (1_048_576 - len(body))
    assert (await gateway.post("/v1/events", body)).json["accepted"] == 1_048_576 // len(line)
    assert (await gateway.post("/v1/events", body + b"\n")).status == 413
    assert (await gateway.post("/v1/events", line, "Content-Encoding: gzip")).status == 415
    assert (await gateway.get("/v1/events")).status == 405


async def test_a_large_upload_keeps_nobody_waiting(start: Start) -> None:
    """Decisions are made between its lines: one that comes after it is answered before it."""
    here = await site(start)
    upload = asyncio.create_task(here.tell(*[{}] * 8_000))
    await until(lambda: len(here.usage.strangers))  # its first lines were taken in
    assert (await here.ask(1)).json["decision"] == "allow"
    assert not upload.done()
    assert (await upload).json["accepted"] == 8_000


async def test_an_upload_that_is_sent_again(start: Start) -> None:
    """Lines with a decision's id count once; without one they count each time."""
    here = await site(start)
    lines: list[dict[str, Any] | bytes] = [{"decision_id": "a"}, {"decision_id": "b"}, {}]
    assert (await here.tell(*lines)).json == {**NONE, "accepted": 3}
    assert (await here.tell(*lines, {"decision_id": "c"})).json == {**NONE, "accepted": 2, "repeated": 2}
    assert (await here.tell({"decision_id": "d", "status": 7}, {"decision_id": "d"})).json["accepted"] == 1


async def test_the_ledger_is_told_how_requests_were_answered(start: Start) -> None:
    """With the ids of their decisions, each once, many at once; what can be nobody's id it is not told."""
    here = await site(start)
    await here.tell({"decision_id": "a", "status": 404}, {"decision_id": "\0"}, {"decision_id": "é"}, {}, {"decision_id": "a"})
    await here.tell(*({"decision_id": f"b{number}"} for number in range(501)))
    assert here.gateway.told[0] == Replied((("a", 404),))
    assert [len(one.statuses) for one in here.gateway.told[1:]] == [500, 1]


async def test_signals_off(start: Start) -> None:
    """Where nothing is remembered of anybody nothing is accepted, and the reason is said."""
    gateway = await start([LIMIT])
    answer = await gateway.post("/v1/events", {"time": time.time(), "method": "GET", "path": "/", "status": 200, "api_key": "k"})
    assert (answer.status, answer.json["accepted"], answer.json["refused"]) == (202, 0, 1)
    assert "RATELIMIT_SIGNALS" in answer.json["problems"][0]["detail"]


async def test_token(start: Start) -> None:
    """Who cannot ask cannot tell."""
    gateway = await start([LIMIT], token="a-token-that-is-long")
    assert (await gateway.post("/v1/events", b"")).status == 401
    assert (await gateway.post("/v1/events", b"", "X-RateLimit-Token: a-token-that-is-long")).status == 202


async def test_forged_successes_dilute_nothing(start: Start) -> None:
    """However many good answers are made up, no more were answered than had passed."""
    here = await site(start)
    await here.ask(20)
    await here.settle()
    await here.tell(*[{"status": 403}] * 20)
    await here.tell(*[{"status": 200}] * 5_000)
    await here.settle()
    assert here.signal("error_share_10m") == 1
    assert here.signal("denied_share_10m") == 1


async def test_what_a_limit_answered_is_no_error(start: Start) -> None:
    """A gateway may upload its whole log: a 429 is a request that did not pass, and nobody's error."""
    here = await site(start)
    await here.ask(10)
    await here.settle()
    await here.tell(*[{"status": 429}] * 50, *[{"status": 404}] * 1, *[{}] * 9)
    await here.settle()
    assert here.signal("error_share_1d") == pytest.approx(0.1, rel=1e-3)


async def test_raw_keys_are_not_kept(start: Start) -> None:
    """Nothing that is held of who was told of has the key in it."""
    here = await site(start)
    await here.tell({"api_key": "a-raw-key"})
    strangers = here.usage.strangers._met.values()
    assert len(strangers) == 1
    assert "a-raw-key" not in str([(stranger.value, stranger.key) for stranger in strangers])
