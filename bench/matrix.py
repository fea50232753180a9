"""Every server under every load, in rounds that are interleaved: A B C D A B C D ..., so that what slows the machine slows them all.

All servers are up the whole time; who is not asked is idle. A server that fails is out of the rest, with the reason; the others go on.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Literal, NamedTuple

import redis
from msgspec.structs import replace

from bench.callers import Callers
from bench.counters import Counters
from bench.load import MOST_PER_LOAD, Ask, Load, drive
from bench.plan import CannotMeasure, Plan
from bench.process import busy_us, cpu_us
from bench.server import Server
from bench.standing import Standing
from bench.store import cpu_s, reads

LoadName = Literal["hot", "zipf", "once", "refused"]
_COUNTED_S: Final = 1


class Cell(NamedTuple):
    """One load: who asks, over how many connections, how many rounds of how many seconds; `warm` rounds have a second before them."""

    load: LoadName
    callers: Callers
    connections: int
    rounds: int
    seconds: int
    warm: Literal["none", "first", "each"] = "none"


@dataclass(eq=False)
class Entrant:
    """A server that takes part, and how many loads it has had; `out` is why it is no longer measured."""

    server: Server
    loads: int = 0
    out: str | None = None

    def drive(self, plan: Plan, cell: Cell, seconds: int, *, looking: bool = False) -> Load:
        """A load whose callers begin where those of the last one ended."""
        first = self.loads * MOST_PER_LOAD
        self.loads += 1
        load = drive(plan, self.server, Ask(cell.callers, cell.connections, seconds, first, looking))
        if cell.load != "refused" and load.not_ok > load.requests / 100:
            raise CannotMeasure(f"{load.not_ok} of {load.requests} answers of {self.server.name} had a status of 400 or more")
        return load


class _Usage(NamedTuple):
    """What server and store have used so far, and how long their core has worked, for whomever."""

    at_us: float
    core_us: float
    cpu_us: float
    store_cpu_us: float
    store_reads: float

    @classmethod
    def of(cls, server: Server, plan: Plan) -> "_Usage":
        """As it stands now."""
        at_us, core_us = time.perf_counter() * 1e6, busy_us(plan.cores.server) if plan.cores else 0
        store = (cpu_s(server.store) * 1e6, reads(server.store)) if server.store else (0, 0)
        return cls(at_us, core_us, cpu_us(server.pid), *store)

    def since(self, before: "_Usage") -> "_Usage":
        """The difference."""
        return _Usage(*(now - then for now, then in zip(self, before, strict=True)))

    @property
    def others_busy(self) -> float:
        """The part of the core's time that neither of them used."""
        return max(0.0, self.core_us - self.cpu_us - self.store_cpu_us) / self.at_us


@dataclass(eq=False)
class _Rounds:
    """What one entrant did under one load."""

    entrant: Entrant
    before: Counters | None
    done: list[tuple[Load, _Usage]] = field(default_factory=list)
    counted: Load | None = None

    @property
    def refused(self) -> float | None:
        """The part that was refused: what is admitted per second does not depend on how much is asked, so it holds for all rounds."""
        if self.counted is None:
            return None
        return max(0.0, 1 - self.counted.admitted_per_s / median(load.rate for load, _ in self.done)) if self.counted.refused else 0.0

    def play(self, plan: Plan, cell: Cell) -> None:
        """One round."""
        if cell.warm == "each" or (cell.warm == "first" and not self.done):
            self.entrant.drive(plan, cell, 1)
        before = _Usage.of(self.entrant.server, plan)
        load = self.entrant.drive(plan, cell, cell.seconds)
        self.done.append((load, _Usage.of(self.entrant.server, plan).since(before)))

    def standing(self, plan: Plan, cell: Cell) -> Standing:
        """All rounds as columns."""
        server, done = self.entrant.server, self.done
        standing = Standing(load=cell.load, connections=cell.connections, server=server.name)
        if self.entrant.out is not None:
            return replace(standing, note=self.entrant.out)
        return replace(
            standing,
            rates=tuple(load.rate for load, _ in done),
            p50_us=tuple(load.p50_us for load, _ in done),
            p99_us=tuple(load.p99_us for load, _ in done),
            cpu_us=tuple(used.cpu_us / load.requests for load, used in done),
            store_cpu_us=tuple(used.store_cpu_us / load.requests for load, used in done),
            store_reads=tuple(used.store_reads / load.requests for load, used in done),
            client_busy=tuple(load.client_busy for load, _ in done),
            others_busy=tuple(used.others_busy for _, used in done) if plan.cores else (),
            refused=self.refused,
            note=Counters.of(server).local_note(self.before) if self.before is not None else "",
        )


def measure(plan: Plan, cell: Cell, entrants: Sequence[Entrant]) -> Iterator[Standing]:
    """Every entrant under one load."""
    played = [_Rounds(entrant, Counters.of(entrant.server) if _counts(entrant) else None) for entrant in entrants]
    for number in range(cell.rounds):
        plan.say(f"{cell.load}, {cell.connections} connections, round {number + 1} of {cell.rounds}")
        for rounds in played:
            _unless_out(rounds, plan, cell, last=number + 1 == cell.rounds)
    for rounds in played:
        yield rounds.standing(plan, cell)


def _counts(entrant: Entrant) -> bool:
    return entrant.out is None and entrant.server.operator != 0


def _unless_out(rounds: _Rounds, plan: Plan, cell: Cell, *, last: bool) -> None:
    """A round, and after the last one of refusals a second in which they are counted."""
    if rounds.entrant.out is not None:
        return
    try:
        rounds.play(plan, cell)
        if cell.load == "refused" and last:
            rounds.counted = rounds.entrant.drive(plan, cell, _COUNTED_S, looking=True)
    except (CannotMeasure, redis.RedisError) as error:
        rounds.entrant.out = str(error)
        plan.say(f"{rounds.entrant.server.name} is out: {error}")
