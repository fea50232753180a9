"""One key above its limit, and many sidecars that want it: what it costs the store, what is left unused, and who gets how much."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from bench.fleet.case import Case, Outcome, run_case, size
from bench.fleet.finding import Finding, Plan
from bench.fleet.ideal import Size
from bench.fleet.trace import Floats, Routing, in_turn, joining, spread, sticky, weighted

_LIMIT: Final = size(1_000, "1000/s")
_LOAD: Final = 5.0  # times the limit
_FLEET: Final = 64
_PART: Final = 0.5  # of a key's traffic at one sidecar
_CONNECTIONS: Final = 32

Note = Callable[[Outcome], str]


def contended(plan: Plan) -> Iterator[Finding]:
    """Five times the limit, by the number of sidecars and by how requests find them."""
    routings: list[tuple[str, int, Routing]] = [(f"{count} at random", count, spread(count)) for count in (1, 64, 256, 512)]
    routings += [
        (f"{_FLEET} in turn", _FLEET, in_turn(_FLEET)),
        (f"{_FLEET}, {_CONNECTIONS} connections", _FLEET, sticky(_FLEET, 1, _CONNECTIONS)),
    ]
    seconds = plan.seconds(12, 3)
    for name, count, routing in routings:
        yield _found(plan, "contended", Case(name, _LIMIT, _rate(_LIMIT, _LOAD), routing, seconds, min(2.0, seconds / 2)), count)


def skewed(plan: Plan) -> Iterator[Finding]:
    """One sidecar has half of a key's requests, the other 63 share the rest."""
    weights = np.ones(_FLEET)
    weights[0] = (_FLEET - 1) * _PART / (1 - _PART)
    for capacity, refill, load, full_s in [(1_000, "1000/s", 2, 12), (1_000, "1000/s", 5, 12), (100, "100/s", 5, 22), (40, "10/s", 5, 62)]:
        bucket = size(capacity, refill)
        seconds = plan.seconds(full_s, 4)
        case = Case(f"{refill}, load {load} x", bucket, _rate(bucket, load), weighted(weights), seconds, min(2.0, seconds / 2))
        yield _found(plan, "skewed", case, _FLEET, _heavy_note)


def sizes(plan: Plan) -> Iterator[Finding]:
    """Small and large limits, near them and above; requests of the largest cost 10 or 100 each, so that they can be run one by one."""
    rows = [
        (40, "10/s", 1, 0.8, 40), (40, "10/s", 1, 5, 40), (10, "10/s", 1, 5, 40), (100, "100/s", 1, 1.2, 20), (100, "100/s", 1, 5, 20),
        (1_000, "1000/s", 1, 0.8, 12), (1_000, "1000/s", 1, 1.2, 12), (10_000, "10000/s", 1, 1.5, 6), (100_000, "100000/s", 10, 1.5, 6),
        (1_000_000, "1000000/s", 100, 1.5, 6), (1_000_000, "1000000/s", 100, 5, 3),
    ]  # fmt: skip
    for capacity, refill, cost, load, full_s in rows:
        bucket = size(capacity, refill)
        seconds = plan.seconds(full_s, min(full_s, 2))
        name = f"{refill}, capacity {capacity:,}, load {load:g} x" + (f", cost {cost}" if cost > 1 else "")
        case = Case(name, bucket, _rate(bucket, load / cost), spread(_FLEET), seconds, seconds / 4, cost=cost)
        yield _found(plan, "sizes", case, _FLEET)


def late(plan: Plan) -> Iterator[Finding]:
    """A sidecar that comes when all is taken, and one that has a twentieth of the others' demand."""
    seconds = plan.seconds(12, 4)
    joins_s = seconds / 2
    case = Case("one of 64 joins", _LIMIT, _rate(_LIMIT, _LOAD), joining(_FLEET, int(joins_s * 1e6)), seconds, joins_s)
    yield _found(plan, "late", case, _FLEET, _joined_note)
    weights = np.ones(_FLEET)
    weights[-1] = 0.05
    case = Case("one of 64 has a twentieth", _LIMIT, _rate(_LIMIT, _LOAD), weighted(weights), 2 * seconds, 2.0)
    yield _found(plan, "late", case, _FLEET, _small_note)


def finding(scenario: str, outcome: Outcome, sidecars: int, note: str = "") -> Finding:
    """What a case found."""
    fair = sidecars > 1
    return Finding(
        scenario=scenario,
        case=outcome.case.name,
        sidecars=sidecars,
        requests=len(outcome.trace),
        per_decision=outcome.per_decision,
        shortfall=outcome.shortfall,
        overdraft=outcome.overdraft,
        ours=outcome.ours if fair else None,
        just=outcome.just if fair else None,
        note=note,
    )


def _found(plan: Plan, scenario: str, case: Case, sidecars: int, note: Note | None = None) -> Finding:
    plan.say(f"{scenario}: {case.name}")
    outcome = run_case(case, plan.seed, plan.round_trip_us)
    return finding(scenario, outcome, sidecars, note(outcome) if note else "")


def _rate(bucket: Size, load: float) -> Floats:
    return np.array([bucket.per_s * load])


def _heavy_note(outcome: Outcome) -> str:
    return f"the one with half was admitted {_part(outcome, 0):.0%} of its requests, the others {_rest(outcome, 0):.0%}"


def _small_note(outcome: Outcome) -> str:
    return f"the small one was admitted {_part(outcome, _FLEET - 1):.0%} of its requests, the others {_rest(outcome, _FLEET - 1):.0%}"


def _joined_note(outcome: Outcome) -> str:
    trace, admitted = outcome.trace, outcome.history.admitted
    own = trace.at[(trace.sidecar == _FLEET - 1) & admitted]
    first = f"first admission {(own[0] - outcome.warm_us) / 1e3:.0f} ms after it came" if len(own) else "never admitted"
    return f"{first}; from then on {_part(outcome, _FLEET - 1):.0%} of its requests, the others {_rest(outcome, _FLEET - 1):.0%}"


def _part(outcome: Outcome, sidecar: int) -> float:
    own = (outcome.trace.sidecar == sidecar) & (outcome.trace.at >= outcome.warm_us)
    return float(outcome.history.admitted[own].mean())


def _rest(outcome: Outcome, sidecar: int) -> float:
    others = (outcome.trace.sidecar != sidecar) & (outcome.trace.at >= outcome.warm_us)
    return float(outcome.history.admitted[others].mean())
