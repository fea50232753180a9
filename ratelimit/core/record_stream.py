"""The calls of the stream to the ledger, which `records.lua` answers. Pure; times are seconds since the epoch.

A batch has an id that its sender draws, so that one that was sent twice is known by it. The stream is bounded: when the ledger is away for
long, what is new is refused, and its sender counts it.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from ratelimit.core.call import Call
from ratelimit.core.message import Broken
from ratelimit.core.store_key import RECORDS

MOST: Final = 500_000  # messages that wait
MOST_BYTES: Final = 256 * 1024 * 1024
MOST_REFUSED: Final = 1_000


class Taken(NamedTuple):
    """A batch to write. `times` it was taken, this one included."""

    entry: bytes
    batch: str
    packed: bytes
    times: int


class State(NamedTuple):
    """How many messages wait, how large they are, since when the oldest waits, and how many batches were taken and are not done."""

    messages: int
    size_bytes: int
    since: float
    pending: int


class Refused(NamedTuple):
    """A message that was set aside, `at` and why."""

    at: float
    why: str
    packed: bytes


def putting(batch: str, count: int, packed: bytes, now_s: float, *, most: int = MOST, most_bytes: int = MOST_BYTES) -> Call:
    """The call that stores a batch; the answer is 0 if the stream is full."""
    return _call("put", now_s, batch, count, most, most_bytes, rest=packed)


def taking(consumer: str, idle_ms: int, count: int) -> Call:
    """The call that takes batches to write; the answer is for `taken`."""
    return _call("take", consumer, idle_ms, count)


def taken(answer: Sequence[Any]) -> list[Taken]:
    """What was taken."""
    return [Taken(entry, batch.decode(), packed, int(times)) for entry, batch, packed, times in answer]


def finishing(entries: Sequence[bytes]) -> Call:
    """The call that lets batches go; the answer is how many there were."""
    return _call("done", *(entry.decode() for entry in entries))


def refusing(broken: Broken, now_s: float) -> Call:
    """The call that sets a message aside."""
    return _call("refuse", now_s, broken.why[:300], MOST_REFUSED, rest=broken.packed)


def listing(most: int) -> Call:
    """The call that lists what was set aside; the answer is for `refused`."""
    return _call("refused", most)


def refused(answer: Sequence[Any]) -> list[Refused]:
    """What was set aside, the latest first."""
    return [Refused(float(at), why.decode("utf-8", "replace"), packed) for at, why, packed in answer]


def asking_state(now_s: float) -> Call:
    """The call that counts; the answer is for `state`."""
    return _call("state", now_s)


def state(answer: Sequence[Any]) -> State:
    """How many are where."""
    messages, size_bytes, since, pending = answer
    return State(messages, size_bytes, float(since), pending)


def _call(*parts: object, rest: bytes = b"") -> Call:
    return Call("records", RECORDS, msgspec.msgpack.encode(parts) + rest)
