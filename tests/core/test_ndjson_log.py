"""JSON access logs, ours and those of common gateways."""

import json

import pytest

from ratelimit.core.access_log import detect
from ratelimit.core.log_entry import BrokenLineError, Entry
from ratelimit.core.ndjson_log import NdjsonLog
from ratelimit.core.usage_event import LIFE_EVENTS

AT = 1_671_704_818_000_000  # 2022-12-22T10:26:58Z
BASE = {"time": 1_671_704_818, "method": "GET", "path": "/"}

OURS = BASE | {"ip": "203.0.113.7", "api_key": "k", "account": "a", "plan": "free", "cost": 3, "status": 200, "bytes": 5124,
               "latency_ms": 1.5, "user_agent": "x", "referrer": "https://example.org/"}  # fmt: skip
NGINX = {"time_iso8601": "2022-12-22T02:26:58-08:00", "remote_addr": "10.0.0.1", "http_x_forwarded_for": "203.0.113.7",
         "request": "POST /login HTTP/1.1", "http_x_api_key": "", "status": "200", "body_bytes_sent": "5124", "request_time": "0.250",
         "http_user_agent": "x", "http_referer": "-"}  # fmt: skip
ENVOY = {"start_time": "2022-12-22T10:26:58.000Z", "method": "GET", "path": "/", "x_forwarded_for": "203.0.113.7", "response_code": 200,
         "bytes_sent": 5124, "duration": 250, "user_agent": "x", "authority": "a.example", "type": "access",
         "downstream_remote_address": "10.0.0.1:4711"}  # fmt: skip
ENVOY_GATEWAY = {"start_time": "2022-12-22T10:26:58.000Z", "method": "GET", "x-envoy-origin-path": "/", "x-forwarded-for": "203.0.113.7",
                 "response_code": 200, "bytes_sent": 5124, "duration": 250, "user-agent": "x"}  # fmt: skip
TRAEFIK = {"StartUTC": "2022-12-22T10:26:58Z", "RequestMethod": "GET", "RequestPath": "/", "ClientHost": "203.0.113.7", "level": "info",
           "DownstreamStatus": 200, "DownstreamContentSize": 5124, "Duration": 250_000_000, "request_User-Agent": "x",
           "request_Referer": "https://example.org/", "time": "2022-12-22T10:26:59Z"}  # fmt: skip
CADDY = {"ts": 1_671_704_818.0, "status": 200, "size": 5124, "duration": 0.25,
         "request": {"remote_ip": "10.0.0.1", "client_ip": "203.0.113.7", "method": "GET", "uri": "/a", "proto": "HTTP/2.0",
                     "headers": {"User-Agent": ["x"], "Referer": []}}}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "entry"),
    [
        (OURS, Entry(AT, "GET", "/", "203.0.113.7", "k", "a", "free", 3, 200, 5124, 1.5, "x", "https://example.org/")),
        (NGINX, Entry(AT, "POST", "/login", "203.0.113.7, 10.0.0.1", None, None, None, 1, 200, 5124, 250, "x")),
        (ENVOY, Entry(AT, "GET", "/", "203.0.113.7, 10.0.0.1:4711", None, None, None, 1, 200, 5124, 250, "x")),
        (ENVOY_GATEWAY, Entry(AT, "GET", "/", "203.0.113.7", None, None, None, 1, 200, 5124, 250, "x")),
        (TRAEFIK, Entry(AT, "GET", "/", "203.0.113.7", None, None, None, 1, 200, 5124, 250, "x", "https://example.org/")),
        (CADDY, Entry(AT, "GET", "/a", "203.0.113.7", None, None, None, 1, 200, 5124, 250, "x")),
        (BASE, Entry(AT, "GET", "/")),
        (BASE | {"time": "22/Dec/2022:02:26:58 -0800"}, Entry(AT, "GET", "/")),
        (BASE | {"time": "1671704818.000"}, Entry(AT, "GET", "/")),
        (BASE | {"ip": "-", "api_key": None, "account": 17, "cost": "2"}, Entry(AT, "GET", "/", account="17", cost=2)),
        (BASE | {"cost": 0}, Entry(AT, "GET", "/", cost=0)),
        ({"time": 1_671_704_818, "request": "-"}, Entry(AT, "", "")),
        ({"time": 1_671_704_818}, Entry(AT, "", "")),
        (
            CADDY | {"request": {"method": "GET", "uri": "/a", "headers": "none"}},
            Entry(AT, "GET", "/a", status=200, bytes=5124, latency_ms=250),
        ),
    ],
)
def test_reads_known_names(row: dict[str, object], entry: Entry) -> None:
    """A row under any known name becomes the same entry; unknown fields are ignored."""
    assert NdjsonLog()(json.dumps(row).encode()) == entry


