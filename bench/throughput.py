"""How many checks a core carries: ours beside constants and peers, under loads that differ in who asks and over how many connections.

Servers and stores share one core, wrk has the other. Ratios are taken within a round. CPU per request is the kernel's count of the same
rounds, which a busy machine distorts less than it does a rate.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from statistics import median
from typing import Final

from msgspec.structs import replace

from bench.callers import HOT
from bench.contenders import CONSTANT, FLEXIBLE, ORDINARY, THROTTLED, US, Field, enter
from bench.matrix import Cell, measure
from bench.plan import Plan
from bench.row import Budget, Row, at_least, ratios
from bench.server import NEVER
from bench.standing import Standing, times

GROUP: Final = "throughput"
MANY: Final = 32
_ADMITTED_PART: Final = 0.1
HOT_CELL: Final = Cell("hot", "hot", MANY, 5, 1, "first")
_CELLS: Final = (
    HOT_CELL,
    Cell("zipf", "zipf", MANY, 5, 1, "first"),
    Cell("once", "once", MANY, 5, 1),
    Cell("hot", "hot", 1, 3, 1),
    Cell("hot", "hot", 256, 3, 2),
)
_REFUSED: Final = Cell("refused", "hot", MANY, 3, 1, "each")
# load, against whom, who of us, what is to be reached
_BUDGETS: Final[tuple[tuple[str, str, str, Budget], ...]] = (
    ("hot", CONSTANT, US, at_least(1.6)),
    ("hot", CONSTANT, ORDINARY, at_least(0.85)),
    ("hot", THROTTLED, US, at_least(6)),
    ("hot", FLEXIBLE, US, at_least(1.5)),
    ("once", CONSTANT, US, at_least(0.4)),
)


def throughput(plan: Plan) -> Iterator[Row | Standing]:
    """Every load with limits that never refuse; then hot callers of whom nine in ten are refused, by rates of each server's own."""
    standings: list[Standing] = []
    with ExitStack() as stack:
        field = enter(plan, stack, lambda _: NEVER)
        for cell in _CELLS:
            standings += _under(plan, cell, field)
    rates = {found.server: _rate_per_key(found) for found in standings if found.measured and _is(found, HOT_CELL)}
    again = plan.inner("refused")
    with ExitStack() as stack:
        standings += _under(again, _REFUSED, enter(again, stack, lambda name: rates.get(name, NEVER)))
    yield from _budgeted(standings)
    yield from standings


def _under(plan: Plan, cell: Cell, field: Field) -> Iterator[Standing]:
    yield from measure(plan, plan.pick(cell, cell._replace(rounds=1, seconds=1)), field.entrants)
    for name, why in field.missing.items():
        yield Standing(load=cell.load, connections=cell.connections, server=name, note=f"missing: {why}")


def _is(standing: Standing, cell: Cell) -> bool:
    return (standing.load, standing.connections) == (cell.load, cell.connections)


def _rate_per_key(hot: Standing) -> int:
    """What each key may have, if all of them ask as much as they did and nine in ten are to be refused."""
    return max(1, round(median(hot.rates) / HOT * _ADMITTED_PART))


def _budgeted(standings: Sequence[Standing]) -> Iterator[Row]:
    """The ratios that are to be reached."""
    at = {(found.load, found.server): found for found in standings if found.connections == MANY}
    for load, name, of_us, budget in _BUDGETS:
        ours, theirs = at.get((load, of_us)), at.get((load, name))
        row = Row(group=GROUP, name=f"{load}: {of_us} / {name}", unit="x", budget=budget)
        if ours is None or not ours.measured or theirs is None or not theirs.measured:
            lacking = theirs if ours is not None and ours.measured else ours
            yield replace(row, note=lacking.note if lacking is not None else f"{name} was not there")
            continue
        by_cpu = median(ratios(theirs.all_cpu_us, ours.all_cpu_us))
        yield replace(row, values=times(ours, theirs), note=f"by CPU time of server and store {by_cpu:.2f} x")
