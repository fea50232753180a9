"""A sidecar's share of one quota: tokens in its hand until the period ends, and what it remembers of a refusal.

It answers like `core/share.py`: spend (0), wait so many microseconds, or ASK. Other than a bucket's slots, prepaid tokens are never minted
anew, so what is in hand goes back when the key falls quiet, and a call whose answer was lost is cancelled by the next one.

Times are microseconds of the sidecar's clock, costs are tokens. `ids` and `calendar` are the caller's sources of operation ids and of the
bounds of the periods around now.
"""

from collections.abc import Callable, Sequence
from typing import Final

from ratelimit.core.bucket import HORIZON_US, LIFE_US
from ratelimit.core.demand import Demand
from ratelimit.core.lease import DRIFT_PPM
from ratelimit.core.quota_counter import QuotaCall, QuotaGrant
from ratelimit.core.share import ASK, HOT, Upkeep
from ratelimit.core.units import ceil_div

Bounds = tuple[int, int, int, int]

_IDLE_US: Final = 300_000  # so long after the last request tokens in hand go back
_CANCEL_US: Final = 5_000_000  # how long a lost call is worth cancelling; the store remembers operations for 10 s


class QuotaTokens:
    """Tokens of one period in hand, or earmarked from there; kept so that a release finds its period again."""

    __slots__ = ("expires", "low", "slots", "start")

    def __init__(self, slots: int, start: int, expires: int) -> None:
        self.slots, self.start, self.expires = slots, start, expires
        self.low = slots // 4


