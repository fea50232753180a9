"""A log's requests through limits and signals, in the log's own time: the signals are those of the serving path, on a real store.

Entries of one second are decided together, then the second turns, as it does when we serve. How a request was answered is told `lag_s`
later, since live it becomes known later too. With `exact` each second's risks are there before the next is decided; without, the store is
kept busy and risks may come some hundred profiles later, which changes no profile and no risk, only when it is known.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from math import inf
from typing import Final

from ratelimit.core.identity import Caller
from ratelimit.core.log_entry import REQUEST, Entry
from ratelimit.core.units import US_PER_S
from ratelimit.core.usage_event import Told, answered, lived
from ratelimit.service.replay import Replay
from ratelimit.service.usage import BATCH, Usage

LONGEST_LAG_S: Final = 10
_A_SECOND: Final = 16  # batches, as when we serve
_UNDER_WAY: Final = 512  # merges that may be under way while the log is read on
_A_LOOK: Final = 64  # entries after which the store is heard, so that it works while we do
_LONG: Final = 1_024  # entries of one second; a pipeline under way meanwhile would look as if the store were silent


class History:
    """One run; it is the replay's observer."""

    def __init__(self, usage: Usage, *, lag_s: int = 1, exact: bool = False) -> None:
        self.usage = usage
        self._lag_s, self._most = min(lag_s, LONGEST_LAG_S), 0 if exact else _UNDER_WAY
        self._told: deque[tuple[int, Told]] = deque()
        self._back = asyncio.Event()  # a merge came back
        usage.outbox.after = self._back.set

    async def run(self, replay: Replay, entries: Iterable[Entry]) -> None:
        """Put every entry through; the replay was made with this as its observer."""
        second: list[Entry] = []
        unheard = 0
        for entry in entries:
            tick = entry.time_us // US_PER_S
            if tick > self.usage.tick:
                unheard += len(second)
                await self._decide(replay, second)
                second = []
                self._advance(tick)
                if self.usage.outbox.under_way > self._most or len(self.usage.scoring) > BATCH:
                    await self._drain(self._most)
                elif unheard >= _A_LOOK:
                    unheard = 0
                    await asyncio.sleep(0)
            second.append(entry)
        await self._decide(replay, second)
        await self._drain(0)
        while (due := self._due) < inf:
            self._jump(int(due))
            await self._drain(0)

    def see(self, now_us: int, entry: Entry, caller: Caller, refusal: object | None) -> None:  # noqa: ARG002  (the time is the observer's)
        """An entry was decided, or tells of an account's life."""
        usage = self.usage
        if entry.kind != REQUEST:
            told = lived(caller, entry.kind)
            if told is not None:
                usage.tell(told)
            return
        usage.note(caller, entry.path, entry.user_agent, entry.cost, passed=refusal is None)
        if entry.status and refusal is None:
            self._told.append((usage.tick + self._lag_s, answered(caller, entry.status, entry.bytes)))

    async def _decide(self, replay: Replay, second: list[Entry]) -> None:
        if len(second) >= _LONG:
            await self._drain(0)
        replay.run(second)

    def _advance(self, tick: int) -> None:
        """Let every second turn in which there is something to do, and then the one of that tick."""
        while (due := self._due) < tick:
            self._jump(int(due))
        self._jump(tick)

    @property
    def _due(self) -> float:
        """The next second in which there is something to do; inf: there is none."""
        return min(max(self._told[0][0], self.usage.tick + 1), self.usage.due) if self._told else self.usage.due

    def _jump(self, tick: int) -> None:
        """Turn the second of that tick; there is nothing to do in those before it."""
        self.usage.tick = tick - 1
        self._turn(tick)

    def _turn(self, tick: int) -> None:
        usage = self.usage
        for _ in usage.turn(tick):
            pass
        while self._told and self._told[0][0] <= tick:
            usage.tell(self._told.popleft()[1])
        for _ in range(_A_SECOND):
            if not usage.flush():
                break

    async def _drain(self, most: int) -> None:
        """Wait until no more merges than `most` are under way, and score what has come back."""
        usage = self.usage
        while usage.outbox.under_way > most or len(usage.scoring):
            if not usage.score():
                self._back.clear()
                await self._back.wait()
