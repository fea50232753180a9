"""Ranks scores on a site's own days, so that a risk above 0.999 means one honest subject a day in a thousand, and says how sure that is.

The days are later than those trained on and nothing is trimmed; only whom people confirmed to do wrong is left out. A site whose abuse is
not confirmed yet has some of it among its days, which makes the budget smaller, never larger.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from ratelimit.anomaly.build import Built, OnKind, Trails, date
from ratelimit.anomaly.days import Days, days_of, scores_of
from ratelimit.anomaly.kind_model import KindModel
from ratelimit.anomaly.label import Label, marks_of
from ratelimit.anomaly.manifest import Age, Calibration, Cohort
from ratelimit.anomaly.model import Model
from ratelimit.anomaly.ranks import LEAST_DAYS, Ranks, ages, rank
from ratelimit.anomaly.signal_table import ModelKind
from ratelimit.anomaly.usual import usual
from ratelimit.core.errors import ConfigError

LEAST_SUBJECT_DAYS: Final = 10_000  # ten of them are beyond 0.999
BUDGET: Final = 0.001  # honest subjects a day that may be acted upon
REPLICATES: Final = 200  # of the bootstrap
INTERVAL: Final = (0.025, 0.975)


class Replicated(NamedTuple):
    """A share, and the interval that holds 95 % of its replicates."""

    value: float
    low: float
    high: float


class Ranking(NamedTuple):
    """How a model is to be calibrated: `least` days that a kind must have, and whether they are days that nobody lived."""

    least: int = LEAST_SUBJECT_DAYS
    simulated: bool = False
    warm_days: int = 1  # at the beginning of the log, when everybody looks new
    seed: int = 1


def calibrate(model: Model, trails: Trails, labels: Sequence[Label], ranking: Ranking, on_kind: OnKind) -> Built:
    """The same model, ranked on those days of the trails that it was not trained on. Raises ConfigError if no kind has enough of them."""
    arrays: dict[str, NDArray[Any]] = {}
    cohorts: dict[str, tuple[Cohort, ...]] = {}
    metrics: dict[str, Any] = {}
    left_out: dict[ModelKind, str] = {}
    spans: list[int] = []
    for kind, known in model.kinds.items():
        on_kind(kind)
        trail, parts = trails[kind], known.parts._replace(ranks=None, spread=None)
        chosen = marks_of(trail, kind, labels).unblemished(trail) & _untrained(model, trail.day, ranking.warm_days)
        days = days_of(trail, scores_of(known, trail), chosen)
        if len(days) < ranking.least:
            left_out[kind] = f"{len(days):,} subject-days that it was not trained on; expected at least {ranking.least:,}"
        else:
            parts = parts._replace(ranks=rank_days(days, least_of_cohort(ranking.least)))
            parts = parts._replace(spread=usual(KindModel(kind, parts), trail, chosen, ranking.seed))
            cohorts[kind] = parts.ranks.cohorts if parts.ranks else ()
            beyond = share_beyond(days, ranking.seed, least_of_cohort(ranking.least))
            metrics[kind] = {"subject_days": len(days), "subjects": len(np.unique(days.subject)), "beyond": beyond._asdict()}
            spans += [int(days.day.min()), int(days.day.max())]
        arrays |= parts.arrays(kind)
    if not cohorts:
        raise ConfigError([f"{kind}: {problem}" for kind, problem in left_out.items()])
    calibration = Calibration(date(min(spans)), date(max(spans)), cohorts, ranking.simulated, {**metrics, "least": ranking.least})
    return Built(replace(model.manifest, calibration=calibration), arrays, left_out)


def least_of_cohort(least: int) -> int:
    """The days that a plan or an age must have to be told apart, where a kind must have so many."""
    return min(LEAST_DAYS, least)


def _untrained(model: Model, day: NDArray[np.int64], warm_days: int) -> NDArray[np.bool_]:
    trained = model.manifest.trained
    names = {int(one): date(int(one)) for one in np.unique(day)}
    begins = min(names, default=0) + warm_days
    fresh = [one for one, name in names.items() if one >= begins and not trained.first <= name <= trained.last]
    return np.isin(day, fresh)


def rank_days(days: Days, least: int = LEAST_DAYS) -> Ranks:
    """The tables of everybody, and of each plan and age that has days enough to be told apart."""
    cohorts, tables = [], []
    for (plan, age), chosen in _cohorts(days):
        if len(chosen) >= least or plan is None:
            cohorts.append(Cohort(plan, age, len(chosen)))
            tables.append(rank(days.score[chosen]))
    return Ranks(cohorts, tables)


def _cohorts(days: Days) -> Iterator[tuple[tuple[str | None, Age | None], NDArray[np.intp]]]:
    plans, age = np.array([plan or "" for plan in days.plan], object), np.array(ages(days.age_s), object)
    yield (None, None), np.arange(len(days))
    for plan in sorted(set(plans.tolist())):
        yield (plan, None), np.flatnonzero(plans == plan)
        for one in sorted(set(age.tolist())):
            yield (plan, one), np.flatnonzero((plans == plan) & (age == one))


def share_beyond(days: Days, seed: int, least: int = LEAST_DAYS, budget: float = BUDGET) -> Replicated:
    """The share of days beyond the budget's risk that others than those it was ranked on will have, by a bootstrap over subjects.

    Ranked on subjects drawn with replacement, and counted among those who were not drawn; days of one subject stay together, since they
    are alike.
    """
    rng = np.random.default_rng(seed)
    subjects = np.unique(days.subject)
    order = np.argsort(days.subject, kind="stable")
    starts = np.searchsorted(days.subject[order], subjects)
    counts = np.diff(np.append(starts, len(order)))
    found = []
    for _ in range(REPLICATES):
        drawn = np.bincount(rng.integers(0, len(subjects), len(subjects)), minlength=len(subjects))
        times = np.empty(len(days), np.int64)
        times[order] = np.repeat(drawn, counts)
        others = np.flatnonzero(times == 0)
        if len(others):
            ranks = rank_days(days.only(np.repeat(np.arange(len(days)), times)), least)
            found.append(float((days.only(others).risks(ranks) > 1 - budget).mean()))
    return Replicated(float(np.mean(found)), *(float(limit) for limit in np.quantile(found, INTERVAL)))
