"""What follows from the facts of a purchase, told to everybody whom it concerns: the logs of what it shares with others, holds, cases.

All of it may be told again, and changes nothing then. Times are seconds since the epoch.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final, Protocol

import msgspec

from ratelimit.core.call import Call
from ratelimit.core.message import Concluded
from ratelimit.core.protocols import Store
from ratelimit.core.purchase import Purchase, PurchaseDecision
from ratelimit.core.purchase_entry import Attempt, Label, Outcome, PurchaseEntry
from ratelimit.core.stripe_fact import Check, Conclusion, Warned, conclusions, warnings
from ratelimit.core.stripe_message import concluded
from ratelimit.service.ask import StoreAwayError, ask
from ratelimit.service.flags import Flags

_decode: Final = msgspec.json.Decoder(PurchaseDecision).decode


class Logs(Protocol):
    """What is known of accounts, cards, addresses, ... and of the site."""

    def outcome(self, attempt: Attempt, purchase_id: str, outcome: Outcome, checks: Collection[Check], now_s: float) -> list[Call]:
        """The calls that tell how an attempt ended, and which checks failed."""

    def label(self, attempt: Attempt, purchase_id: str, verdict: Label, known_at: float) -> list[Call]:
        """The calls that tell what it turned out to be; "" takes back what was told."""


class Holds(Protocol):
    """Keeps tokens from being spent."""

    async def open(self, purchase: Purchase, held: int, lapses_at: float, reason: str) -> None:
        """Hold some tokens of a purchase."""

    async def withdraw(self, account: str, purchase_id: str) -> None:
        """The payment failed: there are no such tokens."""

    async def warned(self, account: str, purchase_id: str, tokens: int, reason: str) -> None:
        """Hold what is unspent of a purchase that its bank takes for fraud."""


class StripeEffects:
    """Tells what follows; raises StoreAwayError, and then some of it may be told. `flush` sees to it that flags are on their way."""

    def __init__(self, store: Store, logs: Logs, holds: Holds, flags: Flags, flush: Callable[[], Awaitable[bool]]) -> None:
        self.conclude: Callable[[Concluded], None] | None = None  # whom to tell what all of it came to
        self._store, self._logs, self._holds, self._flags, self._flush = store, logs, holds, flags, flush

    async def tell(self, entry: PurchaseEntry, objects: Collection[str]) -> None:
        """Tell what follows from an entry; of warnings those of these objects, since a person may have answered the others by now."""
        attempts = {attempt.attempt: attempt for attempt in entry.attempts}
        found = {one.attempt: one for one in conclusions(entry)}
        calls: list[Call] = []
        for one in sorted(found.values(), key=lambda one: one.label_at or 0.0):  # a purchase has one label in each log: the latest stands
            calls += self._calls(entry.id, attempts[one.attempt], one)
        if calls:
            await ask(self._store, calls)
        if self.conclude is not None:
            for message in concluded(entry, found.values()):
                self.conclude(message)
        await self._settle_hold(entry.id, attempts, found)
        for warning in warnings(entry):
            if warning.object in objects and warning.attempt in attempts:
                await self._warn(entry.id, attempts[warning.attempt], warning)

    def _calls(self, purchase: str, attempt: Attempt, found: Conclusion) -> list[Call]:
        calls: list[Call] = []
        if found.outcome:
            calls += self._logs.outcome(attempt, purchase, found.outcome, found.failed_checks, found.outcome_at)
        if found.label_at is not None:
            calls += self._logs.label(attempt, purchase, found.label, found.label_at)
        return calls

    async def _settle_hold(self, purchase: str, attempts: Mapping[int, Attempt], found: Mapping[int, Conclusion]) -> None:
        """A payment that failed gave no tokens; one that failed first and succeeded then, with the same card, gave them after all."""
        latest = attempts[max(attempts)]
        if any(one.outcome == "succeeded" for one in found.values()):
            paid = next(attempts[one.attempt] for one in found.values() if one.outcome == "succeeded")
            decision = _decode(paid.answer)
            if decision.held and decision.lapses_at is not None and found[paid.attempt].failed_before:
                again = Purchase(id=purchase, attempt=paid.attempt, account=paid.account, ip="", tokens=paid.tokens)
                await self._holds.open(again, decision.held, decision.lapses_at, decision.reason)
        elif latest.attempt in found and found[latest.attempt].outcome == "failed":
            await self._holds.withdraw(latest.account, purchase)

    async def _warn(self, purchase: str, attempt: Attempt, warning: Warned) -> None:
        reason = f"early fraud warning: {warning.fraud_type or 'no type was told'}"
        await self._holds.warned(attempt.account, purchase, attempt.tokens, reason)
        self._flags.warned(purchase, attempt, warning.object, warning.fraud_type, warning.known_at)
        if not await self._flush():  # nobody tells the same warning again, so it must not be lost
            raise StoreAwayError
