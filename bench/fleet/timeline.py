"""Virtual time: an event loop that never waits. Where it would sleep for a timer, the clock is moved to it; requests come on the way.

What runs on it is ordinary asyncio: the product's own tasks, timers and timeouts. Nothing here reads a clock. Times are whole microseconds
since the beginning of the world.
"""

import asyncio
from collections.abc import Callable, Iterator
from selectors import SelectorKey, SelectSelector

Arrival = tuple[int, int, int, int]  # instant, number of the request, sidecar, key


class Timeline(SelectSelector):
    """The clock, and what the loop does in place of waiting for sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self._arrivals: Iterator[Arrival] = iter(())
        self._next: Arrival | None = None
        self._meet: Callable[[Arrival], None] = lambda _: None

    def offer(self, arrivals: Iterator[Arrival], meet: Callable[[Arrival], None]) -> None:
        """Have `meet` called at the instant of each arrival; they come in order of time."""
        self._arrivals, self._meet = arrivals, meet
        self._next = next(arrivals, None)

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Move on to the next timer, or to one arrival before it; the loop turns once after each."""
        if timeout is not None and timeout <= 0:  # somebody is ready to run at this very instant
            return []
        until = None if timeout is None else self.now + max(1, round(timeout * 1e6))
        arrival = self._next
        if arrival is not None and (until is None or arrival[0] <= until):
            self.now = max(self.now, arrival[0])
            self._next = next(self._arrivals, None)
            self._meet(arrival)
        elif until is not None:
            self.now = until
        else:
            raise RuntimeError("nothing is left that could ever happen")
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on a timeline."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        super().__init__(timeline)

    def time(self) -> float:
        """Seconds since the beginning of the world."""
        return self._timeline.now / 1e6
