"""The logs of entities: who attempted what, how it ended, what was confirmed as fraud or good; and counts of them. The log is kept by
`velocity.lua`, whose header is the contract; here are the calls that it understands, and how what it replies is read.

A log is read as of an instant: what became known later is not seen, nor is the attempt that asks and what came after it. So an attempt that
is told a second time sees what it saw the first time. Times are seconds since the epoch, amounts minor units.
"""

from collections.abc import Sequence
from math import nan
from struct import Struct as Layout
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratelimit.core.call import Call
from ratelimit.core.purchase import PurchaseKind
from ratelimit.core.purchase_signals import SPANS_S

MOST_ENTRIES: Final = 256
MOST_SHARED_ENTRIES: Final = 64  # of what many share, such as a large mail provider: it is always full, and every purchase writes it
MOST_LABELS: Final = 128
LIFE_S: Final = 40 * 86_400  # longer than the longest span
FRAUD_LIFE_S: Final = 400 * 86_400

SUCCEEDED: Final = 1
FAILED: Final = 2
CVC_FAILED: Final = 4
POSTAL_FAILED: Final = 8
NEITHER: Final = 0  # takes back what was confirmed
FRAUD: Final = 1
GOOD: Final = 2
NO_CARD: Final = 0
KIND_FLAGS: Final[dict[PurchaseKind, int]] = {"purchase": 0, "setup": 16, "grant": 32}

_READ, _ATTEND, _OUTCOME, _LABEL = range(4)
_CALL: Final = Layout("<Bdd8sfIIBH")
HEAD: Final = Layout("<dddIIIHH")
TAG_BYTES: Final = 8
ENTRY: Final = np.dtype(
    [("at", "<f8"), ("tag", "S8"), ("known_at", "<f8"), ("amount", "<f4"), ("account", "<u4"), ("card", "<u4"), ("flags", "u1")]
)
LABEL: Final = np.dtype([("tag", "S8"), ("known_at", "<f8"), ("verdict", "u1")])
_TAG_AT: Final = 8

_CHECKS: Final = CVC_FAILED | POSTAL_FAILED
_AT: Final = Layout("<d")
_SPANS_S: Final = np.array(SPANS_S)
_OWNERS: Final = np.arange(64, dtype=np.uint64) << np.uint64(32)  # puts a log's number before a tag

MEASURES: Final = ("attempts", "amount", "declines", "checks_failed", "cards", "accounts")
ATTEMPTS, AMOUNT, DECLINES, CHECKS_FAILED, CARDS, ACCOUNTS = range(len(MEASURES))
FRAUDS, LABELS = 0, 1

Floats = NDArray[np.float64]


class Attempted(NamedTuple):
    """One attempt as logs have it. `account` and `card` are tags of 32 bits, by which different ones are counted; 0 is no card."""

    at: float
    tag: bytes
    amount: float
    account: int
    card: int
    flags: int


def reading(key: str) -> Call:
    """The call that only reads a log."""
    return Call("velocity", key, _CALL.pack(_READ, 0.0, 0.0, b"", 0.0, 0, 0, 0, 0))


def attending(key: str, attempted: Attempted, most: int) -> Call:
    """The call that reads a log and then adds an attempt, of which it keeps the newest `most`."""
    at, tag, amount, account, card, flags = attempted
    return Call("velocity", key, _CALL.pack(_ATTEND, at, at, tag, amount, account, card, flags, most))


def ending(key: str, tag: bytes, flags: int, known_at: float) -> Call:
    """The call that says how an attempt ended: SUCCEEDED or FAILED, and which checks failed."""
    return Call("velocity", key, _CALL.pack(_OUTCOME, known_at, 0.0, tag, 0.0, 0, 0, flags, 0))


def labelling(key: str, tag: bytes, verdict: int, at: float, known_at: float) -> Call:
    """The call that says that a purchase, attempted at `at`, is confirmed as FRAUD or GOOD, or as NEITHER; `tag` is the purchase's."""
    return Call("velocity", key, _CALL.pack(_LABEL, known_at, at, tag, 0.0, 0, 0, verdict, 0))


class Log(NamedTuple):
    """What is seen of one log by one attempt."""

    first: float  # when the entity was first seen; NaN: never
    frauds: int  # confirmed, of those kept and of those that no longer are
    entries: bytes  # rows of ENTRY, oldest first
    labels: bytes  # rows of LABEL
    told_at: float | None = None  # when the attempt was told the first time, if it is told again

    @property
    def latest(self) -> float:
        """When the attempt before was; NaN where none is kept."""
        return _AT.unpack_from(self.entries, len(self.entries) - ENTRY.itemsize)[0] if self.entries else nan


