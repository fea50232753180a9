"""A process's side of the stream to the ledger: what is told is kept in memory for a moment and goes out in batches.

Telling is an append to a list, so it may stand where every microsecond counts; messages are made and packed later. Nothing waits here for
the ledger or the store: while these cannot take what is told it is kept, up to a bound, and then dropped and counted.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from secrets import token_hex
from typing import Any, Final

import structlog
from msgspec import Struct

from ratelimit.core.message import Message, packed, packed_one
from ratelimit.core.protocols import Store
from ratelimit.core.record_stream import putting
from ratelimit.service.ask import StoreAwayError, ask

FLUSH_S: Final = 0.2
MOST_WAITING: Final = 20_000  # some 20 MB
AT_ONCE: Final = 250  # messages in a batch: some milliseconds of this process
MOST_BYTES: Final = 128 * 1_024  # after which a batch is closed
_A_TURN: Final = 32  # messages that are packed in one turn of the loop: some 0.3 ms
_MOST_TRIES: Final = 5 * 60  # to send one batch, some minutes

_log = structlog.get_logger()

Make = Callable[[Any], Message]


class _Batch(Struct, frozen=True):
    """Some messages on their way. Its id stays when it is sent again, so that it counts once."""

    id: str
    count: int
    packed: bytes


class Recorder:
    """One of each process. `wall` is seconds since the epoch. `counts` are of messages: sent, full, away or broken."""

    def __init__(self, store: Store, wall: Callable[[], float], most: int = MOST_WAITING) -> None:
        self.counts: Final = Counter[str]()
        self._store, self._wall, self._most = store, wall, most
        self._waiting = deque[tuple[Make | None, Any]]()
        self._instance, self._count = token_hex(6), 0
        self._packed: list[bytes] = []  # of the next batch
        self._batch: _Batch | None = None
        self._turn = asyncio.Lock()
        self._tries = 0

    def put(self, message: Message) -> None:
        """Tell it."""
        self.later(None, message)

    def later(self, make: Make | None, what: Any) -> None:
        """Tell what `make` will make of this."""
        if len(self._waiting) < self._most:
            self._waiting.append((make, what))
        else:
            self.counts["full"] += 1

    @property
    def waiting(self) -> int:
        """How many messages have not been sent yet."""
        return len(self._waiting) + len(self._packed) + (self._batch.count if self._batch is not None else 0)

    async def run(self) -> None:
        """Send for ever."""
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> bool:
        """Send what is there; False: the store did not take it, and it waits on."""
        async with self._turn:
            while self._batch is not None or self._packed or self._waiting:
                if self._batch is None:
                    await self._make_batch()
                elif not await self._send(self._batch):
                    return False
            return True

    async def finish(self) -> None:
        """At the end: send what is left, once; what cannot be sent is lost."""
        if not await self.flush():
            _log.warning("messages to the ledger are lost, since the store is away", messages=self.waiting)
            self.counts["away"] += self.waiting

    async def _make_batch(self) -> None:
        """Pack the next messages, some in each turn of the loop: no decision waits for all of them."""
        room = MOST_BYTES - sum(map(len, self._packed))
        while self._waiting and len(self._packed) < AT_ONCE and room > 0:
            if (one := self._pack(*self._waiting.popleft())) is not None:
                self._packed.append(one)
                room -= len(one)
                if len(self._packed) % _A_TURN == 0:
                    await asyncio.sleep(0)
        if self._packed:
            self._count += 1
            self._batch = _Batch(f"{self._instance}-{self._count:x}", len(self._packed), packed(self._packed))
            self._packed = []

    def _pack(self, make: Make | None, what: Any) -> bytes | None:
        try:
            return packed_one(what if make is None else make(what))
        except Exception:  # a bug, which must not stop the others
            self.counts["broken"] += 1
            _log.exception("a message to the ledger could not be made, which is our bug")
            return None

    async def _send(self, batch: _Batch) -> bool:
        try:
            (stored,) = await ask(self._store, [self._call(batch)])
        except StoreAwayError:
            self._tries += 1
            if self._tries >= _MOST_TRIES:
                self._let_go("away")
            return False
        self._let_go("sent" if stored else "full")
        return True

    def _call(self, batch: _Batch) -> Any:
        return putting(batch.id, batch.count, batch.packed, self._wall())

    def _let_go(self, how: str) -> None:
        assert self._batch is not None, "one was under way"  # noqa: S101
        self.counts[how] += self._batch.count
        self._batch, self._tries = None, 0
