"""A sidecar's share of what a held account may spend: a quota whose amount changes, and which ends when nothing is held any more.

It is counted in the store like any quota, from the instant at which the account was opened on, so all sidecars together spend exactly what
may be spent. Other than a calendar's, the period never turns: a hold that lapses or is released makes the amount larger and takes back
nothing of what was spent. So the store is told a period of a century, and what a caller is told to wait for is the next lapse.

A denial is void when the amount grows; when it shrinks (an early fraud warning), what is in hand is not spent. `now` is microseconds of the
sidecar's clock, `wall_s` seconds since the epoch.
"""

from collections.abc import Callable
from typing import Final

from ratelimit.core.hold import amount, next_lapse
from ratelimit.core.quota_counter import QuotaCall, QuotaGrant
from ratelimit.core.quota_share import Bounds, QuotaShare
from ratelimit.core.standing import HeldAccount
from ratelimit.core.store_key import QUOTA, StoreKeys
from ratelimit.core.subject import Value
from ratelimit.core.units import US_PER_S

NAME: Final = "hold"  # as decisions name the limit
MOST: Final = 1 << 52  # more than any account has; exact as a double

_CENTURY_US: Final = 100 * 366 * 86_400 * US_PER_S
_CLOSING_US: Final = 3_600 * US_PER_S


def counter_namer(keys: StoreKeys) -> Callable[[Value], str]:
    """Names the counter of an account in the store; no limit of a policy can have it, since their names hold no colon."""
    return keys.namer_of(QUOTA, f"{NAME}:", "account")


def period(opened_at: float) -> Bounds:
    """The bounds of the one period, also where the store's clock is behind that of whoever opened the account."""
    start = int(opened_at * US_PER_S)
    return start, start, start + _CENTURY_US, start + _CENTURY_US + 1


def peek(account: HeldAccount, op: int) -> QuotaCall:
    """The call that charges nothing; what `remains` after it says what was spent."""
    return QuotaCall(MOST, period(account.opened_at), op)


def spent(grant: QuotaGrant) -> int:
    """What was spent in all, by the answer to `peek`; what sidecars have in hand counts as spent."""
    return MOST - grant.remaining


def closing(account: HeldAccount, op: int, wall_s: float) -> QuotaCall:
    """The call after which the store forgets the counter in a day: nothing of the account is held any more."""
    start, end = int(account.opened_at * US_PER_S), int(wall_s * US_PER_S) + _CLOSING_US
    return QuotaCall(MOST, (start, start, end, end + 1), op)


class HoldShare(QuotaShare):
    """What one sidecar holds of it. `adopt` comes before the first `look`, and whenever `outdated`."""

    __slots__ = ("_lapse", "_lapses_at", "account")

    def __init__(self, account: HeldAccount, now: int, wall_s: float, ids: Callable[[], int]) -> None:
        super().__init__(amount(account, wall_s), now, ids, self._period)
        self.account = account
        self._lapse, self._lapses_at = 0, 0.0  # when the amount grows next by itself, by both clocks
        self._look_ahead(now, wall_s)

    def outdated(self, account: HeldAccount, wall_s: float) -> bool:
        """Whether the amount may be another: the account has changed, or a hold has lapsed."""
        return account is not self.account or wall_s >= self._lapses_at

    def adopt(self, account: HeldAccount, now: int, wall_s: float) -> bool:
        """Take up what is known of the account now. True: less may be spent, so the store is to be told what was in hand."""
        before, self.account = self.account, account
        if account.opened_at != before.opened_at:  # counted anew, what is in hand is of a time that is over
            self.hand, self._remaining = None, self.amount
        grown = amount(account, wall_s) - self.amount
        self.amount += grown
        self._remaining = max(0, self._remaining + grown)
        if grown > 0:
            self._denied_until = 0
        elif grown < 0 and self.hand is not None:  # at once: who asks next is not to be served from it
            self.owe_refund(self.hand.slots, self.hand.start)
            self.hand = None
        self._look_ahead(now, wall_s)
        return grown < 0

    def look(self, now: int, cost: int) -> int:
        """As of any quota; what costs more than the whole amount need not be asked for."""
        return self.wait(now) if cost > self.amount else super().look(now, cost)

    def wait(self, now: int) -> int:
        """Microseconds until more may be spent."""
        return max(1, self._lapse - now)

    def told(self, grant: QuotaGrant, now: int) -> QuotaGrant:
        """An answer of the store with that wait, instead of the end of the period."""
        wait = self.wait(now)
        return grant._replace(ends_in=wait, retries=[wait if retry else 0 for retry in grant.retries])

    def _look_ahead(self, now: int, wall_s: float) -> None:
        self._lapses_at = next_lapse(self.account, wall_s)
        self._lapse = now + int((self._lapses_at - wall_s) * US_PER_S) + 1

    def _period(self) -> Bounds:
        return period(self.account.opened_at)
