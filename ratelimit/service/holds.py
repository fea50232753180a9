"""Holds of purchases: opened, added to, released and revoked. What an account may spend is core/hold's; the limiter sees to it.

All holds of an account are one word that stands, so every sidecar knows them within milliseconds, and each change is made of what is there
at that moment, whoever else changes it. Every one is idempotent. They raise StoreAwayError; times are seconds since the epoch.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import structlog
from msgspec.structs import replace

from ratelimit.core.hold import (
    amount,
    bought,
    find,
    lapsed,
    opened,
    over_at,
    placed,
    released,
    revoked,
    spent_of,
    stands,
    warned,
    withdrawn,
    withheld,
)
from ratelimit.core.purchase import Purchase
from ratelimit.core.standing import HeldAccount, Hold, Standing, Target
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.hold_counter import HoldCounter
from ratelimit.service.standings import FullError, Standings

WARNED_LAPSE_S: Final = 30 * 86_400.0  # of tokens held by an early fraud warning: a dispute that follows it has come by then
SWEPT_S: Final = 86_400.0  # for which the word outlasts its holds, so that their end is told even where nobody swept for a while
_AUTHOR: Final = "ratelimit"
_MOST_REASON: Final = 500  # characters of a word's

_log = structlog.get_logger()

Change = Callable[[HeldAccount | None, float], HeldAccount | None]


class NoHoldError(LookupError):
    """No such hold is known; it may have ended."""


class NotHeldError(Exception):
    """The hold is not held any more: it was released or revoked before."""


class HeldFigures(NamedTuple):
    """How many accounts have holds, and how many tokens these keep from being spent."""

    accounts: int
    tokens: int


class Spending(NamedTuple):
    """What an account with holds spent since it was opened, and may spend now; None while the store is away.

    `spent_of` is each purchase's part, in the order of its `holds`.
    """

    account: HeldAccount
    spent: int | None
    spendable: int | None
    spent_of: tuple[int | None, ...]


class Holds:
    """The holds of all accounts. `wall` gives the time.

    What was told is told again now and then: a hold that was released or revoked since stays so, as long as it would have lasted.
    """

    def __init__(self, standings: Standings, counter: HoldCounter, wall: Callable[[], float]) -> None:
        self._standings, self._counter, self._wall = standings, counter, wall

    def account(self, name: str) -> HeldAccount | None:
        """An account of which something is held, or was until a moment ago."""
        word = self._standings.get(word_id(name))
        return word.held if word is not None else None

    async def open(self, purchase: Purchase, held: int, lapses_at: float, reason: str) -> None:
        """Hold so many tokens of a purchase. The account's first hold says what it had left before: `purchase.balance`, else nothing."""

        def make(account: HeldAccount | None, now: float) -> HeldAccount:
            account = account or opened(purchase.account, now, purchase.balance or 0)
            known = find(account, purchase.id)
            at = known.made_at if known is not None else now
            return bought(account, Hold(purchase.id, purchase.account, purchase.tokens, held, lapses_at, at, reason=reason), now)

        def told(account: HeldAccount) -> bool:
            known = find(account, purchase.id)
            same = known is not None and (known.tokens, known.held, known.lapses_at) == (purchase.tokens, held, lapses_at)
            return same or (known is not None and (known.state == "revoked" or known.warned))

        if lapses_at > self._wall():
            await self._change(purchase.account, make, reason, told=told)

    async def purchased(self, purchase: Purchase) -> None:
        """A purchase of which nothing is held: if others of the account are, its tokens may be spent too."""

        def make(account: HeldAccount | None, now: float) -> HeldAccount | None:
            if account is None or find(account, purchase.id) is not None:
                return account
            return bought(account, Hold(purchase.id, purchase.account, purchase.tokens, 0, now, now, "released"), now)

        if self.account(purchase.account) is not None:
            await self._change(purchase.account, make, "bought")

    async def withdraw(self, account: str, purchase_id: str) -> None:
        """The payment failed: there are no such tokens, neither held nor to be spent."""
        if self.account(account) is not None:
            await self._change(account, lambda found, _: withdrawn(found, purchase_id) if found is not None else None, "payment failed")

    async def warned(self, account: str, purchase_id: str, tokens: int, reason: str) -> None:
        """An early fraud warning: what is unspent of that purchase is held; all of it, where nothing was held and so nothing counted."""
        known = self.account(account)
        spent = await self._counter.spent(known) if known is not None else 0

        def make(found: HeldAccount | None, now: float) -> HeldAccount:
            hold = Hold(purchase_id, account, tokens, tokens, now + WARNED_LAPSE_S, now, reason=reason, warned=True)
            return warned(found or opened(account, now, 0), hold, spent if found is not None else 0, now)

        await self._change(account, make, reason, told=lambda found: (hold := find(found, purchase_id)) is not None and hold.warned)

    async def release(self, purchase_id: str, by: str, reason: str) -> Hold:
        """What is held of a purchase may be spent from now on; raises NoHoldError and NotHeldError."""
        return await self._end(purchase_id, lambda account, _: released(account, purchase_id, by, reason), by, reason)

    async def revoke(self, purchase_id: str, by: str, reason: str) -> Hold:
        """What is held of a purchase will never be spendable; raises NoHoldError and NotHeldError."""
        return await self._end(purchase_id, lambda account, now: revoked(account, purchase_id, by, reason, now), by, reason)

    async def place(self, name: str, holds: Sequence[Hold], left: int) -> None:
        """Let holds of an account be as they are here, whatever was known of them: a person's word, or the undoing of one.

        `left` is what the account has left, where nothing was held and so nothing counted.
        """

        def make(account: HeldAccount | None, now: float) -> HeldAccount:
            account = account or opened(name, now, left)
            for hold in holds:
                account = placed(account, hold, now)
            return account

        def told(account: HeldAccount) -> bool:
            return all(find(account, hold.purchase) == hold for hold in holds)

        if holds:
            await self._change(name, make, holds[0].reason, holds[0].by or _AUTHOR, told=told)

    def of(self, name: str, purchase_id: str) -> Hold | None:
        """What is known of a purchase of that account."""
        account = self.account(name)
        return find(lapsed(account, self._wall()), purchase_id) if account is not None else None

    async def spending(self, account: HeldAccount) -> Spending:
        """What the account spent, and may spend now."""
        now = self._wall()
        try:
            spent = await self._counter.spent(account)
        except StoreAwayError:
            return Spending(account, None, None, (None,) * len(account.holds))
        return Spending(account, spent, max(0, amount(account, now) - spent), spent_of(account, spent, now))

    def figures(self) -> HeldFigures:
        """What is held of all accounts together."""
        now = self._wall()
        held = [word.held for word in self._standings.all() if word.held is not None and stands(word.held, now)]
        return HeldFigures(len(held), sum(withheld(hold, now) for account in held for hold in account.holds))

    async def _end(self, purchase_id: str, change: Callable[[HeldAccount, float], HeldAccount], by: str, reason: str) -> Hold:
        name = next((word.held.account for word in self._standings.all() if word.held and find(word.held, purchase_id)), None)
        ended = False

        def make(account: HeldAccount | None, now: float) -> HeldAccount | None:
            nonlocal ended
            if account is None:
                return None
            account = lapsed(account, now)
            after = change(account, now)
            ended = after != account
            return after

        word = await self._change(name, make, reason, by) if name is not None else None
        hold = find(word.held, purchase_id) if word is not None and word.held is not None else None
        if hold is None or not hold.held:
            raise NoHoldError(purchase_id)
        if not ended:
            raise NotHeldError(hold.state)
        return hold

    async def _change(
        self, account: str, change: Change, reason: str, author: str = _AUTHOR, told: Callable[[HeldAccount], bool] = lambda _: False
    ) -> Standing | None:
        """Change what is held of an account, unless that was `told` before.

        Where all holds have ended there is no account any more to be changed: what was spent since was not counted.
        """

        def make(word: Standing | None) -> Standing | None:
            now = self._wall()
            if word is not None and word.held is not None and told(word.held):
                return word
            before = word.held if word is not None and word.held is not None and stands(word.held, now) else None
            after = change(before, now)
            if after == before:
                return word
            return _word(account, after, reason, author, now) if after is not None else None

        try:
            return await self._standings.change(word_id(account), make)
        except FullError as error:
            _log.error("a hold could not be written down", error=str(error))
            raise StoreAwayError from error


def word_id(account: str) -> str:
    """The id of the word that holds of an account are."""
    return f"hold:{account}"


def with_holds(word: Standing, held: HeldAccount, now: float) -> Standing:
    """The word with its holds changed; the same where they are not."""
    return replace(word, held=held, until=_until(held, now)) if held != word.held else word


def _word(account: str, held: HeldAccount, reason: str, author: str, now: float) -> Standing:
    return Standing(
        id=word_id(account),
        target=Target("account", account),
        then="hold",
        source="hold",
        reason=reason[:_MOST_REASON] or "held",
        author=author,
        made_at=now,
        until=_until(held, now),
        scope="request",
        held=held,
    )


def _until(held: HeldAccount, now: float) -> float:
    return max(over_at(held), now) + SWEPT_S
