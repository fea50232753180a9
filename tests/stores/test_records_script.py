"""`records.lua` hands out batches until the ledger has them, and takes no more than there is room for, on every kind of store."""

import re
from importlib.resources import files
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from ratelimit.core import record_stream
from ratelimit.core.call import Call
from ratelimit.core.message import Broken
from ratelimit.core.record_stream import State, Taken
from ratelimit.stores.link import SCRIPTS

NOW = 1_790_000_000.5
NEVER_MS = 3_600_000
PACKED = b"\xc4\x00\xff\xfe"  # no text


class Stream:
    """The calls, on a store and under a name of its own."""

    def __init__(self, client: Any) -> None:
        self._client, self._name = client, f"rl1:{{records{uuid4()}}}"
        client.script_load(SCRIPTS["records"].source)

    def ask(self, call: Call) -> Any:
        (answer,) = self._client.evalsha(SCRIPTS["records"].sha, 1, self._name, call.argument)
        return answer

    def put(self, batch: str, count: int = 3, *, packed: bytes = PACKED, now: float = NOW, most: int = 10, most_bytes: int = 1_000) -> Any:
        return self.ask(record_stream.putting(batch, count, packed, now, most=most, most_bytes=most_bytes))

    def take(self, consumer: str = "a", idle_ms: int = NEVER_MS, count: int = 64) -> list[Taken]:
        return record_stream.taken(self.ask(record_stream.taking(consumer, idle_ms, count)))

    def state(self) -> State:
        return record_stream.state(self.ask(record_stream.asking_state(NOW)))


@pytest.fixture
def stream(client: Any) -> Stream:
    return Stream(client)


def test_once_each(stream: Stream) -> None:
    """A batch goes to one consumer, in the order in which they came, until it is done."""
    assert (stream.put("b1"), stream.put("b2"), stream.put("b3")) == (1, 1, 1)
    first = stream.take(count=2)
    assert [(one.batch, one.packed, one.times) for one in first] == [("b1", PACKED, 1), ("b2", PACKED, 1)]
    assert [one.batch for one in stream.take("b")] == ["b3"]
    assert stream.take("c") == []
    assert stream.ask(record_stream.finishing([one.entry for one in first])) == 2
    assert stream.state()[:2] == (3, len(PACKED))


def test_left_behind(stream: Stream) -> None:
    """What a consumer took and did not finish another takes over, and is told that it was taken before."""
    stream.put("b1")
    (before,) = stream.take("dead")
    (after,) = stream.take("b", idle_ms=0)
    assert after == before._replace(times=2)
    assert stream.ask(record_stream.finishing([after.entry])) == 1
    assert stream.ask(record_stream.finishing([before.entry])) == 0
    assert stream.state() == State(0, 0, NOW, 0)


def test_bounded(stream: Stream) -> None:
    """What there is no room for is refused; when some is done there is room again."""
    assert stream.put("b1", 10) == 1
    assert stream.put("b2", 1) == 0
    (one,) = stream.take()
    stream.ask(record_stream.finishing([one.entry]))
    assert stream.put("b2", 1, packed=b"x" * 1_001) == 0
    assert stream.put("b2", 1, packed=b"x" * 1_000) == 1
    assert stream.put("b3", 1, packed=b"") == 1


def test_state(stream: Stream) -> None:
    """It says how much waits, since when, and how much of it was taken."""
    assert stream.state() == State(0, 0, NOW, 0)
    stream.put("b1", now=NOW - 5)
    stream.put("b2", 4, now=NOW - 3)
    stream.take(count=1)
    assert stream.state() == State(7, 8, NOW - 5, 1)


def test_refused(stream: Stream) -> None:
    """What was set aside is listed, the latest first."""
    stream.ask(record_stream.refusing(Broken(PACKED, "is no message"), NOW))
    stream.ask(record_stream.refusing(Broken(b"two", "nor this"), NOW + 1))
    assert record_stream.refused(stream.ask(record_stream.listing(5))) == [
        record_stream.Refused(NOW + 1, "nor this", b"two"),
        record_stream.Refused(NOW, "is no message", PACKED),
    ]
    assert len(stream.ask(record_stream.listing(1))) == 1


def test_header() -> None:
    """The header names every call, with as many arguments as we send."""
    source = files("ratelimit.stores").joinpath("records.lua").read_text()
    told = {name: len(arguments.split(",")) for name, arguments in re.findall(r"^--   (\w+) +([\w, .]+?) +->", source, re.MULTILINE)}
    told["refused"] = 1
    calls = [
        record_stream.putting("b", 1, b"", NOW),
        record_stream.taking("a", 1, 1),
        record_stream.finishing([b"1-1"]),
        record_stream.refusing(Broken(b"", ""), NOW),
        record_stream.listing(1),
        record_stream.asking_state(NOW),
    ]
    sent = {parts[0]: len(parts) - 1 for parts in (msgspec.msgpack.decode(call.argument) for call in calls)}
    assert sent == told
