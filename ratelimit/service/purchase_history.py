"""A log's purchases through the velocity engine, in the log's own time: the calls and rows are those of the serving path, on a real store.

Many attempts go out in one pipeline. The store executes it in order, so each sees all that was before it and nothing else: the rows are the
same, bit for bit, as those of purchases that come one by one. Events come in the order in which they became known.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

from ratelimit.core.address import parse_address
from ratelimit.core.call import Call
from ratelimit.core.protocols import Store
from ratelimit.core.purchase import Purchase
from ratelimit.core.purchase_entity import Entities
from ratelimit.core.purchase_entry import Attempt, attempt_of
from ratelimit.core.purchase_event import Bought, Ended, PurchaseEvent
from ratelimit.core.purchase_row import rows_of
from ratelimit.core.purchase_signals import Row
from ratelimit.service.ask import ask
from ratelimit.service.velocity import Velocity

BATCH: Final = 128  # events in one pipeline; while the store works on it the rows of the one before are made


class Judged(NamedTuple):
    """One attempt and its signals, by purchase_signals.NAMES."""

    at: float
    purchase: Purchase
    row: Row


class _Waiting(NamedTuple):
    """An attempt whose answers are those of the calls from `first` on, as many as it `asked`."""

    bought: Bought
    ip: bytes | None
    entities: Entities
    first: int
    asked: int


class PurchaseHistory:
    """One run on an empty store."""

    def __init__(self, store: Store, velocity: Velocity) -> None:
        self._store, self._velocity = store, velocity
        self._attempts: dict[tuple[str, int], Attempt] = {}

    async def rows(self, events: Iterable[PurchaseEvent], *, batch: int = BATCH) -> AsyncIterator[Judged]:
        """The attempts, in order, each with its row. An end or a label of an attempt that was never told is passed over.

        Nothing is under way while whoever asks works on what they were given, which may take long.
        """
        events = iter(events)
        waiting, answers = list[_Waiting](), list[bytes]()
        while some := list(islice(events, batch)):
            next_waiting, calls = self._composed(some)
            asked = asyncio.create_task(ask(self._store, calls))
            await asyncio.sleep(0)  # the calls go out
            found = self._judged(waiting, answers)
            waiting, answers = next_waiting, await asked
            for judged in found:
                yield judged
        for judged in self._judged(waiting, answers):
            yield judged

    def _composed(self, events: Iterable[PurchaseEvent]) -> tuple[list[_Waiting], list[Call]]:
        waiting, calls = list[_Waiting](), list[Call]()
        for event in events:
            if isinstance(event, Bought):
                waiting.append(self._bought(event, calls))
            elif (attempt := self._attempts.get((event.purchase_id, event.attempt))) is None:
                continue
            elif isinstance(event, Ended):
                calls += self._velocity.outcome(attempt, event.purchase_id, event.outcome, event.checks, event.at)
            else:
                calls += self._velocity.label(attempt, event.purchase_id, event.label, event.at)
        return waiting, calls

    def _bought(self, bought: Bought, calls: list[Call]) -> _Waiting:
        at, purchase = bought
        ip = parse_address(purchase.ip)
        entities = self._velocity.entities(purchase, ip)
        own = self._velocity.calls(purchase, entities, at)
        self._attempts[purchase.id, purchase.attempt] = attempt_of(purchase, entities, at, answer=b"")
        found = _Waiting(bought, ip, entities, len(calls), len(own))
        calls += own
        return found

    def _judged(self, waiting: Sequence[_Waiting], answers: Sequence[bytes]) -> list[Judged]:
        seen = [
            self._velocity.seen(purchase, entities, ip, at, answers[first : first + asked])
            for (at, purchase), ip, entities, first, asked in waiting
        ]
        rows = rows_of([one.bought.purchase for one in waiting], seen)
        return [Judged(*one.bought, row) for one, row in zip(waiting, rows, strict=True)]