NOTHING: Final = Log(nan, 0, b"", b"")


def read(state: bytes, tag: bytes) -> Log:
    """A log as the store gave it to the attempt with that tag, up to that attempt."""
    if not state:
        return NOTHING
    first, _, _, _, frauds, _, count, _ = HEAD.unpack_from(state)
    split = HEAD.size + count * ENTRY.itemsize
    own = _own_place(state, split, tag)
    end = split if own is None else own
    return Log(first, frauds, state[HEAD.size : end], state[split:], None if own is None else _AT.unpack_from(state, own)[0])


def _own_place(state: bytes, end: int, tag: bytes) -> int | None:
    """Where the entry with that tag begins, if there is one."""
    place = state.find(tag, HEAD.size, end)
    while place >= 0:
        if (place - HEAD.size) % ENTRY.itemsize == _TAG_AT:
            return place - _TAG_AT
        place = state.find(tag, place + 1, end)
    return None


def seen_flags(entries: NDArray[np.void], now: float) -> NDArray[np.uint8]:
    """How attempts ended, as far as it was known at `now`."""
    flags: NDArray[np.uint8] = entries["flags"] * (entries["known_at"] <= now)
    return flags


def counts(logs: Sequence[Log], now: float) -> Floats:
    """For each log and span what was counted, by MEASURES.

    A card or an account is in a span if its latest attempt is, so different ones are the latest attempts of each.
    """
    found = np.zeros((len(logs), len(SPANS_S), len(MEASURES)))
    entries = np.frombuffer(b"".join([log.entries for log in logs]), ENTRY)
    if not len(entries):
        return found
    sizes = [len(log.entries) // ENTRY.itemsize for log in logs]
    owners = np.repeat(_OWNERS[: len(logs)], sizes)
    flags = seen_flags(entries, now)
    weights = np.zeros((len(entries), len(MEASURES)))
    weights[:, ATTEMPTS] = 1
    weights[:, AMOUNT] = entries["amount"]
    weights[:, DECLINES] = (flags & FAILED) != 0
    weights[:, CHECKS_FAILED] = (flags & _CHECKS) != 0
    weights[_latest(owners | entries["card"]), CARDS] = 1
    weights[entries["card"] == NO_CARD, CARDS] = 0
    weights[_latest(owners | entries["account"]), ACCOUNTS] = 1
    _add_up(found, sizes, _within(entries["at"], now, _SPANS_S), weights)
    return found


class Confirmed(NamedTuple):
    """Of each log, how many labels became known in each span, FRAUDS and all LABELS; how many frauds are known at all; and when the latest
    of those that are kept became known, NaN where there is none.
    """

    counts: Floats
    frauds: Floats
    latest: Floats


def confirmed(logs: Sequence[Log], now: float) -> Confirmed:
    """What had been confirmed at `now`."""
    found = Confirmed(np.zeros((len(logs), len(SPANS_S), 2)), np.array([float(log.frauds) for log in logs]), np.full(len(logs), nan))
    labels = np.frombuffer(b"".join([log.labels for log in logs]), LABEL)
    if not len(labels):
        return found
    known_at, later = labels["known_at"], labels["known_at"] > now
    fraud = labels["verdict"] == FRAUD
    weights = np.empty((len(labels), 2))
    weights[:, FRAUDS] = fraud
    weights[:, LABELS] = labels["verdict"] != NEITHER
    sizes = [len(log.labels) // LABEL.itemsize for log in logs]
    _add_up(found.counts, sizes, _within(known_at, now, _SPANS_S) * ~later[:, np.newaxis], weights)
    if fraud.any():
        start = 0
        for i, size in enumerate(sizes):
            own = slice(start, start + size)
            start += size
            known = known_at[own][fraud[own] & ~later[own]]
            found.frauds[i] -= (fraud[own] & later[own]).sum()
            if len(known):
                found.latest[i] = known.max()
    return found


def _latest(values: NDArray[np.uint64]) -> list[int]:
    """The last place of each value."""
    return list(dict(zip(values.tolist(), range(len(values)), strict=True)).values())


def _within(times: Floats, now: float, spans_s: Floats) -> Floats:
    return ((now - times)[:, np.newaxis] < spans_s).astype(np.float64)


def _add_up(found: Floats, sizes: Sequence[int], within: Floats, weights: Floats) -> None:
    start = 0
    for i, size in enumerate(sizes):
        if size:
            found[i] = within[start : start + size].T @ weights[start : start + size]
        start += size
