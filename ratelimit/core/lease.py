"""A lease: a run of slots of one bucket, spent by one sidecar alone, each slot not before its time.

The store said, `first` us after the instant it executed the call, that the first granted slot is ripe; the others follow T = per/num
apart. Two clocks are never compared, so both ends are taken on the safe side: ripening counts from when the reply *arrived* (later than the
store's instant), the lease's life from *before the call was sent* (earlier), and both give way to the drift between the clocks.

Invariant: a slot is spent only while the store still counts it as out, and not before the store's own bucket would have had it in stock.

Worked example, 10 slots/s, first = 30,000 us: slot 0 may be spent 30.03 ms after the reply, slot 1 at 130.13 ms; 199.8 ms after sending
the lease is over, and whatever is left of it is handed back or lapses.

Instants are microseconds of the sidecar's own clock, passed in; nothing here reads a clock.
"""

from typing import Final

from ratelimit.core.bucket import Grant, Terms
from ratelimit.core.units import ceil_div

DRIFT_PPM: Final = 1_000  # bound on how much faster a sidecar's clock may run than the store's
_MILLION: Final = 1_000_000


class Lease:
    """One run of slots. Mutable and small: it is read and written for every request of a hot key."""

    __slots__ = ("_first", "_replied", "_taken", "_terms", "at", "expires", "id", "leased", "low", "ripe", "slots")

    def __init__(self, terms: Terms, grant: Grant, charged: int, sent: int, replied: int) -> None:
        self.id = grant.id
        self.at = grant.at  # the store's instant, for a refund of what is settled as spent and was not
        self.leased = self.slots = grant.leased
        self.expires = sent + terms.life - ceil_div(terms.life * DRIFT_PPM, _MILLION) - 1  # 1: TIME is truncated
        self._terms = terms
        self._first, self._replied = grant.first, replied
        self._taken = charged  # the charged slots come first in the run
        self.ripe = self.ripe_at(self.leased)  # when all are: from then on nobody needs to compute
        self.low = self.leased // 8 if grant.stock > 0 else -1  # a renewal is worth asking for only where stock is left

    def ripe_at(self, slots: int) -> int:
        """The instant at which the next `slots` of the run may all be spent; slots >= 1."""
        wait = self._first + ceil_div((self._taken + slots - 1) * self._terms.per, self._terms.num)
        if wait > 0:
            wait += ceil_div(wait * DRIFT_PPM, _MILLION)
        return self._replied + wait

    def take(self, slots: int) -> None:
        """Spend; the caller has seen that they are there and ripe."""
        self.slots -= slots
        self._taken += slots

    def put_back(self, slots: int) -> None:
        """Take back what was earmarked and not used. Any later spender took riper slots than it needed, so the order does not matter."""
        self.slots += slots
        self._taken -= slots
