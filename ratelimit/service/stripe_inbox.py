"""The inbox of Stripe's facts as those use it who put something in or look into it. Whoever gets STORED may answer that it is kept.

Counts are of this process and since its start. Times are seconds since the epoch, by the clock that is passed.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from ratelimit.core import stripe_inbox
from ratelimit.core.protocols import Store
from ratelimit.core.stripe_event import Heard
from ratelimit.core.stripe_inbox import STORED, Kept, State
from ratelimit.service.ask import ask


class Shelved(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fact that waits for its purchase, or is dead. `at` is since when; `why` what went wrong, `looks` how often it was looked at."""

    event: str
    at: float
    type: str = ""
    object: str = ""
    attempt: int = 0
    said: dict[str, str | int | bool | None] = {}
    why: str | None = None
    looks: int | None = None


class StripeInbox:
    """The inbox on a store. `filled` is set when this process put something in, so that its worker need not wait."""

    def __init__(self, store: Store, wall: Callable[[], float]) -> None:
        self.counts: Counter[str] = Counter()
        self.filled = asyncio.Event()
        self._store, self._wall = store, wall

    async def put(self, heard: Heard) -> int:
        """Store a fact: STORED, REPEATED, TWIN or FULL; raises StoreAwayError, and then it may be stored all the same."""
        answer = int(await self._ask(stripe_inbox.putting(heard, self._wall())))
        if answer == STORED:
            self.filled.set()
        return answer

    async def shelf(self, name: str) -> list[Shelved]:
        """What is `parked` or `dead`, up to MOST_LISTED."""
        records = [stripe_inbox.kept(record) for record in await self._ask(stripe_inbox.listing(name)) if record]
        return [_shelved(record) for record in records]

    async def retry(self, event: str) -> bool:
        """Put a dead fact into the inbox again; False if there is none of that event."""
        found = bool(await self._ask(stripe_inbox.retrying(event, self._wall())))
        self.filled.set()
        return found

    async def drop(self, event: str) -> bool:
        """Give a dead fact up; False if there is none of that event."""
        return bool(await self._ask(stripe_inbox.dropping(event)))

    async def state(self) -> State:
        """How many are where."""
        return stripe_inbox.state(await self._ask(stripe_inbox.asking_state(self._wall())))

    async def _ask(self, call: Any) -> Any:
        (answer,) = await ask(self._store, [call])
        return answer


def _shelved(record: Kept) -> Shelved:
    told: dict[str, Any] = {"why": record.why} if isinstance(record.why, str) else {"looks": record.why}
    try:
        fact = stripe_inbox.fact_of(record.fact)
    except msgspec.DecodeError:  # of a version that we do not know, which is why it is dead
        return Shelved(event=record.event, at=record.at, **told)
    return Shelved(event=record.event, type=fact.type, object=fact.object, attempt=fact.attempt, said=fact.said, at=record.at, **told)