@pytest.mark.parametrize(
    ("said", "entry"),
    [
        ({"status": "000"}, Entry(AT, "GET", "/")),
        ({"status": 1e30}, Entry(AT, "GET", "/")),
        ({"status": [200]}, Entry(AT, "GET", "/")),
        ({"bytes": "-"}, Entry(AT, "GET", "/")),
        ({"bytes": -5}, Entry(AT, "GET", "/")),
        ({"bytes": "NaN"}, Entry(AT, "GET", "/")),
        ({"bytes": 1e300}, Entry(AT, "GET", "/")),
        ({"latency_ms": "soon"}, Entry(AT, "GET", "/")),
        ({"latency_ms": None, "request_time": 2}, Entry(AT, "GET", "/", latency_ms=2_000)),
        ({"user_agent": {"name": "x"}}, Entry(AT, "GET", "/")),
        ({"referrer": "-"}, Entry(AT, "GET", "/")),
    ],
)
def test_an_answer_that_cannot_be_used_is_unknown(said: dict[str, object], entry: Entry) -> None:
    """What was answered decides nothing, so nonsense in it does not cost the request."""
    assert NdjsonLog()(json.dumps(BASE | said).encode()) == entry


@pytest.mark.parametrize("kind", LIFE_EVENTS)
def test_an_event_in_an_accounts_life_needs_no_request(kind: str) -> None:
    """A time, a type that we know and whom it concerns are enough."""
    row = {"time": 1_671_704_818, "type": kind, "account": "a", "ip": "203.0.113.7"}
    assert NdjsonLog()(json.dumps(row).encode()) == Entry(AT, "", "", "203.0.113.7", account="a", kind=kind)


@pytest.mark.parametrize("kind", ["request", "access", "log", 7, None, {}])
def test_a_type_of_another_system_is_a_request(kind: object) -> None:
    """With a method and a path beside it, a type that we do not know changes nothing."""
    assert NdjsonLog()(json.dumps(BASE | {"type": kind}).encode()) == Entry(AT, "GET", "/")


def test_rows_of_different_shapes_do_not_mix() -> None:
    """A parser that has seen one shape reads another rightly."""
    log = NdjsonLog()
    rows = [OURS, TRAEFIK, OURS, BASE]
    assert [log(json.dumps(row).encode()).ip for row in rows] == ["203.0.113.7", "203.0.113.7", "203.0.113.7", None]


def test_a_field_can_be_named() -> None:
    """A log's own name for a field stands in for the known ones."""
    log = NdjsonLog({"api_key": "token"})
    assert log(json.dumps(BASE | {"token": "t", "api_key": "k"}).encode()).api_key == "t"


def test_raw_bytes_do_not_break_a_line() -> None:
    """What nginx lets through unescaped is replaced, not refused."""
    assert NdjsonLog()(b'{"time": 1671704818, "method": "GET", "path": "/\xff"}').path == "/\ufffd"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "not a JSON object"),
        (b"[1, 2]", "not a JSON object"),
        (b"plain text", "not a JSON object"),
        (b'{"time": 1, "method": "GET", "path": "/\\ud800"}', "not a JSON object"),
        (b'{"method": "GET", "path": "/"}', "has no time"),
        (b'{"time": "noon", "method": "GET", "path": "/"}', "time is unknown"),
        (b'{"time": true, "method": "GET", "path": "/"}', "has no time"),
        (b'{"time": 1e400, "method": "GET", "path": "/"}', "not"),
        (b'{"time": 1, "type": "sign-up", "account": "a"}', "its type is unknown; expected method and path, or a type of signup"),
        (b'{"time": 1, "type": "login"}', "names nobody"),
        (b'{"time": 1, "method": ["GET"], "path": "/"}', "field method is a list"),
        (b'{"time": 1, "method": "GET", "path": "/", "cost": -1}', "field cost"),
        (b'{"time": 1, "method": "GET", "path": "/", "cost": 1.5}', "field cost"),
        (b'{"time": 1, "method": "GET", "path": "/", "cost": "many"}', "field cost"),
        (b'{"time": 1, "method": "GET", "path": "/", "cost": {}}', "field cost"),
    ],
)
def test_says_what_is_wrong_with_a_broken_line(line: bytes, problem: str) -> None:
    """The message names the field that could not be read."""
    with pytest.raises(BrokenLineError, match=problem):
        NdjsonLog()(line)


@pytest.mark.parametrize(("line", "log_format"), [(b' {"a": 1}', "ndjson"), (b"203.0.113.7 - -", "combined"), (b"", "combined")])
def test_the_first_line_tells_the_format(line: bytes, log_format: str) -> None:
    """A brace begins JSON; everything else is taken for the combined format."""
    assert detect(line) == log_format
