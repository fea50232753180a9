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
_SPANS_S: Final = np.array(SPANS_S)[:, np.newaxis]
_TAG_BITS: Final = np.uint64(32)  # of a card or an account; before them stands the number of the log

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


def seen_flags(entries: NDArray[np.void], now: Floats | float) -> NDArray[np.uint8]:
    """How attempts ended, as far as it was known at `now`."""
    flags: NDArray[np.uint8] = entries["flags"] * (entries["known_at"] <= now)
    return flags


def counts(logs: Sequence[Log], now: Floats) -> Floats:
    """For each log, as of its own `now`, and each span what was counted, by MEASURES.

    A card or an account is in a span if its latest attempt is, so different ones are the latest attempts of each.
    """
    found = np.zeros((len(logs), len(SPANS_S), len(MEASURES)))
    entries = np.frombuffer(b"".join([log.entries for log in logs]), ENTRY)
    if not len(entries):
        return found
    sizes = [len(log.entries) // ENTRY.itemsize for log in logs]
    owners = np.repeat(np.arange(len(logs), dtype=np.uint64) << _TAG_BITS, sizes)
    times = np.repeat(now, sizes)
    flags, cards, accounts = seen_flags(entries, times), entries["card"].astype(np.uint64), entries["account"].astype(np.uint64)
    weights = np.zeros((len(MEASURES), len(entries)))
    weights[ATTEMPTS] = 1
    weights[AMOUNT] = entries["amount"]
    weights[DECLINES] = flags & FAILED != 0
    weights[CHECKS_FAILED] = flags & _CHECKS != 0
    weights[CARDS, _latest(owners | cards)] = 1
    weights[CARDS] *= cards != NO_CARD
    weights[ACCOUNTS, _latest(owners | accounts)] = 1
    _add_up(found, sizes, _within(entries["at"], times), weights)
    return found


class Confirmed(NamedTuple):
    """Of each log, how many labels became known in each span, FRAUDS and all LABELS; how many frauds are known at all; and when the latest
    of those that are kept became known, NaN where there is none.
    """

    counts: Floats
    frauds: Floats
    latest: Floats


def confirmed(logs: Sequence[Log], now: Floats) -> Confirmed:
    """What had been confirmed, of each log as of its own `now`."""
    frauds = np.array([float(log.frauds) for log in logs])
    found = Confirmed(np.zeros((len(logs), len(SPANS_S), 2)), frauds, np.full(len(logs), nan))
    labels = np.frombuffer(b"".join([log.labels for log in logs]), LABEL)
    if not len(labels):
        return found
    sizes = [len(log.labels) // LABEL.itemsize for log in logs]
    times = np.repeat(now, sizes)
    known_at, later = labels["known_at"], labels["known_at"] > times
    fraud = labels["verdict"] == FRAUD
    weights = np.empty((2, len(labels)))
    weights[FRAUDS] = fraud
    weights[LABELS] = labels["verdict"] != NEITHER
    _add_up(found.counts, sizes, _within(known_at, times) * ~later, weights)
    owners = np.repeat(np.arange(len(logs)), sizes)
    for owner, at, unknown in zip(owners[fraud].tolist(), known_at[fraud].tolist(), later[fraud].tolist(), strict=True):
        if unknown:
            frauds[owner] -= 1
        else:
            found.latest[owner] = np.fmax(found.latest[owner], at)
    return found


def _latest(values: NDArray[np.uint64]) -> NDArray[np.intp]:
    """The last place of each value."""
    order = np.argsort(values, kind="stable")
    grouped = values[order]
    last = np.ones(len(values), np.bool_)
    np.not_equal(grouped[1:], grouped[:-1], out=last[:-1])
    return order[last]


def _within(times: Floats, now: Floats) -> Floats:
    """Which times are in each span, 0 or 1: a row for a span."""
    return (now - times < _SPANS_S).astype(np.float64)


def _add_up(found: Floats, sizes: Sequence[int], within: Floats, weights: Floats) -> None:
    """Of each log's own columns, for each span and each row of `weights`, the sum of those within."""
    start = 0
    for i, size in enumerate(sizes):
        if size:
            end = start + size
            found[i] = within[:, start:end] @ weights[:, start:end].T
            start = end
