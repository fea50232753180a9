"""A record of a decision can be written, whatever a client sent."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.decision import Decision
from ratelimit.core.record import Record, record_of

ANY_TEXT = st.text() | st.binary().map(lambda sent: sent.decode("utf-8", "surrogateescape"))  # as bytes in a header arrive


def record(path: str, method: str = "GET", subject: str | None = None) -> Record:
    decision = Decision("x-1", "throttle", "rate_exceeded", "key", subject)
    return record_of(decision, time=0.0, method=method, path=path, cost=1, policy="digest")


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_text_can_be_written(path: str, method: str, subject: str) -> None:
    """It goes through JSON and msgpack as it is."""
    found = record(path, method, subject)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Record) == found
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Record) == found


@pytest.mark.parametrize(("path", "kept"), [("/a?card=1", "/a"), ("/\udcff?card=1", r"/\udcff"), ("/ä", "/ä")])
def test_path(path: str, kept: str) -> None:
    """It has no query; bytes that are no UTF-8 are escaped, and nothing else is."""
    assert record(path).path == kept
