"""The store's side of a token bucket: what is kept for it, and the one operation on it. `stores/acquire.lua` is the same, line by line.

A bucket is one debt that time pays off. A token is `per` units of debt and one microsecond pays off `num` units, so refill is num/per
tokens per microsecond and everything is an integer. `debt` 0 is a full bucket, capacity * per an empty one. Its next tokens are *slots*,
T = per/num apart, each with an instant from which it may be spent; a lease is a run of such slots that one sidecar spends by itself.

Invariant: stock + leased-and-unsettled <= capacity at every instant. So debt never falls below (out + old) * per, the slots that are out
on lease: they may not be in stock as well. Leases lapse by generation: `out` was leased in this one, `old` in the one before; when `end`
has passed, what `old` holds has lapsed, and `out` becomes `old`.

What comes back counts only once: a settlement says how many slots of a lease id are no longer out (and how many of them come back unspent),
clamped by what is out under that id; a refund of a charged need is reduced by all that has refilled since it was charged.

Worked example, capacity 10 at 1/s, asked for needs [1, 20, 2] and 4 more on a full bucket: 1 and 2 are charged, 20 is refused (the same as
asking one after another at this instant), 2 more are leased (a quarter of the capacity), 5 stay in stock.

Time is an argument, in microseconds; this module owns no clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ratelimit.core.units import ceil_div

LIFE_US: Final = 200_000  # how long the store waits for a lease before it counts as lapsed
HORIZON_US: Final = 100_000  # how soon a slot must ripen to be leased before it is there
STEP_BACK_US: Final = 1_000_000  # a clock set back by more was set by a person; more than two lives of any lease
LEASED_DIVISOR: Final = 4  # at most this part of the capacity is out on lease
STOCK_DIVISOR: Final = 2  # at most this part of what is available goes to one lease


class Terms(NamedTuple):
    """What does not change from call to call: the bucket's size in tokens and units, and times in microseconds."""

    capacity: int
    num: int
    per: int
    life: int = LIFE_US
    horizon: int = HORIZON_US
    late: int = 0  # 0, or how late an answer may be used, to keep the bound at the gateway's instants as well


class Acquire(NamedTuple):
    """One call. Tokens throughout; `extra` is wanted on lease beyond the needs (0: the caller is not hot)."""

    needs: Sequence[int] = ()
    extra: int = 0
    settle: int = 0
    settle_id: int = 0
    give_back: int = 0
    refund: int = 0
    refund_at: int = 0


class Grant(NamedTuple):
    """The answer. A need was charged where `retries` holds 0, else it is there in that many microseconds, as far as can be known now.

    The first of the granted slots may be spent `first` us after `at`; the charged ones count before the leased. `stock` is in units and may
    be negative.
    """

    leased: int
    first: int
    id: int
    at: int
    stock: int
    retries: list[int]


