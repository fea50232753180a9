"""The combined format, as servers write it and as the internet abuses it."""

import pytest

from ratelimit.core.combined_log import CombinedLog
from ratelimit.core.log_entry import BrokenLineError, Entry

AT = 1_671_704_818_000_000  # 2022-12-22T10:26:58Z
TIME = "[22/Dec/2022:02:26:58 -0800]"
TAIL = '200 13149 "-" "Mozilla/5.0 (X11; \\"quoted\\")"'


def parsed(line: str | bytes) -> Entry:
    return CombinedLog()(line if isinstance(line, bytes) else line.encode())


@pytest.mark.parametrize(
    ("line", "ip", "method", "path"),
    [
        (f'203.0.113.7 - - {TIME} "GET /a?b=c HTTP/1.1" {TAIL}', "203.0.113.7", "GET", "/a?b=c"),
        (f'2001:db8::1 - - {TIME} "POST /login HTTP/2.0" {TAIL}', "2001:db8::1", "POST", "/login"),
        (f'203.0.113.7 - - {TIME} "GET / HTTP/1.1" 200 -', "203.0.113.7", "GET", "/"),
        (f'203.0.113.7 - ann smith {TIME} "GET / HTTP/3" {TAIL}', "203.0.113.7", "GET", "/"),
        (f'203.0.113.7 - [evil] [x] {TIME} "GET / HTTP/1.1" {TAIL}', "203.0.113.7", "GET", "/"),
        (f'shop.example:443 203.0.113.7 - - {TIME} "GET / HTTP/1.1" {TAIL}', "203.0.113.7", "GET", "/"),
        (f'203.0.113.7, 10.0.0.1 - - {TIME} "GET / HTTP/1.1" {TAIL}', "203.0.113.7, 10.0.0.1", "GET", "/"),
        (f'- - - {TIME} "GET / HTTP/1.1" {TAIL}', None, "GET", "/"),
        (f'203.0.113.7 - - {TIME} "GET /a b HTTP/1.1" {TAIL}', "203.0.113.7", "GET", "/a b"),
        (f'203.0.113.7 - - {TIME} "GET /old" {TAIL}', "203.0.113.7", "GET", "/old"),
        (f'203.0.113.7 - - {TIME} "GET /\\"x\\x22 HTTP/1.1" {TAIL}', "203.0.113.7", "GET", '/"x"'),
        (f'203.0.113.7 - - {TIME} "GET /\\xC3\\xA9 HTTP/1.1" {TAIL}', "203.0.113.7", "GET", "/é"),
        (f'203.0.113.7 - - {TIME} "GET http://a.example/p?q HTTP/1.1" {TAIL}', "203.0.113.7", "GET", "/p?q"),
        (f'203.0.113.7 - - {TIME} "GET http://a.example HTTP/1.1" {TAIL}', "203.0.113.7", "GET", "/"),
        (f'203.0.113.7 - - {TIME} "OPTIONS * HTTP/1.1" {TAIL}', "203.0.113.7", "OPTIONS", "*"),
    ],
)
def test_reads_what_was_asked(line: str, ip: str | None, method: str, path: str) -> None:
    """Address, method and target come out as the gateway would have passed them on."""
    assert parsed(line)[:8] == Entry(AT, method, path, ip)[:8]


@pytest.mark.parametrize(
    ("tail", "status", "size", "referrer", "agent"),
    [
        (TAIL, 200, 13149, None, 'Mozilla/5.0 (X11; "quoted")'),
        ('404 0 "https://example.org/?a=\\"" "curl/8"', 404, 0, 'https://example.org/?a="', "curl/8"),
        ('404 0 "https://example.org/" "curl/8" 0.003 more', 404, 0, "https://example.org/", "curl/8"),
        ('200 1 "" "\\xC3\\xA9"', 200, 1, None, "é"),
        ("304 -", 304, 0, None, None),
        ("- 17", 0, 17, None, None),
        ('200 17 "https://example.org/" "cut of', 200, 17, None, None),
        ('200 17 garbage "a" "b"', 200, 17, None, None),
    ],
)
def test_reads_what_was_answered(tail: str, status: int, size: int, referrer: str | None, agent: str | None) -> None:
    """Status, bytes, referrer and agent follow the request; what is absent or cut off is unknown, and the request is still read."""
    entry = parsed(f'203.0.113.7 - - {TIME} "GET / HTTP/1.1" {tail}')
    assert (entry.status, entry.bytes, entry.referrer, entry.user_agent) == (status, size, referrer, agent)
    assert (entry.latency_ms, entry.kind) == (-1, "request")


@pytest.mark.parametrize("request_line", ["-", "", "\\x16\\x03\\x01\\x02", "\\x03 \\x00/*", "quit", "GET  HTTP/1.1"])
def test_a_connection_without_a_request_is_an_entry_without_method(request_line: str) -> None:
    """What never spoke HTTP is read, and is told apart from a request."""
    entry = parsed(f'203.0.113.7 - - {TIME} "{request_line}" 400 226 "-" "-"')
    assert (entry.method, entry.path) == ("", "")


def test_raw_bytes_do_not_break_a_line() -> None:
    """Bytes that are no UTF-8 are replaced, not refused."""
    entry = parsed(b"203.0.113.7 - - " + TIME.encode() + b' "GET /\xff\xfe HTTP/1.1" 200 1 "-" "\xff"')
    assert entry.path == "/\ufffd\ufffd"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("no log at all", "no address and \\[time\\]"),
        ("\x00\x01\x02", "no address and \\[time\\]"),
        (f'203.0.113.7 - - {TIME} "GET / HT', "cut off"),
        (f'203.0.113.7 - - {TIME} "GET / HTTP/1.1" abc 1', "cut off"),
        ('203.0.113.7 - - [99/Dec/2022:02:26:58 -0800] "GET / HTTP/1.1" 200 1', "calendar"),
        ('203.0.113.7 - - [22/Dez/2022:02:26:58 -0800] "GET / HTTP/1.1" 200 1', "time is unknown"),
        ('203.0.113.7 - - [22/Dec/2022:02:26:99 -0800] "GET / HTTP/1.1" 200 1', "time is unknown"),
    ],
)
def test_says_what_is_wrong_with_a_broken_line(line: str, problem: str) -> None:
    """The message names the part that could not be read."""
    with pytest.raises(BrokenLineError, match=problem):
        parsed(line)


def test_never_quotes_a_broken_line() -> None:
    """A line can hold secrets, so its message holds nothing of it."""
    with pytest.raises(BrokenLineError) as caught:
        parsed(f'203.0.113.7 - - {TIME} "GET /?api_key=sk_live_secret')
    assert "sk_live" not in str(caught.value)


def test_a_parser_reads_many_lines_alike() -> None:
    """What a parser remembers of earlier lines changes nothing about later ones."""
    log = CombinedLog()
    for second in (3, 59, 3):
        line = f'203.0.113.7 - - [22/Dec/2022:02:26:{second:02} -0800] "GET /{second} HTTP/1.1" 200 1'
        assert log(line.encode()) == Entry(AT + (second - 58) * 1_000_000, "GET", f"/{second}", "203.0.113.7", status=200, bytes=1)


def test_a_hostile_line_takes_no_long_time() -> None:
    """A user name full of times and brackets ends in a message, not in a search without end."""
    with pytest.raises(BrokenLineError):
        parsed(f"203.0.113.7 - {TIME * 2_000}")
    assert parsed(f'203.0.113.7 - - {TIME} "GET / HTTP/1.1" 200 1 "' + '\\"' * 30_000).referrer is None
