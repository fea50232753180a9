"""What an account with holds may spend, and what becomes of its holds. Pure: `now` and `at` are seconds since the epoch, by a wall clock.

While any of its holds stands, what an account spends is counted from `opened_at`, and may come to its *amount*: what it had left before
(its balance, which the site tells, since without holds nobody counts), of each purchase what is not held, and of each hold what was
released or has lapsed. Nothing here does more than move tokens between these, so no order of events makes more of them than were bought.

Which purchase's tokens were spent is a matter of order: the balance first, then purchases from the oldest on, of each as far as it may be
spent. It matters where an early fraud warning holds what is unspent of one purchase.

    balance 10, bought 100 of which 40 are held, then 50 of which none: amount 120, of 100 spent: 10 + 60 + 30
    the warning of the first purchase holds 40 more of nothing, since its 60 were spent; that of the second holds its last 20

A revoked hold stays for REVOKED_KEPT_S, so that the site has time to take its tokens back: they are not spendable meanwhile.
"""

from collections.abc import Callable
from math import inf
from typing import Final

from msgspec.structs import replace

from ratelimit.core.standing import HeldAccount, Hold

MOST_PURCHASES: Final = 128  # of one account that are told apart
REVOKED_KEPT_S: Final = 30 * 86_400.0
LAPSED: Final = "lapsed"  # the reason of a release by time


def opened(account: str, at: float, balance: int) -> HeldAccount:
    """An account whose spending is counted from now on; it had `balance` tokens."""
    return HeldAccount(account, at, balance, ())


def withheld(hold: Hold, now: float) -> int:
    """Tokens of it that may not be spent now."""
    if hold.state == "revoked":
        return hold.held
    return hold.held if hold.state == "held" and now < hold.lapses_at else 0


def amount(account: HeldAccount, now: float) -> int:
    """All that the account may have spent since it was opened."""
    return account.free + sum(hold.held - withheld(hold, now) for hold in account.holds)


def stands(account: HeldAccount, now: float) -> bool:
    """Whether any hold keeps tokens from being spent; if not, nothing is counted."""
    return now < ends_at(account)


def ends_at(account: HeldAccount) -> float:
    """When the last hold will have ended by itself; -inf if none stands."""
    return max((hold.lapses_at for hold in account.holds if hold.held and hold.state != "released"), default=-inf)


def over_at(account: HeldAccount) -> float:
    """When nothing of it need be remembered any more, what was released sooner included: until then it may be told once more."""
    return max((hold.lapses_at for hold in account.holds if hold.held), default=-inf)


def next_lapse(account: HeldAccount, now: float) -> float:
    """When more can be spent next without anybody's doing: the next lapse, or the end of it all; `now` if nothing stands."""
    lapses = [hold.lapses_at for hold in account.holds if hold.held and hold.state == "held" and hold.lapses_at > now]
    return min(lapses) if lapses else max(now, ends_at(account))


def spent_of(account: HeldAccount, spent: int, now: float) -> tuple[int, ...]:
    """Of all that was spent, how much each purchase's tokens paid for, in the order of `holds`."""
    left = max(0, spent - (account.free - sum(hold.tokens - hold.held for hold in account.holds)))
    shares = []
    for hold in account.holds:
        share = min(left, hold.tokens - withheld(hold, now))
        shares.append(share)
        left -= share
    return tuple(shares)


def bought(account: HeldAccount, hold: Hold, now: float) -> HeldAccount:
    """A purchase is added, or what was known of it is replaced; `held` 0: all of it may be spent.

    Of more purchases than are told apart the oldest that are not held become part of the balance. Where all are, the new one is left out:
    it may not be spent before they end.
    """
    without = withdrawn(account, hold.purchase)
    if len(without.holds) >= MOST_PURCHASES:
        closed = next((old for old in without.holds if not withheld(old, now)), None)
        if closed is None:
            return account
        without = replace(without, free=without.free + closed.held, holds=tuple(old for old in without.holds if old is not closed))
    holds = sorted((*without.holds, hold), key=lambda one: one.made_at)
    return replace(without, free=without.free + hold.tokens - hold.held, holds=tuple(holds))


def placed(account: HeldAccount, hold: Hold, now: float) -> HeldAccount:
    """A hold as a person says it. Tokens of a purchase that is not told apart are part of the balance: they are moved out of it.

    Of what is not told apart no more is held than the account may spend.
    """
    if find(account, hold.purchase) is not None:
        return bought(account, hold, now)
    hold = replace(hold, held=max(0, min(hold.held, amount(account, now))))
    after = bought(replace(account, free=account.free - hold.tokens), hold, now)
    return after if hold.held and find(after, hold.purchase) is not None else account


def withdrawn(account: HeldAccount, purchase: str) -> HeldAccount:
    """A purchase is taken out, as if it had never been: it was not paid for."""
    hold = find(account, purchase)
    if hold is None:
        return account
    holds = tuple(one for one in account.holds if one is not hold)
    return replace(account, free=account.free - (hold.tokens - hold.held), holds=holds)


def released(account: HeldAccount, purchase: str, by: str, reason: str) -> HeldAccount:
    """What is held of a purchase may be spent; one that is not held stays as it is."""
    return _changed(account, purchase, lambda hold: replace(hold, state="released", by=by, reason=reason))


def revoked(account: HeldAccount, purchase: str, by: str, reason: str, now: float) -> HeldAccount:
    """What is held of a purchase will never be spendable; of what has lapsed some may be spent already, so that stays as it is."""
    account, lapses_at = lapsed(account, now), now + REVOKED_KEPT_S
    return _changed(account, purchase, lambda hold: replace(hold, state="revoked", by=by, reason=reason, lapses_at=lapses_at))


def lapsed(account: HeldAccount, now: float) -> HeldAccount:
    """Holds whose time is over are released; it changes nothing of what may be spent."""
    over = [hold.purchase for hold in account.holds if hold.held and hold.state == "held" and hold.lapses_at <= now]
    for purchase in over:
        account = released(account, purchase, "", LAPSED)
    return account


def warned(account: HeldAccount, hold: Hold, spent: int, now: float) -> HeldAccount:
    """What is unspent of a purchase is held; `hold` is what is known of it where nothing was, all of it held.

    Once for each purchase: what a person has released or revoked since stays so.
    """
    known = find(account, hold.purchase)
    if known is None:
        return bought(account, hold, now)
    if known.warned or known.state == "revoked":
        return account
    (paid,) = (share for one, share in zip(account.holds, spent_of(account, spent, now), strict=True) if one is known)
    lapses_at = max(hold.lapses_at, known.lapses_at)
    worse = replace(known, held=known.tokens - paid, lapses_at=lapses_at, state="held", reason=hold.reason, by=hold.by, warned=True)
    return bought(account, worse, now)


def find(account: HeldAccount, purchase: str) -> Hold | None:
    """What is known of a purchase."""
    return next((hold for hold in account.holds if hold.purchase == purchase), None)


def _changed(account: HeldAccount, purchase: str, change: Callable[[Hold], Hold]) -> HeldAccount:
    hold = find(account, purchase)
    if hold is None or not hold.held or hold.state != "held":
        return account
    return replace(account, holds=tuple(change(one) if one is hold else one for one in account.holds))
