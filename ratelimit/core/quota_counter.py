"""The store's side of a quota: a counter per calendar period. `stores/quota.lua` is the same, line by line.

The caller sends the bounds of the periods around now and the store's time chooses, so sidecars' clocks do not matter. What is leased counts
as used at once and ends with the period; a lease that lapses in a crash stays used, since prepaid amounts must not be minted.

Charging is not idempotent, so every call carries an operation id that is kept for a while with what it did: the same call again gets the
first answer, and a caller who never got an answer *cancels* the operation: what it took is returned, and should its bytes arrive only
later, they do nothing. An id is a sidecar's tag and its count, which only rises, so a few operations of each sidecar are all that must be
kept: what is older is known to be old. A cancel and a give-back count only in the period they belong to.

Time is an argument, microseconds since the epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

LEASED_DIVISOR: Final = 100  # at most this part of what remains goes to one lease
REMEMBERED_US: Final = 10_000_000  # how long an operation can be repeated or cancelled
_NEVER: Final = -1  # as the charge of an operation that was cancelled before it came
COUNT_BITS: Final = 22  # of an operation id, below the sidecar's tag; together exact as a double
KEPT: Final = 8  # operations of one sidecar: more than it can lose in a row before it gives them up
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
        known = self._of(call.op)
        done = next((op for op in known if op.id == call.op), None)
        if done is None:
            gone_on = bool(known) and known[-1].id > call.op  # its sidecar has, without it
            done = Operation(call.op, time, 0, 0, 0) if gone_on else self._execute(time, call)
        wait = max(1, end - time)
        retries = [0 if done.paid >> i & 1 else wait for i in range(len(call.needs))]
        return QuotaGrant(done.leased, self.start, wait, max(0, call.amount - self.used), cancelled, retries)

    def _cancel(self, time: int, call: QuotaCall) -> bool:
        if not call.cancel:
            return False
        known = self._of(call.cancel)
        found = next((op for op in known if op.id == call.cancel), None)
        if found is not None and found.charged != _NEVER:
            if found.at >= self.start:
                self.used = max(0, self.used - found.leased - found.charged)
            self._keep(Operation(found.id, found.at, 0, 0, 0))
            return True
        if len(known) == KEPT and call.cancel < known[0].id:  # forgotten: whatever it gave back must not be given back again
            return True
        if not known or known[-1].id < call.cancel:
            self._keep(Operation(call.cancel, time, 0, _NEVER, 0))
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
        if call.extra or call.give_back or any(call.needs):  # a peek may be repeated
            self._keep(op)
        return op

    def _of(self, op: int) -> list[Operation]:
        """What is known of the sidecar of `op`, oldest first."""
        return [known for known in self.operations if known.id >> COUNT_BITS == op >> COUNT_BITS]

    def _keep(self, op: Operation) -> None:
        for i, known in enumerate(self.operations):
            if known.id == op.id:
                self.operations[i] = op
                return
        mine = self._of(op.id)
        if len(mine) == KEPT:
            self.operations.remove(mine[0])
        self.operations.append(op)


def _period(time: int, bounds: tuple[int, int, int, int]) -> tuple[int, int]:
    for start, end in pairwise(bounds):
        if time < end:
            return start, end
    return bounds[-2:]
