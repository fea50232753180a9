"""One case of a scenario: a trace that is run through a fleet, and what is to be said of it."""

from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np

from bench.fleet.fairness import Fairness, fairness
from bench.fleet.ideal import Size, ideal, overdraft
from bench.fleet.trace import Chance, Floats, Routing, Shape, Trace, make_trace, steady
from bench.fleet.world import History, Setup, World
from ratelimit.core.identity import Caller
from ratelimit.core.units import Refill
from ratelimit.service.policy_source import make_policy


class Case(NamedTuple):
    """`rates` of the keys in requests per second; what happens in the first `warm_s` is run and not reported, save over-admission."""

    name: str
    size: Size
    rates: Floats
    routing: Routing
    seconds: float
    warm_s: float
    shape: Shape = steady
    cost: int = 1


class Outcome(NamedTuple):
    """What came of a case; `keys` holds one row of (offered, admitted, ideal, buckets) per key, after the warm-up."""

    case: Case
    trace: Trace
    history: History
    ideal: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    keys: Floats
    overdraft: float

    @property
    def measured_s(self) -> float:
        """Seconds that are reported."""
        return self.case.seconds - self.case.warm_s

    @property
    def warm_us(self) -> int:
        """When the report begins."""
        return int(self.case.warm_s * 1e6)

    @property
    def per_decision(self) -> float:
        """Buckets asked at the store for each decision."""
        offered, _, _, buckets = self.keys.sum(axis=0)
        return float(buckets / offered)

    @property
    def shortfall(self) -> float:
        """The part of what an ideal bucket would have admitted that was not."""
        _, admitted, just, _ = self.keys.sum(axis=0)
        return float(1 - admitted / just) if just else 0.0

    @property
    def ours(self) -> Fairness:
        """Between the sidecars."""
        return fairness(self.trace, self.history.admitted, self.warm_us)

    @property
    def just(self) -> Fairness:
        """The same, had an ideal bucket decided."""
        return fairness(self.trace, self.ideal, self.warm_us)


def size(capacity: int, refill: str) -> Size:
    """As the policy writes it."""
    return Size(capacity, Refill.parse(refill))


def policy_of(*limits: tuple[str, str, Size]) -> bytes:
    """A policy of buckets: name, what it is per, size."""
    lines = [
        f"  - {{name: {name}, per: [{per}], bucket: {{capacity: {bucket.capacity}, refill: {bucket.refill}}}}}"
        for name, per, bucket in limits
    ]
    return "\n".join(["version: 1", "limits:", *lines, ""]).encode()


def chance_of(seed: int, name: str) -> Chance:
    """What is drawn for a case depends on its name and the seed of the run, not on which cases ran before."""
    return np.random.default_rng([seed, crc32(name.encode())])


def run_case(case: Case, seed: int, round_trip_us: int) -> Outcome:
    """Draw its trace, run it, and compare."""
    return run_trace(case, make_trace(case.rates, case.seconds, case.shape, case.routing, chance_of(seed, case.name)), seed, round_trip_us)


def run_trace(case: Case, trace: Trace, seed: int, round_trip_us: int) -> Outcome:
    """Run a trace of the case, or a part of one."""
    setup = Setup(
        make_policy(policy_of(("key", "api_key", case.size)), case.name), _callers(len(case.rates)), case.cost, round_trip_us, seed
    )
    history = World(setup, trace).run()
    if history.unanswered:
        raise RuntimeError(f"{case.name}: {history.unanswered} requests were never answered")
    just = ideal(trace.at, [trace.key], [case.size], case.cost)
    admitted = history.admitted
    over = overdraft(history.counts_at[admitted], trace.key[admitted], case.size, case.cost)
    return Outcome(case, trace, history, just, _by_key(case, trace, history, just), over)


def _callers(count: int) -> Sequence[Caller]:
    return [Caller(api_key=f"key-{number}") for number in range(count)]


def _by_key(case: Case, trace: Trace, history: History, just: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Floats:
    keys, since = len(case.rates), int(case.warm_s * 1e6)
    after = trace.at >= since
    asked = history.asked_key[(history.asked_at >= since) & (history.asked_at < trace.end_us)]
    columns = (trace.key[after], trace.key[after & history.admitted], trace.key[after & just], asked)
    return np.stack([np.bincount(column, minlength=keys) for column in columns], axis=1).astype(float)
