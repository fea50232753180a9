"""From a million to a hundred million requests a second: what the store is asked, what it keeps, and how many nodes that is.

The fleet and the keys grow with the load (a sidecar has 4,000 requests a second, a key 0.2 on average), requests of a key follow Zipf. How
a key's requests find sidecars matters most, since only a sidecar that sees a key often leases it.
"""

from collections.abc import Callable, Iterator
from math import sqrt
from typing import Final, NamedTuple

import numpy as np

from bench.fleet.case import Case, Outcome, run_case, size
from bench.fleet.contention import finding
from bench.fleet.finding import Estimate, Finding, Plan
from bench.fleet.nodes import Speeds, cluster_nodes, full_nodes, pipelines_per_s
from bench.fleet.population import Sample, Zipf, draw, standard_error
from bench.fleet.trace import Floats, Ints, Routing, beginning_empty, spread, sticky

LIMIT: Final = size(1_000, "1000/s")
PER_SIDECAR: Final = 4_000  # requests per second
_KEYS_PER_REQUEST: Final = 5  # keys for each request per second
_CONNECTIONS: Final = 16
_HOT: Final = 2_000.0  # requests per second from which on a key is run for a shorter time
_TOO_HOT: Final = {True: 20_000.0, False: 200_000.0}  # requests per second of a key that are too many to run one by one, by `quick`
_MOST_SUBJECTS: Final = 100_000  # RATELIMIT_MAX_SUBJECTS
_MINUTE_S: Final = 60.0


class Bytes(NamedTuple):
    """Of memory, each: a bucket in the store, a subject in a sidecar without and with a lease."""

    bucket: float = 116
    subject: float = 618
    leased: float = 918


class Routed(NamedTuple):
    """A way for requests to find sidecars, and at most how many a key meets."""

    name: str
    meets: int  # 0: all


ROUTED: Final = (Routed("any sidecar", 0), Routed(f"{_CONNECTIONS} per key", _CONNECTIONS), Routed("one per key", 1))


def growth(plan: Plan, speeds: Speeds, memory: Bytes) -> Iterator[Estimate]:
    """1, 10 and 100 million requests a second (`quick`: one million), by routing."""
    for millions in (1,) if plan.quick else (1, 10, 100):
        for routed in ROUTED:
            yield _estimate(_run(plan, millions * 1e6, routed), plan, speeds, memory)


def sampled(plan: Plan) -> Iterator[Finding]:
    """Whether the sample says what all keys say: 100,000 keys on 64 sidecars, all of them and a sample."""
    keys, rate, seconds = 100_000, 20_000.0, plan.seconds(5, 2)
    population = Zipf(keys, rate)
    bucket = size(100, "100/s")
    sample = draw(population, 400, 500)
    for name, rates, weights in [
        ("all 100,000 keys", population.rates(np.arange(1, keys + 1)), np.ones(keys)),
        (f"a sample of {len(sample.ranks):,}", sample.rates, sample.weights),
    ]:
        plan.say(f"sample: {name}")
        outcome = run_case(Case(name, bucket, rates, spread(64), seconds, seconds / 3), plan.seed, plan.round_trip_us)
        offered, admitted, just, buckets = weights @ outcome.keys
        note = f"{buckets / offered:.3f} buckets a decision, {1 - admitted / offered:.1%} refused"
        found = finding("sample", outcome, 64, note)
        yield Finding(
            scenario=found.scenario,
            case=name,
            sidecars=64,
            requests=found.requests,
            per_decision=float(buckets / offered),
            shortfall=float(1 - admitted / just),
            overdraft=found.overdraft,
            note=note,
        )


class _Run(NamedTuple):
    """A population, what was run of it, and what was too hot to be."""

    population: Zipf
    sidecars: int
    routed: Routed
    ran: list[tuple[Sample, Outcome]]
    too_hot: Sample

    def per_s(self) -> Floats:
        """Offered, admitted, what was just and buckets, each per second, of all keys that are not too hot."""
        rates: Floats = np.sum([part.weights @ outcome.keys / outcome.measured_s for part, outcome in self.ran], axis=0)
        return rates

    def borrowed_per_s(self) -> float:
        """Buckets asked for keys that are too hot: as many for each as for the hottest that was run."""
        part, outcome = self.ran[0]
        return float(self.too_hot.weights.sum() * outcome.keys[np.argmax(part.rates), 3] / outcome.measured_s)

    def error(self, per_decision: float) -> float:
        """Standard error of a ratio: that of what each key asks more than its requests explain."""
        squares = [
            (standard_error(outcome.keys[:, 3] - per_decision * outcome.keys[:, 0], part) / outcome.measured_s) ** 2
            for part, outcome in self.ran
        ]
        return sqrt(sum(squares)) / float(self.per_s()[0])

    def weight_of(self, numbers: Callable[[Outcome], Ints]) -> float:
        """How many keys the numbered ones of each run stand for."""
        return sum(float(part.weights[numbers(outcome)].sum()) for part, outcome in self.ran)


