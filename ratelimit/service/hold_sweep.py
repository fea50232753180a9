"""Tells the site how holds change, and takes away what has ended. One process for each `serve` does it; several do no harm.

That a hold lapses needs nobody's doing: every sidecar goes by the time. Here it is only said. A word goes when all that is to be told of
its holds is in the queue, so that nothing is lost when this process ends; what is told twice has the same id, and the queue knows it.
"""

import asyncio
import heapq
from collections.abc import Callable
from typing import Final

from ratelimit.core.hold import lapsed, next_lapse, over_at, stands
from ratelimit.core.standing import HeldAccount, Hold, Standing
from ratelimit.core.webhook import Message, message_of
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.hold_counter import HoldCounter
from ratelimit.service.holds import with_holds
from ratelimit.service.standings import Standings
from ratelimit.service.webhook_queue import WebhookQueue

LOOK_EVERY_S: Final = 0.5
CHANGED: Final = "hold.changed"


class HoldSweep:
    """Listens to `standings`; `queue` None: there is nobody to tell."""

    def __init__(self, standings: Standings, counter: HoldCounter, queue: WebhookQueue | None, wall: Callable[[], float]) -> None:
        self._standings, self._counter, self._queue, self._wall = standings, counter, queue, wall
        self._due: list[tuple[float, str]] = []  # a heap of words by when something ends
        self._told: dict[str, set[str]] = {}  # ids of messages, by word, that need not be told again
        self._untold: dict[str, Message] = {}
        standings.listeners.append(self.seen)

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.turn()
            await asyncio.sleep(LOOK_EVERY_S)

    async def turn(self) -> None:
        """Tell what has changed, and see to what has ended."""
        try:
            await self._tell()
            while self._due and self._due[0][0] <= self._wall():
                await self._see_to(heapq.heappop(self._due))
            await self._tell()
        except StoreAwayError:
            return

    async def _see_to(self, due: tuple[float, str]) -> None:
        try:
            await self._end(due[1])
        except StoreAwayError:
            heapq.heappush(self._due, due)
            raise

    async def _tell(self) -> None:
        for message in list(self._untold.values()):
            if self._queue is not None:
                await self._queue.add(message)
            del self._untold[message.id]

    async def _end(self, id: str) -> None:
        """First what has lapsed is said to be released; when that is told, and nothing would be held any more, the word goes."""
        word, now = self._standings.get(id), self._wall()
        if word is None or word.held is None:
            return
        if stands(word.held, now) or lapsed(word.held, now) != word.held:
            await self._standings.change(id, lambda it: with_holds(it, lapsed(it.held, now), now) if it and it.held else it)
            await self._tell()
            word = self._standings.get(id)
        if word is not None and word.held is not None and over_at(word.held) <= now:
            ended = word.held
            await self._counter.close(ended)
            await self._standings.change(id, lambda it: it if it is not None and it.held != ended else None)

    def seen(self, before: Standing | None, after: Standing | None) -> None:
        """A word has changed: note what is to be told, and when it is to be looked at."""
        now = self._wall()
        for word in (before, after):
            if word is not None and word.held is not None:
                told = self._told.setdefault(word.id, set())
                for hold in lapsed(word.held, now).holds if word is before else word.held.holds:
                    self._note(hold, told, now)
        if after is not None and after.held is not None:
            heapq.heappush(self._due, (_next(after.held, now), after.id))
        elif before is not None:
            self._told.pop(before.id, None)

    def _note(self, hold: Hold, told: set[str], now: float) -> None:
        message = _message(hold, now)
        if hold.held and message.id not in told:
            told.add(message.id)
            self._untold[message.id] = message


def _next(held: HeldAccount, now: float) -> float:
    return next_lapse(held, now) if stands(held, now) else max(now, over_at(held))


def _message(hold: Hold, now: float) -> Message:
    said = {
        "purchase": hold.purchase,
        "account": hold.account,
        "tokens": hold.tokens,
        "held": hold.held,
        "lapses_at": hold.lapses_at,
        "state": hold.state,
        "reason": hold.reason,
        "by": hold.by,
    }
    return message_of(CHANGED, now, said, hold.account, hold.purchase, hold.made_at, hold.state, hold.held, hold.lapses_at)
