"""What a deed does beyond the ledger: words and holds in the store, messages to the site. Each is done as the row of the deed says, so that
it can be done again after a crash, and then changes nothing.

A row does not name whom it is about, since that is erased in one place: words and holds stand in it without a target, which is put back
from the subject here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ratelimit.core.standing import Hold, Standing, Target
from ratelimit.core.webhook import Message, message_of
from ratelimit.ledger.actions import ActionRow

NOBODY: Final = Target("account", "")  # stands in a row in place of whom it is about


class Words(Protocol):
    """Overrides, see service/overrides."""

    async def say(self, word: Standing, event: str) -> None:
        """Let it stand."""

    async def unsay(self, word: Standing, author: str, event: str) -> None:
        """Let it not stand any more."""


class Held(Protocol):
    """Holds, see service/holds."""

    async def place(self, name: str, holds: Sequence[Hold], left: int) -> None:
        """Let them be so."""


class Outgoing(Protocol):
    """The queue of messages to the site, see service/webhook_queue."""

    async def add(self, message: Message) -> bool:
        """Have it told."""


class Told(Struct, frozen=True):
    """A message to the site, as a row has it; `said` lacks whom it is about, which is put in as `about`."""

    type: str
    said: dict[str, Any]
    about: str = ""


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be done. `left` is what the account has left, where nothing of it was held; `ended` are holds as an undo leaves them."""

    word: Standing | None = None
    holds: tuple[Hold, ...] = ()
    ended: tuple[Hold, ...] = ()
    left: int = 0
    told: tuple[Told, ...] = ()


class Before(Struct, frozen=True, kw_only=True):
    """What stood: words, by whichever deed (`actions`) or by none."""

    words: tuple[Standing, ...] = ()
    actions: tuple[int, ...] = ()


class Effects:
    """Does it and takes it back; both raise StoreAwayError, the first FullError as well. `queue` None: there is nobody to tell."""

    def __init__(self, words: Words, holds: Held, queue: Outgoing | None, wall: Callable[[], float]) -> None:
        self._words, self._holds, self._queue, self._wall = words, holds, queue, wall

    async def apply(self, row: ActionRow, target: Target) -> None:
        """Do what the row says. What it replaces goes first, since it may be what would win."""
        plan, before = plan_of(row), before_of(row)
        if plan.word is not None:
            for word in before.words:
                await self._words.unsay(replace(word, target=target), row.by_login, f"{row.id}:replaced")
            await self._words.say(replace(plan.word, target=target), f"{row.id}:{plan.word.until!r}")
        await self._place(plan.holds, target, plan.left)
        for told in plan.told:
            await self.tell(told, row, target)

    async def revert(self, row: ActionRow, target: Target) -> None:
        """Undo it: let stand again what stood before, until when it would have stood."""
        plan, before, now = plan_of(row), before_of(row), self._wall()
        if plan.word is not None:
            await self.withdraw(row, target)
            for word in before.words:
                if word.until is None or word.until > now:
                    await self._words.say(replace(word, target=target), f"{row.id}:restored")
        await self._place(plan.ended, target, plan.left)

    async def withdraw(self, row: ActionRow, target: Target) -> None:
        """Take its word away, and let nothing stand in its place."""
        word = plan_of(row).word
        if word is not None:
            await self._words.unsay(replace(word, target=target), row.undone_by or row.by_login, f"{row.id}:undone")

    async def tell(self, told: Told, row: ActionRow, target: Target) -> None:
        """Tell the site, once."""
        if self._queue is not None:
            said = {**told.said, **({told.about: target.value} if told.about else {})}
            await self._queue.add(message_of(told.type, row.at, said, row.id, told.type))

    async def _place(self, holds: Sequence[Hold], target: Target, left: int) -> None:
        if holds:
            await self._holds.place(target.value, [replace(hold, account=target.value) for hold in holds], left)


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
