"""What scoring costs on one core: the forest, a whole risk and the reasons, in batches and alone, beside scikit-learn on the same rows.

The forest is of the size that a model has: 100 isolation trees of 256 samples, over signals drawn at random. Times are the CPU's, so that
others on the machine distort them little.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from bench.plan import Plan
from bench.row import Row, at_most, ratios
from ratelimit.anomaly.design import design_of
from ratelimit.anomaly.export import export_isolation
from ratelimit.anomaly.forest import Forest
from ratelimit.anomaly.kind_model import KindModel, Parts
from ratelimit.anomaly.manifest import Cohort
from ratelimit.anomaly.quantiles import quantiles_of
from ratelimit.anomaly.ranks import Ranks, rank
from ratelimit.core.signals import COLUMN, SIGNALS, applicable

GROUP: Final = "scoring"
BATCH: Final = 64
_TREES: Final = 100
_PLANS: Final = ("free", "pro", "")


def scoring(plan: Plan) -> Iterator[Row]:
    """Ours and scikit-learn's in each round, a batch and a row alone."""
    plan.say("scoring")
    rows = _signals(4_000)
    design = design_of(rows, [signal.unit for signal in SIGNALS])
    theirs = IsolationForest(n_estimators=_TREES, max_samples=256, random_state=1).fit(design.apply(rows))
    trees, normal = export_isolation(theirs)
    parts = Parts(design, trees, normal, quantiles_of(rows, np.arange(len(rows))))
    maxima = rank(KindModel("api_key", parts).raw(rows))
    cohorts = [Cohort(plan_, None, len(rows)) for plan_ in _PLANS]
    model = KindModel("api_key", parts._replace(ranks=Ranks(cohorts, [maxima] * len(cohorts))))
    forest, batch, plans = Forest(trees), rows[:BATCH], list(_PLANS * BATCH)[:BATCH]
    shown = design.apply(batch)
    ours: dict[str, tuple[Callable[[], Any], int, float | None]] = {
        "forest, a row of a batch of 64": (lambda: forest.sum(shown), BATCH, 5),
        "forest, a row alone": (lambda: forest.one(shown[0]), 1, 25),
        "risk of a subject, in a batch of 64": (lambda: model.risks(batch, plans), BATCH, 5),
        "reasons of a subject, in a batch of 64": (lambda: model.reasons(batch), BATCH, 7),
        "reasons of a subject alone": (lambda: model.reasons(batch[:1]), 1, None),
    }
    rounds, times = plan.pick(9, 3), plan.pick(200, 20)
    taken: dict[str, list[float]] = {name: [] for name in (*ours, "batch", "alone")}
    for _ in range(rounds):
        for name, (work, rows_of, _budget) in ours.items():
            taken[name].append(_cpu_us(work, times) / rows_of)
        taken["batch"].append(_cpu_us(lambda: theirs.score_samples(shown), 3) / BATCH)
        taken["alone"].append(_cpu_us(lambda: theirs.score_samples(shown[:1]), 3))
    for name, (_, _, budget) in ours.items():
        yield Row(group=GROUP, name=name, unit="µs", values=tuple(taken[name]), budget=at_most(budget) if budget is not None else None)
    for name, how in (("batch", "forest, a row of a batch of 64"), ("alone", "forest, a row alone")):
        note = f"scikit-learn takes {min(taken[name]):,.0f} µs"
        yield Row(group=GROUP, name=f"scikit-learn's time over ours, {name}", unit="x", values=ratios(taken[name], taken[how]), note=note)


def _signals(count: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(1)
    rows = rng.gamma(2.0, 3.0, (count, len(SIGNALS)))
    rows[::3, COLUMN["failed_login_share"]] = np.nan
    rows[:, COLUMN["age_s"]] = rng.uniform(0, 30 * 86_400, count)
    rows[:, ~applicable("api_key")] = np.nan
    return rows


def _cpu_us(work: Callable[[], Any], times: int) -> float:
    """CPU time of one call."""
    began = time.process_time_ns()
    for _ in range(times):
        work()
    return (time.process_time_ns() - began) / times / 1_000
