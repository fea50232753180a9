"""One who asks a bucket once and writes down what becomes of it."""

import asyncio
import time
from collections.abc import Callable
from uuid import uuid4

from ratelimit.core.bucket import Acquire, Grant, Terms
from ratelimit.core.quota_counter import QuotaCall, QuotaGrant
from ratelimit.core.units import Refill

TERMS = Terms(1_000, *Refill.parse("1/h"))
PATIENCE_S = 5.0  # of a lane whose store is well: a slow machine is no store that is away


def clock() -> int:
    return time.monotonic_ns() // 1_000


async def until(is_so: Callable[[], object]) -> None:
    """Let the loop turn until something has come about, in this process or in another."""
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110  other processes set no event
            await asyncio.sleep(0.002)


class Asker:
    """Asks for one need; `told` is "answered", "overdue" or "unanswered", in the order it was told."""

    def __init__(self, need: int = 1, key: str = "") -> None:
        self.terms = TERMS
        self.key = key or f"rl1:b:{uuid4()}"
        self.need = need
        self.told: list[str] = []
        self.grants: list[Grant] = []
        self.composed = 0
        self._event = asyncio.Event()

    def compose(self, _now_us: int) -> Acquire | None:
        if self.composed:
            return None
        self.composed += 1
        return Acquire((self.need,))

    def answered(self, _call: Acquire, grant: Grant, sent_us: int, now_us: int) -> None:
        assert sent_us <= now_us
        self.grants.append(grant)
        self._tell("answered")

    def overdue(self) -> None:
        self._tell("overdue")

    def unanswered(self, call: Acquire | None, _now_us: int) -> None:
        self._tell("unanswered" if call is not None else "not sent")

    async def until(self, word: str) -> None:
        """Wait to be told so."""
        while word not in self.told:
            self._event.clear()
            await asyncio.wait_for(self._event.wait(), 20)

    def _tell(self, word: str) -> None:
        self.told.append(word)
        self._event.set()


class QuotaAsker:
    """The same for a quota, which has no terms."""

    def __init__(self, need: int = 1, key: str = "") -> None:
        self.terms = None
        self.key = key or f"rl1:q:{uuid4()}"
        self.need = need
        self.told: list[str] = []

    def compose(self, _now_us: int) -> QuotaCall | None:
        return None if self.told else QuotaCall(1_000, (0, 0, 1 << 52, 1 << 52), 1, (self.need,))

    def answered(self, _call: QuotaCall, _grant: QuotaGrant, _sent_us: int, _now_us: int) -> None:
        self.told.append("answered")

    def overdue(self) -> None:
        self.told.append("overdue")

    def unanswered(self, _call: QuotaCall | None, _now_us: int) -> None:
        self.told.append("unanswered")
