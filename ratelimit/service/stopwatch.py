"""Takes the time of some decisions: of the next one after each sweep of leases, which are some forty a second at most.

Whoever decides does not know of it: for the one decision the stopwatch stands where the limiter decides, and steps aside at once. So a
decision that nobody times costs nothing more. Times are microseconds.
"""

import time
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Any, Final

from ratelimit.core.decision import Decision

MOST: Final = 1_000  # times that are kept until somebody asks

_Decide = Callable[..., Decision | Awaitable[Decision]]


class Stopwatch:
    """`clock_ns` never goes back. What is taken is the whole of a decision, with the wait for the store."""

    def __init__(self, clock_ns: Callable[[], int] = time.perf_counter_ns) -> None:
        self._clock_ns = clock_ns
        self._taken: list[int] = []

    def on(self, decide: _Decide, step_aside: Callable[[], None]) -> _Decide:
        """Decides as `decide` does, and takes the time; calls `step_aside` first."""

        def timed(*asked: Any) -> Decision | Awaitable[Decision]:
            step_aside()
            began = self._clock_ns()
            decision = decide(*asked)
            if not isinstance(decision, Decision):
                return self._later(decision, began)
            self._take(began)
            return decision

        return timed

    def p99_us(self) -> float | None:
        """Of what was taken since the last time this was asked; None: nothing was."""
        taken, self._taken = sorted(self._taken), []
        return taken[ceil(0.99 * len(taken)) - 1] / 1_000 if taken else None

    async def _later(self, waiting: Awaitable[Decision], began: int) -> Decision:
        decision = await waiting
        self._take(began)
        return decision

    def _take(self, began: int) -> None:
        if len(self._taken) < MOST:
            self._taken.append(self._clock_ns() - began)
