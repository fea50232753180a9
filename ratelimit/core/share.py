"""A sidecar's share of one bucket: the leases in its hand, what it owes the store, and what it remembers of a refusal.

Three answers are possible without the store: spend (0), wait so many microseconds, or ASK. The order matters: a lease in hand first, then
the remembered denial, and only then the store.

* A denial is remembered *with its cost*: a cheaper request still asks, or an expensive refused caller would starve the cheap ones.
* A lease leaves the hand *before* the bytes of the call that settles it are written, and a settlement or refund is composed once and never
  again, so a lost or repeated call can only lose tokens, never mint them.
* Who was refused in the last second asks for the next slots though it is not hot. Beside a busy sidecar that leases slots before they are
  ripe there is hardly ever stock, and whoever waited for it would be starved.
* A renewal comes as if another sidecar had asked: it carries nothing of the lease in hand and lands in `spare`.
* A charged need never enters a lease: it is spent at once or refunded with the instant it was charged at.

Times are microseconds of the sidecar's clock, costs are tokens; the caller owns the clock and the chance.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from ratelimit.core.bucket import Acquire, Bucket, Grant, Terms
from ratelimit.core.demand import Demand
from ratelimit.core.lease import Lease
from ratelimit.core.units import ceil_div

ASK: Final = -1
HOT: Final = 4.0  # tokens expected in one lease's life, before anything is leased at all
_WANTED: Final = 0.7  # part of the expected that is asked for: a lease too large lapses or locks out others
_WANES_US: Final = 75_000  # so long before its end the lease of a busy subject is renewed, whatever is left of it
_IDLE_US: Final = 50_000  # so long before its end a lease is given back that would not be spent
_LATELY_US: Final = 1_000_000  # so long after a refusal a quiet sidecar, too, asks for slots that are about to ripen


Upkeep = Literal["rest", "settle", "renew", "follow", "return"]


class Owed(NamedTuple):
    """A settlement not sent yet: `settle` slots of lease `id` are no longer out, `back` of them unspent; worthless after `void`."""

    id: int
    settle: int
    back: int
    void: int


_NOTHING: Final = Owed(0, 0, 0, 0)


class Share(Demand):
    """What one sidecar holds of one bucket. `look`, then `take`; the store's side goes through `compose` and `answered`."""

    __slots__ = (
        "_denied", "_denied_ready", "_denied_until", "_owed", "_refund", "_refund_at", "_stock", "_stock_at",
        "hand", "local", "spare", "terms",
    )  # fmt: skip

    def __init__(self, terms: Terms, now: int) -> None:
        self.terms = terms
        self.hand: Lease | None = None
        self.spare: Lease | None = None
        self.local: Bucket | None = None  # stands in for the store while it is away
        self._owed: tuple[Owed, ...] = ()
        self._refund = self._refund_at = 0
        self._denied = self._denied_until = self._denied_ready = 0
        super().__init__(now)
        self._stock, self._stock_at = terms.capacity * terms.per, now

    def look(self, now: int, cost: int) -> int:
        """0: it may be spent. ASK: only the store knows. Else the microseconds after which it may be, and no call is needed to say so."""
        while self.hand is not None:
            lease = self.hand
            if now < lease.expires and lease.slots >= cost:
                return 0 if now >= lease.ripe else max(0, lease.ripe_at(cost) - now)
            if self.spare is None:
                break
            self.follow()
        if cost >= self._denied and now < self._denied_until:
            more = ceil_div((cost - self._denied) * self.terms.per, self.terms.num)
            return max(1, self._denied_ready + more - now)
        return ASK

    def take(self, cost: int) -> Lease:
        """Spend from the lease that `look` saw ready; it is returned for a caller who may have to `release` the same."""
        lease = self.hand
        assert lease is not None, "look() said 0"  # noqa: S101  a broken invariant, not an input
        lease.take(cost)
        return lease

    def release(self, lease: Lease, cost: int) -> None:
        """Undo a `take` that a refusal elsewhere made void."""
        if lease is self.hand or lease is self.spare:
            lease.put_back(cost)
        else:  # handed back meanwhile, as spent
            self.owe_refund(cost, lease.at)

    def owe_refund(self, cost: int, at: int) -> None:
        """Send back a need that was charged at the store's instant `at`; several go as one with the earliest instant, the careful one."""
        self._refund_at = min(at, self._refund_at) if self._refund else at
        self._refund += cost

    def deny(self, now: int, cost: int, retry: int, chance: float) -> None:
        """Remember a refusal until it can change: others may give back within the horizon, so no longer than that (spread by `chance`)."""
        if now < self._denied_until and self._denied <= cost:
            return
        horizon = int(self.terms.horizon * (0.5 + chance / 2))
        self._denied, self._denied_ready = cost, now + retry
        self._denied_until = now + (min(retry, horizon) if horizon else retry)

    def wants_renewal(self) -> bool:
        """Whether the lease in hand is about to run dry and nothing is there to follow it."""
        return self.spare is None and self.hand is not None and self.hand.slots <= self.hand.low

    def compose(self, now: int, needs: Sequence[int], *, keep: bool, more: bool) -> Acquire:
        """Write the next call, taking out of this state all that it settles.

        `keep` leaves the leases in hand, as a renewal or a peek does; `more` asks for a lease beyond the needs if the bucket is hot.
        """
        if not keep:
            self._retire(self.hand)
            self._retire(self.spare)
            self.hand = self.spare = None
        owed = _NOTHING
        if self._owed:
            alive = tuple(owed for owed in self._owed if now < owed.void)
            owed, self._owed = (alive[0], alive[1:]) if alive else (_NOTHING, ())
        refund, refund_at = self._refund, self._refund_at
        self._refund = self._refund_at = 0
        return Acquire(needs, self._extra(now) if more else 0, owed.settle, owed.id, owed.back, refund, refund_at)

    def answered(self, call: Acquire, grant: Grant, sent: int, now: int) -> None:
        """Take in what a call brought; the needs themselves are the caller's to spend or refund."""
        self._stock, self._stock_at = grant.stock, now
        self.local = None
        if not grant.leased:
            return
        charged = sum(need for need, retry in zip(call.needs, grant.retries, strict=True) if not retry)
        lease = Lease(self.terms, grant, charged, sent, now)
        if self.hand is None or not self.hand.slots or now >= self.hand.expires:
            self._retire(self.hand)
            self.hand = lease
        else:
            self._retire(self.spare)
            self.spare = lease

    def urgent(self) -> bool:
        """Whether tokens are owed that somebody could use, and that lapse if no call comes soon; else a settlement waits for the next call.

        A call has room for one settlement, and two leases may have ended.
        """
        return bool(self._refund) or any(owed.back for owed in self._owed)

    def owes(self) -> bool:
        """Whether there is something to tell the store that no request will."""
        return bool(self._owed or self._refund)

    def tend(self, now: int) -> Upkeep:
        """What is to be done with what is in hand though nobody asks at this moment; to be called every 25 ms.

        What is left of a lease at its end lapses, also where requests keep coming and another limit refuses them, and a refusal is to cost
        nothing. So it goes back before. If its subject is asked for, another lease is fetched first: who comes then need not wait.
        What the store did not hear of in time, since it is away, is forgotten, or it would be told in vain 40 times a second.
        """
        unasked, hand = self.unasked(), self.hand
        if hand is None or now >= self._void(hand):
            self._forget_lapsed(now)
            return "settle" if self.owes() and (unasked or self.urgent()) else "rest"
        left = hand.expires - now
        if left <= _IDLE_US and (unasked or hand.slots):
            return "return" if unasked or self.spare is None else "follow"
        if left <= _WANES_US and hand.slots and hand.low >= 0 and self.spare is None and not unasked:
            return "renew"
        return "settle" if self.urgent() else "rest"

    def follow(self) -> None:
        """Go on with the lease that follows; what is left of the one in hand is owed to the store."""
        self._retire(self.hand)
        self.hand, self.spare = self.spare, None

    def _forget_lapsed(self, now: int) -> None:
        while self.hand is not None and now >= self._void(self.hand):
            self.hand, self.spare = self.spare, None
        if self._owed:
            self._owed = tuple(owed for owed in self._owed if now < owed.void)

    def quiet(self, now: int) -> bool:
        """Whether forgetting this share would lose nothing: no lease, no debt to the store, no denial in force, no local bucket in use."""
        if self.local is not None and now < self.local.at + self.local.full_in():
            return False
        return self.hand is None and not self.owes() and now >= self._denied_until

    def unanswered(self, call: Acquire, now: int) -> None:
        """A call's effect is unknown. What it settled is gone or will lapse; sending it again could mint, so nothing is restored."""

    def standing(self, now: int) -> tuple[int, int]:
        """Tokens that this sidecar believes to be available, and microseconds until the bucket is full."""
        units, full = self._level(now)
        terms = self.terms
        return (units // terms.per if units > 0 else 0), -((units - full) // terms.num)  # ceil_div, which a call would double

    def lacking(self, now: int, cost: int) -> int:
        """Microseconds until `cost` is there, as far as this sidecar knows, or 0. It says which limit to name and decides nothing."""
        return max(0, ceil_div(cost * self.terms.per - self._level(now)[0], self.terms.num))

    def _level(self, now: int) -> tuple[int, int]:
        """Units that are there, and those of a full bucket."""
        capacity, num, per, *_ = self.terms
        units = self._stock + num * (now - self._stock_at)
        hand, spare = self.hand, self.spare
        if hand is not None and now < hand.expires:
            units += hand.slots * per
        if spare is not None and now < spare.expires:
            units += spare.slots * per
        full = capacity * per
        return (units if units < full else full), full

    def _extra(self, now: int) -> int:
        expected = self.expected(now, self.terms.life)
        if expected >= HOT:
            return min(self.terms.capacity, int(expected * _WANTED))
        return int(self._denied > 0 and now < self._denied_until + _LATELY_US)

    def _retire(self, lease: Lease | None) -> None:
        if lease is None or not lease.leased:
            return
        owed = Owed(lease.id, lease.leased, lease.slots, self._void(lease))
        lease.leased = lease.slots = 0
        for i, other in enumerate(self._owed):
            if other.id == owed.id:
                merged = Owed(owed.id, owed.settle + other.settle, owed.back + other.back, min(owed.void, other.void))
                self._owed = (*self._owed[:i], merged, *self._owed[i + 1 :])
                return
        self._owed = (*self._owed, owed)

    def _void(self, lease: Lease) -> int:
        """When the store has let it lapse for certain, and would ignore what it is told of it."""
        return lease.expires + self.terms.life