class QuotaShare(Demand):
    """What one sidecar holds of one quota. `look`, then `take`; the store's side goes through `compose` and `answered`."""

    __slots__ = (
        "_asked_at", "_back", "_back_start", "_calendar", "_denied", "_denied_ready", "_denied_until", "_ids", "_lost", "_remaining",
        "_resets", "amount", "hand",
    )  # fmt: skip

    def __init__(self, amount: int, now: int, ids: Callable[[], int], calendar: Callable[[], Bounds]) -> None:
        self.amount = amount
        self.hand: QuotaTokens | None = None
        self._ids, self._calendar = ids, calendar
        self._back = self._back_start = 0
        self._denied = self._denied_until = self._denied_ready = 0
        super().__init__(now)
        self._asked_at = now
        self._lost: tuple[tuple[QuotaCall, int], ...] = ()
        self._remaining, self._resets = amount, now

    def look(self, now: int, cost: int) -> int:
        """0: it may be spent. ASK: only the store knows. Else the microseconds until it may be."""
        hand = self.hand
        if hand is not None and hand.slots >= cost and now < hand.expires:
            return 0
        if cost >= self._denied and now < self._denied_until:
            return max(1, self._denied_ready - now)
        return ASK

    def take(self, cost: int) -> QuotaTokens:
        """Spend from the tokens that `look` saw; they are returned for a caller who may have to `release` them."""
        hand = self.hand
        assert hand is not None, "look() said 0"  # noqa: S101  a broken invariant, not an input
        hand.slots -= cost
        return hand

    def release(self, tokens: QuotaTokens, cost: int) -> None:
        """Undo a `take` that a refusal elsewhere made void."""
        if tokens is self.hand:
            tokens.slots += cost
        else:
            self.owe_refund(cost, tokens.start)

    def owe_refund(self, cost: int, start: int) -> None:
        """Send back, in full, a need that was charged in the period that began at `start`; an earlier period's is void."""
        if start > self._back_start:
            self._back, self._back_start = 0, start
        if start == self._back_start:
            self._back += cost

    def deny(self, now: int, cost: int, retry: int, chance: float) -> None:
        """Remember a refusal until it can change: others may give back, so not for longer than about the horizon."""
        if now < self._denied_until and self._denied <= cost:
            return
        self._denied, self._denied_ready = cost, now + retry
        self._denied_until = now + min(retry, int(HORIZON_US * (0.5 + chance / 2)))

    def wants_renewal(self) -> bool:
        """Whether the tokens in hand are about to run out."""
        return self.hand is not None and self.hand.slots <= self.hand.low

    def compose(self, now: int, needs: Sequence[int], *, keep: bool, more: bool) -> QuotaCall:
        """Write the next call, taking out of this state all that it gives back; `keep` and `more` as in Share."""
        hand = self.hand
        if hand is not None and not keep:
            self.owe_refund(hand.slots, hand.start)
            self.hand = None
        self._lost = tuple((lost, at) for lost, at in self._lost if now - at < _CANCEL_US)
        back, self._back = self._back, 0
        return QuotaCall(
            self.amount,
            self._calendar(),
            self._ids(),
            needs,
            self._extra(now) if more else 0,
            back,
            self._back_start,
            self._lost[0][0].op if self._lost else 0,
        )

    def answered(self, call: QuotaCall, grant: QuotaGrant, sent: int, now: int) -> None:
        """Take in what a call brought; the needs themselves are the caller's to spend or refund."""
        self._remaining, self._resets = grant.remaining, now + grant.ends_in
        if call.cancel:
            self._cancelled(call.cancel, found=grant.cancelled)
        if not grant.leased:
            return
        expires = sent + grant.ends_in - ceil_div(grant.ends_in * DRIFT_PPM, 1_000_000)
        hand = self.hand
        if hand is not None and hand.start == grant.at:
            hand.slots += grant.leased
            hand.low = hand.slots // 4
        else:
            self.hand = QuotaTokens(grant.leased, grant.at, expires)

    def unanswered(self, call: QuotaCall, now: int) -> None:
        """A call's effect is unknown: the next one cancels it."""
        self._lost = (*self._lost, (call, now))

    def urgent(self) -> bool:
        """Whether what is owed should go at once: always, it is prepaid."""
        return self.owes()

    def owes(self) -> bool:
        """Whether there is something to tell the store that no request will."""
        return bool(self._back or self._lost)

    def tend(self, now: int) -> Upkeep:
        """Whether the tokens in hand should go back, or a lost call be cancelled: nobody has asked for a while. See Share.

        A store that is away is told again after as long: this is all it has of tokens that were paid for.
        """
        if not self.unasked():
            self._asked_at = now
        if now - self._asked_at < _IDLE_US or not (self.hand is not None or self.owes()):
            return "rest"
        self._asked_at = now
        return "return"

    def quiet(self, now: int) -> bool:
        """Whether forgetting this share would lose nothing."""
        return self.hand is None and not self.owes() and now >= self._denied_until

    def standing(self, now: int) -> tuple[int, int]:
        """Tokens that this sidecar believes are left in the period, and microseconds until it ends."""
        left = self.amount if now >= self._resets else self._remaining
        in_hand = self.hand.slots if self.hand is not None and now < self.hand.expires else 0
        return left + in_hand, max(0, self._resets - now)

    def lacking(self, now: int, cost: int) -> int:
        """Microseconds until the next period, if `cost` is more than this sidecar believes to be left, or 0; see Share."""
        remaining, reset_after = self.standing(now)
        return reset_after if cost > remaining else 0

    def spend_local(self, now: int, cost: int, sidecars: int) -> int:
        """While the store is away: 0 if this sidecar's part of what was last known to be left pays, else the wait for the next period."""
        if now >= self._resets:  # nothing is known of this period
            _, this, following, _ = self._calendar()
            self._remaining, self._resets = self.amount, now + following - this  # at the latest: never more than one amount in a period
        if cost > self._remaining // sidecars:
            return max(1, self._resets - now)
        self._remaining -= cost * sidecars
        self._owe_local(-cost)
        return 0

    def unspend_local(self, cost: int, sidecars: int) -> None:
        """Undo `spend_local`."""
        self._remaining += cost * sidecars
        self._owe_local(cost)

    def _owe_local(self, cost: int) -> None:
        """The store learns of what was spent without it as of something given back, with the opposite sign."""
        self.owe_refund(cost, self._calendar()[1])

    def _cancelled(self, op: int, *, found: bool) -> None:
        lost = next((lost for lost, _ in self._lost if lost.op == op), None)
        self._lost = tuple(entry for entry in self._lost if entry[0].op != op)
        if lost is not None and not found and lost.give_back:  # it never came to be, so what it gave back was not given back
            self.owe_refund(lost.give_back, lost.give_back_start)

    def _extra(self, now: int) -> int:
        expected = self.expected(now, LIFE_US)
        return int(expected) if expected >= HOT else 0
