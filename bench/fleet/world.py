"""A fleet of sidecars in virtual time: for each a real `Limiter` on a real `Lane`, all on one store of real buckets.

Only what lies outside of a sidecar is made up: time, the requests, the network and the store's process. Clocks of sidecars are set at
random and run off by up to 50 ppm. The store answers at once however much is asked of it: it is taken to have head-room.
"""

import asyncio
import random
from array import array
from collections.abc import Awaitable, Coroutine, Sequence
from random import Random
from typing import Any, Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from bench.fleet.node import Node, Wire
from bench.fleet.timeline import Arrival, Timeline, VirtualLoop
from bench.fleet.trace import Ints, Trace
from ratelimit.core.decision import Decision
from ratelimit.core.identity import Caller
from ratelimit.core.policy import Policy
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.limiter import Limiter
from ratelimit.service.meter import Meter
from ratelimit.service.recent import Recent
from ratelimit.stores.lane import Counts, Lane

DEADLINE_S: Final = 0.01
_DRIFT_PPM: Final = 50
_RECENT: Final = 16  # refusals kept by each sidecar: nobody looks them up here, and there are many sidecars
_LAST_S: Final = 0.1  # after the last request, for what is still under way
_KEYS: Final = StoreKeys(b"simulated key of thirty-two byte")


class Setup(NamedTuple):
    """What a world is made of. `callers` by key; `round_trip_us` is the mean."""

    policy: Policy
    callers: Sequence[Caller]
    cost: int = 1
    round_trip_us: int = 300
    seed: int = 0


class History(NamedTuple):
    """What became of a trace, request by request, and what the store was asked.

    `counts_at` is when an admission counts: the instant at which the store charged it or a leased slot was spent; exact where a request
    meets one limit. `decided_at` is when the answer was there.
    """

    admitted: NDArray[np.bool_]
    counts_at: Ints
    decided_at: Ints
    asked_at: Ints
    asked_key: Ints  # which of `buckets`
    buckets: list[str]
    pipelines: int
    calls: int
    kept: Ints  # which of `buckets` the store holds at the end
    leased: Ints  # which of them is leased at the end, once for each sidecar that holds a lease
    unanswered: int


class _Sidecar:
    """A sidecar without its lanes of HTTP."""

    def __init__(self, setup: Setup, node: Node, timeline: Timeline, chance: Random) -> None:
        self.wire = Wire(node, timeline, chance, setup.round_trip_us)
        offset, rate = chance.randrange(10**12), 1_000_000 + chance.randint(-_DRIFT_PPM, _DRIFT_PPM)

        def clock() -> int:
            return offset + timeline.now * rate // 1_000_000

        self.lane = Lane("simulated", cast("Any", self.wire), clock, DEADLINE_S)
        self.lane.away = False  # as `open` would say, were there anything to wait for
        self.limiter = Limiter(setup.policy, self.lane, _KEYS, clock)
        self.limiter.answers.recent = Recent(_RECENT)


class World:
    """Runs one trace."""

    def __init__(self, setup: Setup, trace: Trace) -> None:
        self._setup, self._trace = setup, trace
        self._timeline = Timeline()
        self._node = Node(self._timeline)
        self._chance = Random(setup.seed)
        self._sidecars: dict[int, _Sidecar] = {}
        self._names = _bucket_names(setup) if len(setup.policy.limits) == 1 else []
        self._admitted = bytearray(len(trace))
        self._counts_at = array("q", bytes(8 * len(trace)))
        self._decided_at = array("q", bytes(8 * len(trace)))
        self._unanswered = len(trace)
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self) -> History:
        """To the end of the trace, and until every answer is there."""
        before = random.getstate()
        random.seed(self._setup.seed)  # a limiter takes its chance from there
        try:
            with asyncio.Runner(loop_factory=lambda: VirtualLoop(self._timeline)) as runner:
                return runner.run(self._live())
        finally:
            random.setstate(before)

    async def _live(self) -> History:
        trace = self._trace
        self._timeline.offer(zip(trace.at.tolist(), range(len(trace)), trace.sidecar.tolist(), trace.key.tolist(), strict=True), self._meet)
        await asyncio.sleep(trace.end_us / 1e6)
        leased = [meter.key for one in self._sidecars.values() for meter in _meters(one.limiter) if meter.share.hand is not None]
        kept = self._node.kept()
        await asyncio.sleep(_LAST_S)
        for task in self._tasks:
            task.cancel()
        return self._history(kept, leased)

    def _meet(self, arrival: Arrival) -> None:
        _, number, who, key = arrival
        sidecar = self._sidecars.get(who) or self._start(who)
        found = sidecar.limiter.check(self._setup.callers[key], "GET", "/", self._setup.cost)
        if isinstance(found, Decision):
            self._decided(number, self._timeline.now, found)
        else:
            self._spawn(self._wait_for(found, number, sidecar, key))

    def _start(self, who: int) -> _Sidecar:
        sidecar = self._sidecars[who] = _Sidecar(self._setup, self._node, self._timeline, self._chance)
        self._spawn(sidecar.limiter.run())
        return sidecar

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _wait_for(self, found: Awaitable[Decision], number: int, sidecar: _Sidecar, key: int) -> None:
        decision = await found
        counts_at = self._timeline.now
        if self._names:  # whoever was charged is told first, those who are served from the lease after them
            executed, charged = sidecar.wire.charged.get(self._names[key], (0, 0))
            if charged and decision.decision == "allow":
                sidecar.wire.charged[self._names[key]] = executed, charged - 1
                counts_at = executed
        self._decided(number, counts_at, decision)

    def _decided(self, number: int, counts_at: int, decision: Decision) -> None:
        self._unanswered -= 1
        self._admitted[number] = decision.decision == "allow"
        self._counts_at[number] = counts_at
        self._decided_at[number] = self._timeline.now

    def _history(self, kept: list[str], leased: list[str]) -> History:
        numbers: dict[str, int] = {name: number for number, name in enumerate(self._names)}
        asked = [(at, numbers.setdefault(key, len(numbers))) for at, key in self._node.asked]
        columns = np.array(asked, np.int64).reshape(-1, 2)
        counts: list[Counts] = [one.lane.counts for one in self._sidecars.values()]
        return History(
            np.frombuffer(bytes(self._admitted), np.bool_),
            np.array(self._counts_at, np.int64),
            np.array(self._decided_at, np.int64),
            columns[:, 0],
            columns[:, 1],
            list(numbers),
            sum(count.pipelines for count in counts),
            sum(count.calls for count in counts),
            np.array([numbers[key] for key in kept], np.int64),
            np.array([numbers[key] for key in leased], np.int64),
            self._unanswered,
        )


def _meters(limiter: Limiter) -> list[Meter]:
    return [meter for shelf in limiter.shelves for meter in shelf.meters()]


def _bucket_names(setup: Setup) -> list[str]:
    (limit,) = setup.policy.limits
    return [_KEYS.name(limit, str(caller.api_key)) for caller in setup.callers]
