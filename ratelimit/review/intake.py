"""Brings what is in the stream into the ledger, for ever: takes batches, writes them, lets them go.

At least once: a batch leaves the stream after it is written, and one that comes again is known by its id. Any number of desks share the
work; what one took and did not finish another takes over after 15 s. While the ledger is away all stays where it is.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

import structlog

from ratelimit.core import record_stream
from ratelimit.core.message import Bought, Broken, Concluded, Counted, Decided, Lived, Replied, unpacked
from ratelimit.core.protocols import Store
from ratelimit.core.record_stream import Refused, State, Taken
from ratelimit.ledger.intake import Batch, Handler, Intake
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.purchase_intake import Keep, PurchaseIntake
from ratelimit.ledger.record_intake import RecordIntake, take_counts
from ratelimit.ledger.reply_intake import ReplyIntake
from ratelimit.ledger.subjects import Subjects
from ratelimit.review.label import LabelIntake
from ratelimit.service.ask import StoreAwayError, ask

AT_ONCE: Final = 2  # batches, of 250 messages at most: to write them takes some 100 ms, in which nobody else writes to SQLite
IDLE_MS: Final = 15_000  # after which what another consumer took is taken over; should both write it, the second finds it written
_POLL_S: Final = 0.25
_AWAY_S: Final = 1.0
_FINISH_S: Final = 3.0  # for what is under way at the end
_LOOK_EVERY_S: Final = 5.0
_MOST_TIMES: Final = 3  # that a batch is tried as a whole

_log = structlog.get_logger()


def intake_of(ledger: Ledger, subjects: Subjects, keep: Keep) -> Intake:
    """All that is written of records, purchases and lives; `keep` says which of OPTIONAL the owner has turned on."""
    purchases, replies = PurchaseIntake(subjects, keep), ReplyIntake()
    handlers: list[tuple[type, Handler]] = [
        (Decided, RecordIntake(subjects).take),
        (Decided, replies.take_decided),
        (Replied, replies.take_replied),
        (Bought, purchases.take_bought),
        (Concluded, purchases.take_concluded),
        (Concluded, LabelIntake(subjects).take),
        (Concluded, purchases.settle_concluded),
        (Lived, purchases.take_lived),
        (Counted, take_counts),
    ]
    return Intake(ledger, handlers)


class IntakeWorker:
    """One worker. `wall` is seconds since the epoch. `counts` are of messages: new, known or refused; `state` is the stream's."""

    def __init__(self, store: Store, intake: Intake, wall: Callable[[], float]) -> None:
        self.counts: Final = Counter[str]()
        self.state = State(0, 0, 0.0, 0)
        self.away = False  # whether the ledger could not be written to when it was last tried
        self._store, self._intake, self._wall = store, intake, wall
        self._working: asyncio.Task[int] | None = None
        self._name = uuid4().hex[:12]
        self._look_at = 0.0

    @property
    def lag_s(self) -> float:
        """For how long the oldest message waits."""
        return max(0.0, self._wall() - self.state.since) if self.state.messages else 0.0

    async def run(self) -> None:
        """Work for ever."""
        while True:
            try:
                await self.look()
                self._working = asyncio.create_task(self.work())
                pause = 0.0 if await asyncio.shield(self._working) else _POLL_S
            except (StoreAwayError, LedgerAwayError):
                pause = _AWAY_S
            await asyncio.sleep(pause)

    async def finish(self) -> None:
        """At the end, once `run` was cancelled: write what was taken, and what is still there as far as time allows."""
        with suppress(StoreAwayError, LedgerAwayError, TimeoutError):
            async with asyncio.timeout(_FINISH_S):
                if self._working is not None:
                    await asyncio.shield(self._working)
                while await self.work():
                    pass

    async def work(self, idle_ms: int = IDLE_MS) -> int:
        """Write some batches, and say how many; raises StoreAwayError and LedgerAwayError, and then they come again."""
        if self.away:
            await self._intake.reach()  # before more is taken: what was taken too often is written one by one, which is slow
        (answer,) = await self._ask(record_stream.taking(self._name, idle_ms, AT_ONCE))
        taken = record_stream.taken(answer)
        if not taken:
            return 0
        broken = await self._write([one for one in taken if one.times <= _MOST_TIMES])
        for one in taken:
            if one.times > _MOST_TIMES:
                broken += await self._write([one], apart=True)
        await self._ask(*(record_stream.refusing(one, self._wall()) for one in broken))
        await self._ask(record_stream.finishing([one.entry for one in taken]))
        self.counts["refused"] += len(broken)
        return len(taken)

    async def look(self) -> None:
        """Now and then, see how much waits."""
        now = self._wall()
        if 0 <= now - (self._look_at - _LOOK_EVERY_S) < _LOOK_EVERY_S:
            return
        self._look_at = now + _LOOK_EVERY_S
        (answer,) = await self._ask(record_stream.asking_state(now))
        self.state = record_stream.state(answer)

    async def refused(self, most: int) -> list[Refused]:
        """What was set aside, the latest first; raises StoreAwayError."""
        (answer,) = await self._ask(record_stream.listing(most))
        return record_stream.refused(answer)

    async def _write(self, taken: Sequence[Taken], *, apart: bool = False) -> list[Broken]:
        batches, broken = _read(taken)
        if not batches:
            return broken
        try:
            written = await (self._intake.write_apart if apart else self._intake.write)(batches, self._wall())
        except LedgerAwayError:
            self.away = True
            raise
        self.away = False
        self.counts["new"] += written.new
        self.counts["known"] += written.known
        if written.broken:
            _log.error(
                "messages cannot be written into the ledger and are set aside", messages=len(written.broken), why=written.broken[0].why
            )
        return [*broken, *written.broken]

    async def _ask(self, *calls: Any) -> list[Any]:
        return await ask(self._store, calls)


def _read(taken: Iterable[Taken]) -> tuple[list[Batch], list[Broken]]:
    batches: list[Batch] = []
    broken: list[Broken] = []
    for one in taken:
        messages, bad = unpacked(one.packed)
        batches.append(Batch(one.batch, messages))
        broken += bad
    return batches, broken
