"""What a deed does beyond the ledger: words and holds in the store, messages to the site. Each is done as the row of the deed says, so that
it can be done again after a crash, and then changes nothing.

A row does not name whom it is about, since that is erased in one place: words and holds stand in it without a target, which is put back
from the subject here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ratelimit.core.purchase_entry import Fact
from ratelimit.core.standing import Hold, Standing, Target
from ratelimit.core.stripe_event import Heard
from ratelimit.core.stripe_fact import CASE_CLOSED, UNDONE
from ratelimit.core.stripe_inbox import FULL
from ratelimit.core.webhook import message_of
from ratelimit.ledger.actions import ActionRow
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.holds import Holds
from ratelimit.service.overrides import Overrides
from ratelimit.service.stripe_inbox import StripeInbox
from ratelimit.service.webhook_queue import WebhookQueue

DECIDED: Final = "case.decided"  # the type of its webhook
NOBODY: Final = Target("account", "")  # stands in a row in place of whom it is about


class Told(Struct, frozen=True):
    """A message to the site, as a row has it; `said` lacks whom it is about, which is put in as `about`."""

    type: str
    said: dict[str, Any]
    about: str = ""


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be done. `left` is what the account has left, where nothing of it was held; `ended` are holds as an undo leaves them.

    `labelled` are attempts of purchases whose label the `verdict` on the case is.
    """

    word: Standing | None = None
    holds: tuple[Hold, ...] = ()
    ended: tuple[Hold, ...] = ()
    left: int = 0
    told: tuple[Told, ...] = ()
    labelled: tuple[tuple[str, int], ...] = ()
    verdict: str = ""


class Before(Struct, frozen=True, kw_only=True):
    """What stood: words, by whichever deed (`actions`) or by none."""

    words: tuple[Standing, ...] = ()
    actions: tuple[int, ...] = ()


class Effects:
    """Does it and takes it back; both raise StoreAwayError, the first FullError as well. `queue` None: there is nobody to tell."""

    def __init__(
        self, overrides: Overrides, holds: Holds, facts: StripeInbox, queue: WebhookQueue | None, wall: Callable[[], float]
    ) -> None:
        self.overrides, self.holds = overrides, holds
        self._facts, self._queue, self._wall = facts, queue, wall

    async def apply(self, row: ActionRow, target: Target) -> None:
        """Do what the row says. What it replaces goes first, since it may be what would win."""
        plan, before = plan_of(row), before_of(row)
        if plan.word is not None:
            for word in before.words:
                await self.overrides.unsay(replace(word, target=target), row.by_login, f"{row.id}:replaced")
            await self.overrides.say(replace(plan.word, target=target), f"{row.id}:{plan.word.until!r}")
        await self._place(plan.holds, target, plan.left)
        await self._label(row, plan.verdict, row.at)
        for told in plan.told:
            await self.tell(told, row, target)

    async def revert(self, row: ActionRow, target: Target) -> None:
        """Undo it: let stand again what stood before, until when it would have stood."""
        plan, before, now = plan_of(row), before_of(row), self._wall()
        if plan.word is not None:
            await self.withdraw(row, target)
            for word in before.words:
                if word.until is None or word.until > now:
                    await self.overrides.say(replace(word, target=target), f"{row.id}:restored")
        await self._place(plan.ended, target, plan.left)
        await self._label(row, UNDONE, now)

    async def withdraw(self, row: ActionRow, target: Target) -> None:
        """Take its word away, and let nothing stand in its place."""
        word = plan_of(row).word
        if word is not None:
            await self.overrides.unsay(replace(word, target=target), row.undone_by or row.by_login, f"{row.id}:undone")

    async def tell(self, told: Told, row: ActionRow, target: Target) -> None:
        """Tell the site, once."""
        if self._queue is not None:
            said = {**told.said, **({told.about: target.value} if told.about else {})}
            await self._queue.add(message_of(told.type, row.at, said, row.id, row.at))

    async def decided(self, case: int, verdict: str, about: Sequence[tuple[str, int]], said: dict[str, Any], at: float) -> None:
        """Tell, once, that a case was decided without a deed; `about` are attempts of purchases whose label that is."""
        for heard in facts(f"C-{case}", about, verdict, f"{case}:{at!r}", at):
            if await self._facts.put(heard) == FULL:
                raise StoreAwayError
        if self._queue is not None:
            await self._queue.add(message_of(DECIDED, at, said, case, at))

    async def _label(self, row: ActionRow, verdict: str, at: float) -> None:
        for heard in facts(f"C-{row.case_number}", plan_of(row).labelled, verdict, f"action-{row.id}", at):
            if await self._facts.put(heard) == FULL:
                raise StoreAwayError

    async def _place(self, holds: Sequence[Hold], target: Target, left: int) -> None:
        if holds:
            await self.holds.place(target.value, [replace(hold, account=target.value) for hold in holds], left)


def facts(case: str, about: Sequence[tuple[str, int]], verdict: str, event: str, at: float) -> Iterator[Heard]:
    """The verdict as a fact about each purchase; the same `event` is the same fact."""
    for purchase, attempt in about:
        name = f"{event}:{verdict}:{attempt}:{purchase}"
        said: dict[str, str | int | bool | None] = {"purchase": purchase, "verdict": verdict}
        yield Heard(Fact(int(at), name, CASE_CLOSED, case, attempt, said, at), f"{CASE_CLOSED}:{name}")


def stored(plan: Plan | Before) -> dict[str, Any]:
    """As a row has it."""
    found: dict[str, Any] = msgspec.to_builtins(plan)
    return found


def plan_of(row: ActionRow) -> Plan:
    """What a row says is to be done."""
    return msgspec.convert(row.detail.get("plan", {}), Plan)


def before_of(row: ActionRow) -> Before:
    """What a row says stood before it."""
    return msgspec.convert(row.before, Before)


def nameless(word: Standing) -> Standing:
    """A word without its target."""
    return replace(word, target=NOBODY)


def without(detail: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A detail for people to see, without what is for programs."""
    return {name: value for name, value in detail.items() if name not in names}
