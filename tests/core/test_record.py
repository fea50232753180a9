"""A record of a decision can be written, whatever a client sent."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.decision import Decision
from ratelimit.core.record import Evidence, Record, record_of
from ratelimit.core.signals import VERSION, Kind

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


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        ("api_key", "w2fa", "api_key:w2fa"),
        ("account", "a\udcff", r"account:a\udcff"),
        ("ip", bytes([203, 0, 113, 7]), "ip:203.0.113.7"),
        ("ip", bytes.fromhex("20010db8") + bytes(12), "ip:2001:db8::/56"),
    ],
)
def test_whose_signals(kind: Kind, value: str | bytes, written: str) -> None:
    """The subject is written as limits write theirs, and the row can be written too."""
    evidence = Evidence(kind, value, 0.5, "0123456789ab", np.zeros(2, "<f4").tobytes())
    decision = Decision("x-1", "throttle", "rate_exceeded")
    found = record_of(decision, time=0.0, method="GET", path="/", cost=1, policy="digest", evidence=evidence, ipv6_prefix=56)
    assert (found.risk_subject, found.signal_version, found.signals) == (written, VERSION, (0.0, 0.0))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Record) == found


@given(st.lists(st.floats(width=32, allow_infinity=False), max_size=50))
def test_signals_come_back_as_they_were(values: list[float]) -> None:
    """Through JSON exactly, in as few digits as that takes; a missing value is null."""
    signals = np.array(values, "<f4")
    evidence = Evidence("api_key", "k", None, None, signals.tobytes())
    found = record_of(Decision("x-1", "throttle", "ok"), time=0.0, method="GET", path="/", cost=1, policy="", evidence=evidence)
    read = msgspec.json.decode(msgspec.json.encode(found), type=Record)
    assert read.signals is not None
    np.testing.assert_array_equal(np.array([np.nan if value is None else value for value in read.signals], "<f4"), signals)


def test_signals_are_short() -> None:
    """A tenth is written as one."""
    evidence = Evidence("api_key", "k", None, None, np.array([0.1, np.nan], "<f4").tobytes())
    found = record_of(Decision("x-1", "throttle", "ok"), time=0.0, method="GET", path="/", cost=1, policy="", evidence=evidence)
    assert found.signals == (0.1, None)