def _run(plan: Plan, requests_per_s: float, routed: Routed) -> _Run:
    name = f"{requests_per_s / 1e6:.0f} million/s, {routed.name}"
    plan.say(f"growth: {name}")
    population = Zipf(int(requests_per_s * _KEYS_PER_REQUEST), requests_per_s)
    sidecars = int(requests_per_s / PER_SIDECAR)
    drawn = draw(population, *((1_000, 500) if plan.quick else (2_000, 1_000)))
    hot, runnable = drawn.rates >= _HOT, drawn.rates <= _TOO_HOT[plan.quick]
    ran = []
    for part, seconds, warm_s in ((drawn.part(runnable & hot), 0.9, 0.4), (drawn.part(runnable & ~hot), 1.6, 0.6)):
        shape = beginning_empty(part.rates, LIMIT.per_s, LIMIT.capacity)
        case = Case(name, LIMIT, part.rates, _routing(routed, sidecars, len(part.ranks)), seconds, warm_s, shape)
        ran.append((part, run_case(case, plan.seed, plan.round_trip_us)))
    return _Run(population, sidecars, routed, ran, drawn.part(~runnable))


def _estimate(run: _Run, plan: Plan, speeds: Speeds, memory: Bytes) -> Estimate:
    population, sidecars, too_hot = run.population, run.sidecars, run.too_hot
    offered, admitted, just, buckets = run.per_s().tolist()
    runnable = population.requests_per_s - float(too_hot.weights @ too_hot.rates)  # is known, and what was offered is its estimate
    buckets_per_s = buckets / offered * runnable + run.borrowed_per_s()
    round_trip_s = plan.round_trip_us / 1e6
    nodes = cluster_nodes(buckets_per_s, sidecars, round_trip_s, speeds)
    lane = buckets_per_s / sidecars / nodes
    leases = run.weight_of(lambda outcome: outcome.history.leased) / sidecars
    subjects = min(_MOST_SUBJECTS, _subjects(population, sidecars, run.routed))
    return Estimate(
        routing=run.routed.name,
        requests_per_s=population.requests_per_s,
        keys=population.keys,
        sidecars=sidecars,
        simulated=sum(len(outcome.trace) for _, outcome in run.ran),
        sampled=sum(len(part.ranks) for part, _ in run.ran),
        borrowed=run.borrowed_per_s() / buckets_per_s,
        refused=1 - (admitted / offered * runnable + float(too_hot.weights.sum()) * LIMIT.per_s) / population.requests_per_s,
        shortfall=1 - admitted / just,
        overdraft=max(outcome.overdraft for _, outcome in run.ran),
        per_decision=buckets_per_s / population.requests_per_s,
        error=run.error(buckets / offered),
        buckets_per_s=buckets_per_s,
        per_pipeline=lane / pipelines_per_s(lane, round_trip_s),
        store_bytes=run.weight_of(lambda outcome: outcome.history.kept) * memory.bucket,
        store_bytes_most=population.keys * memory.bucket,
        sidecar_bytes=subjects * memory.subject + leases * (memory.leased - memory.subject),
        nodes=nodes,
        full_nodes=full_nodes(buckets_per_s, speeds),
        series=_curve(run.ran),
    )


def _routing(routed: Routed, sidecars: int, keys: int) -> Routing:
    return sticky(sidecars, keys, routed.meets) if routed.meets else spread(sidecars)


def _subjects(population: Zipf, sidecars: int, routed: Routed) -> float:
    """How many keys one sidecar is expected to meet in a minute."""
    meets = min(routed.meets or sidecars, sidecars)
    edges = np.unique(np.geomspace(1, population.keys + 1, 2_000).astype(np.int64))
    rates = population.rates((edges[:-1] + edges[1:]) // 2)
    met: Floats = np.diff(edges) * (1 - np.exp(-rates * _MINUTE_S / meets))
    return float(met.sum()) * meets / sidecars


def _curve(ran: list[tuple[Sample, Outcome]]) -> dict[str, list[float]]:
    """Buckets per decision by how hot a key is, in bins of one stratum."""
    rows = []
    for part, outcome in ran:
        for stratum in np.unique(part.strata):
            own = part.strata == stratum
            offered, _, _, buckets = outcome.keys[own].sum(axis=0)
            if offered:
                rows.append((float(part.rates[own].mean()), float(buckets / offered)))
    rows.sort()
    return {"rate": [rate for rate, _ in rows], "per_decision": [ratio for _, ratio in rows]}
