"""The store's side of a quota: a counter per calendar period. `stores/quota.lua` is the same, line by line.

The caller sends the bounds of the periods around now and the store's time chooses, so sidecars' clocks do not matter. What is leased counts
as used at once and ends with the period; a lease that lapses in a crash stays used, since prepaid amounts must not be minted.

Charging is not idempotent, so every call carries an operation id that is kept for a while with what it did: the same call again gets the
first answer, and a caller who never got an answer *cancels* the operation: what it took is returned, and should its bytes arrive only
later, they do nothing. A cancel and a give-back count only in the period they belong to.

Time is an argument, microseconds since the epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

LEASED_DIVISOR: Final = 100  # at most this part of what remains goes to one lease
REMEMBERED_US: Final = 10_000_000  # how long an operation can be repeated or cancelled
_NEVER: Final = -1  # as the charge of an operation that was cancelled before it came
MAX_NEEDS: Final = 50  # in one call: which of them were charged must fit into one exact double


class QuotaCall(NamedTuple):
    """One call. `bounds` are four instants, the starts of the previous, this and the next period and the end of the next."""

    amount: int
    bounds: tuple[int, int, int, int]
    op: int
    needs: Sequence[int] = ()
    extra: int = 0
    give_back: int = 0
    give_back_start: int = 0
    cancel: int = 0


class QuotaGrant(NamedTuple):
    """The answer. A need was charged where `retries` holds 0, else it is there in that many microseconds, when the period ends.

    `at` is the start of the period, which a give-back must name.
    """

    leased: int
    at: int
    ends_in: int
    remaining: int
    cancelled: bool
    retries: list[int]


class Operation(NamedTuple):
    """What one call did, kept to answer or undo it."""

    id: int
    at: int
    leased: int
    charged: int
    paid: int  # bit i: need i was charged


@dataclass(slots=True)
class QuotaCounter:
    """One counter: tokens `used` in the period that began at `start`, and the latest operations."""

    start: int = 0
    used: int = 0
    operations: list[Operation] = field(default_factory=list)

    def acquire(self, time: int, call: QuotaCall) -> QuotaGrant:
        """Charge the needs that still fit into the period, in order, and lease beyond them."""
        start, end = _period(time, call.bounds)
        if start > self.start:  # never back: a clock that stepped over a boundary must not open the old period again
            self.start, self.used = start, 0
        self.operations = [op for op in self.operations if 0 <= time - op.at < REMEMBERED_US]
        cancelled = self._cancel(time, call)
        done = next((op for op in self.operations if op.id == call.op), None)
        if done is None:
            done = self._execute(time, call)
        wait = max(1, end - time)
        retries = [0 if done.paid >> i & 1 else wait for i in range(len(call.needs))]
        return QuotaGrant(done.leased, self.start, wait, max(0, call.amount - self.used), cancelled, retries)

    def _cancel(self, time: int, call: QuotaCall) -> bool:
        if not call.cancel:
            return False
        for i, op in enumerate(self.operations):
            if op.id == call.cancel:
                if op.charged == _NEVER:
                    return False
                if op.at >= self.start:
                    self.used = max(0, self.used - op.leased - op.charged)
                self.operations[i] = Operation(op.id, op.at, 0, 0, 0)
                return True
        self.operations.append(Operation(call.cancel, time, 0, _NEVER, 0))
        return False

    def _execute(self, time: int, call: QuotaCall) -> Operation:
        if call.give_back_start == self.start:
            self.used = max(0, self.used - call.give_back)
        rest, charged, paid = call.amount - self.used, 0, 0
        for i, need in enumerate(call.needs):
            if charged + need <= rest:
                charged += need
                paid |= 1 << i
        leased = max(0, min(call.extra, (rest - charged) // LEASED_DIVISOR))
        self.used += charged + leased
        op = Operation(call.op, time, leased, charged, paid)
        self.operations.append(op)
        return op


def _period(time: int, bounds: tuple[int, int, int, int]) -> tuple[int, int]:
    for start, end in pairwise(bounds):
        if time < end:
            return start, end
    return bounds[-2:]
