"""How many buckets a second `acquire.lua` serves on one core: the very calls that the product sends, 64 buckets each, in pipelines; and one
bucket a call, as on a cluster, many in a pipeline or each in one of its own.

Two connections take turns, so that the store always has work. The rate is per second of the store's own CPU time, which others on the
machine cannot distort; the rate by the clock is in the note.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import uvloop

from bench.plan import CannotMeasure, Plan
from bench.row import Row, at_least
from bench.store import Store, ask_info, cpu_s, valkey
from ratelimit.core.bucket import Acquire, Grant, Terms
from ratelimit.stores.frame import KEYS_PER_CALL, Entry, command, read
from ratelimit.stores.link import Command, Link

GROUP: Final = "acquire.lua"
COLD: Final = Terms(capacity=40, num=1, per=100_000)  # 10/s
LARGE: Final = Terms(capacity=1_000_000, num=1, per=1)  # 1,000,000/s
_NEED: Final = Acquire(needs=(1,))
_EXTRA: Final = 10
_BUDGET: Final = at_least(120_000)


@dataclass(eq=False, slots=True)
class Bucket:
    """One who asks, without a limiter behind: only what a call is made of."""

    key: str
    terms: Terms

    def answered(self, call: Acquire, grant: Grant) -> Acquire:
        """The next call: it settles what this one brought as spent."""
        return call._replace(settle=grant.leased, settle_id=grant.id)


Pipeline = list[list[Entry]]


class Packing(NamedTuple):
    """How buckets are put together."""

    calls: int  # in one pipeline
    keys: int  # in one call

    def __str__(self) -> str:
        return f"{self.keys} per call" + ("" if self.keys > 1 else f", {self.calls} per pipeline")


FULL: Final = Packing(16, KEYS_PER_CALL)


class Speed(NamedTuple):
    """Buckets per second, by the store's CPU time and by the clock."""

    by_cpu: float
    by_clock: float


def script(plan: Plan) -> Iterator[Row]:
    """Buckets that are new with each call, buckets that are asked again and again, and the same with a lease in each call."""
    rounds = plan.pick(3, 2)
    speeds: dict[str, list[Speed]] = {}
    with valkey(plan, "script-data") as store:
        for number in range(rounds):
            for (kind, packing), measure in _KINDS.items():
                name = f"{kind}, {packing}"
                plan.say(f"acquire.lua, round {number + 1} of {rounds}: {name}")
                speeds.setdefault(name, []).append(uvloop.run(_timed(store, measure, packing, plan.pick(2.0, 1.0))))
    for name, found in speeds.items():
        clock = sorted(speed.by_clock for speed in found)
        note = f"by the clock {clock[0]:,.0f}-{clock[-1]:,.0f}/s"
        values = tuple(speed.by_cpu for speed in found)
        budget = _BUDGET if name.endswith(str(FULL)) else None
        yield Row(group=GROUP, name=name, unit="/s of store CPU", values=values, budget=budget, note=note)


Measure = Callable[[Link, "count[int]", Packing, float], Any]


async def _timed(store: Store, measure: Measure, packing: Packing, seconds: float) -> Speed:
    links = [Link(store.url), Link(store.url)]
    for link in links:
        await link.open()
    await links[0].exchange([("FLUSHALL",)])
    cpu, clock, numbers = cpu_s(store.socket), time.perf_counter(), count(1)
    buckets = sum(await asyncio.gather(*(measure(link, numbers, packing, seconds) for link in links)))
    speed = Speed(buckets / (cpu_s(store.socket) - cpu), buckets / (time.perf_counter() - clock))
    for link in links:
        await link.close()
    return speed


async def _cold(link: Link, numbers: "count[int]", packing: Packing, seconds: float) -> int:
    """New buckets each time, charged with what they were asked for."""
    buckets, until = 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        pipeline = new_pipeline(numbers, COLD, _NEED, packing)
        await exchange(link, [command(frame) for frame in pipeline])
        buckets += packing.calls * packing.keys
    return buckets


async def _hot(link: Link, numbers: "count[int]", packing: Packing, seconds: float) -> int:
    """The same 64 buckets in each call."""
    frame = new_pipeline(numbers, LARGE, _NEED, packing)[0]
    commands = [command(frame)] * packing.calls
    buckets, until = 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        await exchange(link, commands)
        buckets += packing.calls * packing.keys
    return buckets


async def _leased(link: Link, numbers: "count[int]", packing: Packing, seconds: float) -> int:
    """Each call settles a bucket's last lease and takes the next."""
    pipeline = new_pipeline(numbers, LARGE, _NEED._replace(extra=_EXTRA), packing)
    buckets, until, leased = 0, time.perf_counter() + seconds, 0
    while time.perf_counter() < until:
        replies = await exchange(link, [command(frame) for frame in pipeline])
        pipeline = [
            [_next(entry, answer) for entry, answer in zip(frame, reply, strict=True)]
            for frame, reply in zip(pipeline, replies, strict=True)
        ]
        leased += replies[0][0][0]
        buckets += packing.calls * packing.keys
    if not leased:
        raise CannotMeasure("acquire.lua leased nothing, so this would not have measured leases")
    return buckets


_LEASED: Final = "hot, with a lease and a settlement"
_KINDS: Final[dict[tuple[str, Packing], Measure]] = {
    ("cold", FULL): _cold,
    ("hot", FULL): _hot,
    (_LEASED, FULL): _leased,
    (_LEASED, Packing(64, 1)): _leased,
    (_LEASED, Packing(1, 1)): _leased,
}


def new_pipeline(numbers: "count[int]", terms: Terms, call: Acquire, packing: Packing = FULL) -> Pipeline:
    """Calls on buckets that nobody has asked for yet."""
    return [[_entry(next(numbers), terms, call) for _ in range(packing.keys)] for _ in range(packing.calls)]


def _entry(number: int, terms: Terms, call: Acquire) -> Entry:
    return Entry(cast("Any", Bucket(f"rl1:b:{number:022d}", terms)), call)


def _next(entry: Entry, answer: list[int]) -> Entry:
    bucket = cast("Bucket", entry.asking)
    return entry._replace(call=bucket.answered(entry.call, read(entry, answer)))


async def exchange(link: Link, commands: Sequence[Command]) -> list[Any]:
    """Send and read; raises the first error that the store answered."""
    replies = await link.exchange(commands)
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


def used_memory(socket: Path) -> int:
    """Bytes that the store has allocated."""
    return int(ask_info(socket, "memory")["used_memory"])
