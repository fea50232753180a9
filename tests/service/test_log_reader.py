"""The reading of one log: what is counted, what is kept of broken lines."""

from ratelimit.core.log_entry import Entry
from ratelimit.service.log_reader import EXAMPLES_KEPT, MAX_LINE_BYTES, BrokenExample, LogReader

GOOD = b'203.0.113.7 - - [22/Dec/2022:10:26:58 +0000] "GET / HTTP/1.1" 200 1\n'
JSON = b'{"time": 1671704818, "method": "GET", "path": "/", "ip": "203.0.113.7"}\n'
ASKED = Entry(1_671_704_818_000_000, "GET", "/", "203.0.113.7")
ENTRY = ASKED._replace(status=200, bytes=1)


def test_counts_every_line_once() -> None:
    """Lines are read, blank or broken, and broken ones are told by number and problem."""
    reader = LogReader("log")
    assert list(reader.entries([GOOD, b"\r\n", b"nonsense\n", GOOD.rstrip() + b"\r\n"])) == [ENTRY, ENTRY]
    assert (reader.lines, reader.read, reader.blank, reader.broken) == (4, 2, 1, 1)
    assert [example.line for example in reader.examples] == [3]
    assert "no address" in reader.examples[0].problem


def test_keeps_a_few_examples_of_many_broken_lines() -> None:
    """A log of garbage does not fill the memory, and nothing of it is shown."""
    reader = LogReader("log")
    assert list(reader.entries([b"api_key=secret\n"] * 100)) == []
    assert (reader.broken, len(reader.examples)) == (100, EXAMPLES_KEPT)
    assert "secret" not in repr(reader.examples)


def test_the_first_line_tells_the_format() -> None:
    """JSON is known by its brace, also behind blank lines and a byte order mark; a line in the other format is then broken."""
    reader = LogReader("log")
    assert list(reader.entries([b"\n", b"\xef\xbb\xbf" + JSON, GOOD])) == [ASKED]
    assert (reader.format, reader.broken) == ("ndjson", 1)


def test_a_given_format_is_not_guessed() -> None:
    """With the format said, a first line in another is broken."""
    reader = LogReader("log", "combined")
    assert list(reader.entries([JSON, GOOD])) == [ENTRY]
    assert (reader.format, reader.broken) == ("combined", 1)


def test_an_overlong_line_is_broken() -> None:
    """A line over the bound is counted, not parsed."""
    reader = LogReader("log")
    list(reader.entries([GOOD, GOOD.replace(b"GET /", b"GET /" + b"a" * MAX_LINE_BYTES)]))
    assert reader.examples == [BrokenExample(2, "it is longer than 65536 bytes")]