@dataclass(slots=True)
class Bucket:
    """One bucket. `at` is the latest instant seen here; it never goes back, save when someone set the clock back by over a second."""

    num: int = 1
    per: int = 1
    at: int = 0
    debt: int = 0
    out: int = 0
    old: int = 0
    end: int = 0  # id of this generation, and the instant at which `old` has lapsed and this becomes `old`
    old_id: int = 0
    lapse: int = 0  # when all of `out` has lapsed

    def acquire(self, time: int, terms: Terms, call: Acquire) -> Grant:
        """Charge the needs that the stock pays for, in order, and lease beyond them."""
        self._advance(time)
        self._reprice(terms)
        self._settle(call)
        self._refund(call)
        stock = terms.capacity * self.per - self.debt
        charged, paid = _charge(max(0, stock // self.per), call.needs)
        refused = next((need for need, is_paid in zip(call.needs, paid, strict=True) if not is_paid), 0)
        reserve = max(0, self._floor() + self.num * terms.late - self.debt) if terms.late and charged else 0
        leased = self._leasable(terms, call, stock, charged, 0 if reserve else refused)
        self.debt += reserve
        self.debt += (charged + leased) * self.per
        if leased:
            self._lend(leased, terms.life)
        retries = [0 if is_paid else self._retry(terms, need) for need, is_paid in zip(call.needs, paid, strict=True)]
        first = ceil_div(self.per - stock, self.num)
        return Grant(leased, first, self.end if leased else 0, self.at, terms.capacity * self.per - self.debt, retries)

    def full_in(self) -> int:
        """Microseconds after `at` at which the key may go: the bucket is full, every lease has lapsed and has been folded."""
        paid = ceil_div(self.debt, self.num)
        if self.out + self.old:
            paid = max(paid, self.end - self.at + ceil_div(self._floor(), self.num))
        if self.out:
            paid = max(paid, self._next_end() - self.at + ceil_div(self.out * self.per, self.num))
        return paid

    def _floor(self) -> int:
        return (self.out + self.old) * self.per

    def _next_end(self) -> int:
        return max(self.lapse, self.end + 1)

    def _pay(self, until: int) -> None:
        self.debt = max(self._floor(), self.debt - self.num * (until - self.at))
        self.at = until

    def _advance(self, time: int) -> None:
        if time < self.at - STEP_BACK_US:
            step = self.at - time
            self.at, self.end, self.old_id, self.lapse = time, self.end - step, self.old_id - step, self.lapse - step
        now = max(time, self.at)  # a smaller step back (failover, NTP) stands still until TIME has caught up
        while self.out + self.old and self.end <= now:
            self._pay(max(self.end, self.at))
            self.out, self.old, self.old_id, self.end = 0, self.out, self.end, self._next_end()
        self._pay(now)

    def _reprice(self, terms: Terms) -> None:
        if (terms.num, terms.per) != (self.num, self.per):
            self.debt = ceil_div(self.debt * terms.per, self.per)  # at the old refill it was paid already
            self.num, self.per = terms.num, terms.per

    def _settle(self, call: Acquire) -> None:
        settled = 0
        if call.settle_id and call.settle_id == self.end:
            settled = min(call.settle, self.out)
            self.out -= settled
        elif call.settle_id and call.settle_id == self.old_id:
            settled = min(call.settle, self.old)
            self.old -= settled
        self.debt -= min(call.give_back, settled) * self.per

    def _refund(self, call: Acquire) -> None:
        if call.refund and call.refund_at <= self.at:  # in the store's future its age is unknown
            refilled = self.num * (self.at - call.refund_at)
            self.debt = max(self._floor(), self.debt - max(0, call.refund * self.per - refilled))

    def _leasable(self, terms: Terms, call: Acquire, stock: int, charged: int, refused: int) -> int:
        if not call.extra:
            return 0
        room = max(0, terms.capacity // LEASED_DIVISOR - self.out - self.old)
        if refused:  # hot, and empty but for what was charged: lease slots that are about to ripen, as if the refused need came alone
            soon = max(0, (stock + self.num * terms.horizon) // self.per - charged)
            if soon >= refused and room >= refused:
                return refused + max(0, min(call.extra, (soon - refused) // STOCK_DIVISOR, room - refused))
        if refused and not charged:
            return 0
        ready = max(0, stock // self.per)
        return max(0, min(call.extra, ready - charged, room, ready // STOCK_DIVISOR))

    def _lend(self, slots: int, life: int) -> None:
        if not self.out + self.old:
            self.end, self.old_id, self.lapse = self.at + life, 0, 0
        self.lapse = max(self.lapse, self.at + life)
        self.out += slots

    def _retry(self, terms: Terms, need: int) -> int:
        retry = ceil_div(need * self.per - (terms.capacity * self.per - self.debt), self.num)
        for out, end in ((self.out + self.old, self.end), (self.out, self._next_end())):
            if out and need + out > terms.capacity:  # not before leases lapse or come back
                retry = max(retry, end - self.at + ceil_div((need + out - terms.capacity) * self.per, self.num))
        return max(1, retry)


def _charge(ready: int, needs: Sequence[int]) -> tuple[int, list[bool]]:
    """How many of the `ready` tokens the needs take, first come, first served, and which of them were paid."""
    charged, paid = 0, []
    for need in needs:
        fits = charged + need <= ready
        charged += need if fits else 0
        paid.append(fits)
    return charged, paid
