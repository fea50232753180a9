"""Works on the facts of the inbox: finds the purchase of each, writes it into the book, and tells everybody whom it concerns.

At least once: a fact leaves the inbox when everything was done, and every effect is one that changes nothing when it is done again. What is
told follows from *all* facts of a purchase (core/stripe_fact), so their order does not matter, and workers of several processes need not
agree on anything: after its effects a worker looks whether another has written meanwhile, and if so tells what follows from that as well.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import reduce
from typing import Any, Final, NamedTuple
from uuid import uuid4

import msgspec
import structlog
from msgspec.structs import replace

from ratelimit.core import stripe_inbox
from ratelimit.core.call import Call
from ratelimit.core.protocols import Store
from ratelimit.core.purchase_entry import Fact, PurchaseEntry, read, reading, writing
from ratelimit.core.store_key import BOOK, StoreKeys
from ratelimit.core.stripe_fact import is_certain, with_fact
from ratelimit.core.stripe_inbox import State, Taken
from ratelimit.service.ask import StoreAwayError, ask
from ratelimit.service.stripe_effects import StripeEffects
from ratelimit.service.stripe_inbox import StripeInbox

_AT_ONCE: Final = 64
_IDLE_MS: Final = 30_000  # after which what another worker took is taken over
_POLL_S: Final = 1.0  # for what came in through another process
_LOOK_EVERY_S: Final = 5.0
_MOST_TIMES: Final = 5  # that a fact is tried before it is dead
_MOST_LOOKS: Final = 4  # at one that does not say which attempt it is about, some two minutes; then the latest is taken
_MOST_WRITES: Final = 16  # at an entry that others write, too

_log = structlog.get_logger()


class _Work(NamedTuple):
    """A fact that was taken, and what it says."""

    taken: Taken
    fact: Fact


class StripeWorker:
    """One worker; any number may work on one store."""

    def __init__(self, store: Store, keys: StoreKeys, inbox: StripeInbox, effects: StripeEffects, wall: Callable[[], float]) -> None:
        self.state = State(0, 0.0, 0, 0)  # as it was last looked at
        self._store, self._inbox, self._effects, self._wall = store, inbox, effects, wall
        self._book = keys.namer_of(BOOK)
        self._name = uuid4().hex[:12]
        self._look_at = 0.0

    @property
    def lag_s(self) -> float:
        """For how long the oldest fact is in the inbox."""
        return max(0.0, self._wall() - self.state.since) if self.state.inbox else 0.0

    async def run(self) -> None:
        """Work for ever."""
        while True:
            self._inbox.filled.clear()
            if not await self._turn():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._inbox.filled.wait(), _POLL_S)

    async def _turn(self) -> int:
        try:
            await self.look()
            return await self.work()
        except StoreAwayError:  # what was taken comes again
            await asyncio.sleep(_POLL_S)
            return 0

    async def work(self, idle_ms: int = _IDLE_MS) -> int:
        """Work on what is there, up to some number at once, and say how many that was; raises StoreAwayError."""
        (answer,) = await ask(self._store, [stripe_inbox.taking(self._name, idle_ms, _AT_ONCE)])
        works = [work for taken in stripe_inbox.taken(answer) if (work := await self._read(taken)) is not None]
        links = await self._ask([stripe_inbox.linking(stripe_inbox.links_of(work.fact)) for work in works])
        of_entry: dict[str, tuple[PurchaseEntry, list[_Work]]] = {}
        for work, known, entry in zip(works, links, await self._entries(works, links), strict=True):
            if entry is None:
                await self._park(work, stripe_inbox.links_of(work.fact) if not any(known) else [])
            else:
                of_entry.setdefault(entry.id, (entry, []))[1].append(work)
        await asyncio.gather(*(self._finish(entry, some) for entry, some in of_entry.values()))
        return len(answer)

    async def look(self) -> None:
        """Now and then, count, and look again at what waits for its purchase."""
        now = self._wall()
        if 0 <= now - (self._look_at - _LOOK_EVERY_S) < _LOOK_EVERY_S:
            return
        self._look_at = now + _LOOK_EVERY_S
        (_, dropped), counted = await ask(self._store, [stripe_inbox.looking(now), stripe_inbox.asking_state(now)])
        self._inbox.counts["dropped"] += dropped
        self.state = stripe_inbox.state(counted)

    async def _read(self, taken: Taken) -> _Work | None:
        try:
            return _Work(taken, stripe_inbox.fact_of(taken.packed))
        except msgspec.DecodeError as error:  # of a version that we do not know
            await self._bury(taken, f"cannot be read: {error}")
            return None

    async def _entries(self, works: list[_Work], links: list[list[bytes]]) -> list[PurchaseEntry | None]:
        """The purchase of each: the one it names, the one that another fact named, or the one that is called like its intent."""
        wanted = [_candidates(work.fact, found) for work, found in zip(works, links, strict=True)]
        distinct = sorted({name for names in wanted for name in names})
        states = await self._ask([reading(self._book(name)) for name in distinct])
        entries = {name: read(name, state) for name, (_, state) in zip(distinct, states, strict=True)}
        return [next((entries[name] for name in names if entries[name].attempts), None) for names in wanted]

    async def _finish(self, entry: PurchaseEntry, works: list[_Work]) -> None:
        """Do all that follows from some facts of one purchase, then let them go."""
        try:
            certain = await self._tell(entry, works)
            await self._ask([stripe_inbox.settling(work.taken.entry, entry.id, work.fact) for work in certain])
        except StoreAwayError:
            raise
        except Exception as error:  # a bug with one purchase must not keep the others waiting
            _log.exception("a fact of Stripe could not be worked on, which is our bug", events=[work.fact.event for work in works])
            for work in works:
                if work.taken.times >= _MOST_TIMES:
                    await self._bury(work.taken, f"{type(error).__name__}: {error}")
        else:
            self._inbox.counts["worked"] += len(certain)

    async def _tell(self, entry: PurchaseEntry, works: list[_Work]) -> list[_Work]:
        """Write facts into the book and tell what follows. Those of which it is not certain which attempt they are about wait a while."""
        key = self._book(entry.id)
        certain = _certain(entry, works)
        for work in works:
            if work not in certain:
                await self._park(work, [])
        facts = [work.fact for work in certain]
        told = -1
        while facts and told != entry.version:
            entry = await self._write(key, entry, facts)
            if told != entry.version:
                await self._effects.tell(entry, {fact.object for fact in facts})
                told, entry = entry.version, await self._entry(entry.id, key)
        return certain

    async def _write(self, key: str, entry: PurchaseEntry, facts: list[Fact]) -> PurchaseEntry:
        """The entry with the facts, as it is in the book then; others write it, too."""
        for _ in range(_MOST_WRITES):
            updated = reduce(with_fact, facts, entry)
            if updated is entry:
                return entry
            ((written, state),) = await self._ask([writing(key, updated)])
            if written:
                return replace(updated, version=entry.version + 1)
            entry = read(entry.id, state)
        raise RuntimeError("others write this purchase's entry without end")

    async def _park(self, work: _Work, links: list[str]) -> None:
        (parked,) = await self._ask([stripe_inbox.parking(work.taken, work.fact, links, self._wall())])
        self._inbox.counts["parked"] += parked  # not: one of the links became known just now, and it is in the inbox again

    async def _bury(self, taken: Taken, why: str) -> None:
        await self._ask([stripe_inbox.burying(taken, why[:300], self._wall())])
        self._inbox.counts["dead"] += 1

    async def _entry(self, purchase: str, key: str) -> PurchaseEntry:
        ((_, state),) = await self._ask([reading(key)])
        return read(purchase, state)

    async def _ask(self, calls: list[Call]) -> list[Any]:
        return await ask(self._store, calls) if calls else []


def _candidates(fact: Fact, links: Iterable[bytes]) -> list[str]:
    """Where to look for the purchase of a fact, the surest first."""
    named = [fact.said.get("purchase"), *(link.decode() for link in links), fact.said.get("intent")]
    return [str(name) for name in named if name]


def _certain(entry: PurchaseEntry, works: list[_Work]) -> list[_Work]:
    """Those facts that no other can put elsewhere, and those that have waited for one long enough."""
    all_known = reduce(with_fact, [work.fact for work in works], entry)
    return [work for work in works if work.taken.looks >= _MOST_LOOKS or is_certain(all_known, work.fact)]
