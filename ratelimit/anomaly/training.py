"""Fits the model of one kind of subject to its trail. The same trail and recipe give the same arrays, to the last bit.

Nobody says which rows of a log are honest, so the fit must not learn abuse as something usual: a first, rough forest names the subjects
that are most unusual, and the forest that counts is fitted without them, and without what people confirmed. Nobody has more than so many
rows of a day and in all, so a busy subject is not a hundred. The last days are not looked at: they are for calibration.

Where labels were known by the time at which training ends, a boosted forest is taught by them on the same signals.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from ratelimit.anomaly.boosting import Taught, boosted
from ratelimit.anomaly.design import Design, design_of
from ratelimit.anomaly.export import export_isolation
from ratelimit.anomaly.forest import Forest, Trees
from ratelimit.anomaly.kind_model import Parts
from ratelimit.anomaly.label import Marks
from ratelimit.anomaly.quantiles import quantiles_of
from ratelimit.anomaly.recipe import Recipe
from ratelimit.anomaly.signal_table import ModelKind, SignalTable, table_of
from ratelimit.anomaly.spool import Indices, Trail, thinned
from ratelimit.core.profile import TICKS_PER_DAY

LEAST_SUBJECTS: Final = 100  # with fewer of a kind there is no saying what is usual
LEAST_BAD: Final = 10  # subjects with a label, for a forest that is taught by them

Floats = NDArray[np.float64]


class Fitted(NamedTuple):
    """A kind's model, and what it was fitted to; `trimmed` subjects were left out as unusual; of `bad` ones a label was known."""

    parts: Parts
    rows: int
    subjects: int
    trimmed: int
    bad: int


class TooFewError(Exception):
    """There is too little of a kind to say what is usual."""


def train(kind: ModelKind, trail: Trail, marks: Marks, days: tuple[int, int], recipe: Recipe) -> Fitted:
    """The model of a kind, from the first to the last of `days`; `marks` are what is known of its rows. Raises TooFewError."""
    table = table_of(kind)
    usable = np.flatnonzero((trail.day >= days[0]) & (trail.day <= days[1]) & ~_lacking(table, trail))
    chosen = thinned(trail, usable, recipe.seed, recipe.most_a_day, recipe.most)
    bad = marks.bad[chosen]
    rows, subjects = trail.rows(chosen[~bad]), trail.subject[chosen[~bad]]
    met = len(np.unique(subjects))
    if met < LEAST_SUBJECTS:
        raise TooFewError(f"{met} subjects with enough known of them, and no abuse; expected at least {LEAST_SUBJECTS}")
    kept = _untrimmed(table, rows, subjects, recipe)
    rows, subjects = rows[kept], subjects[kept]
    design = design_of(rows, table.units)
    trees, normal = _isolation(table, design, rows, recipe)
    parts = Parts(design, trees, normal, quantiles_of(rows, subjects.astype(np.int64)))
    bad_subjects = len(np.unique(trail.subject[chosen[bad]]))
    if bad_subjects >= LEAST_BAD:
        told = chosen[_telling(trail, marks, chosen, days, recipe)]
        parts = parts._replace(fraud=boosted(_taught(table, design, trail, told, marks.bad[told], recipe), recipe))
    left = len(np.unique(subjects))
    return Fitted(parts, len(rows), left, met - left, bad_subjects)


def _lacking(table: SignalTable, trail: Trail) -> NDArray[np.bool_]:
    if table.optional:  # what a site does not tell is not missed, and what that is its rows are to say
        return np.zeros(len(trail), bool)
    found = np.empty(len(trail), bool)
    for part, rows in trail.chunks():
        found[part] = table.lacking(rows)
    return found


def _untrimmed(table: SignalTable, rows: Floats, subjects: NDArray[np.int32], recipe: Recipe) -> NDArray[np.bool_]:
    """Which rows are not of the most unusual subjects, by a first forest."""
    design = design_of(rows, table.units)
    trees, _ = _isolation(table, design, rows, recipe)
    depth = Forest(trees).sum(design.apply(rows))
    least = np.full(int(subjects.max()) + 1, np.inf)
    np.minimum.at(least, subjects, depth)
    met = np.unique(subjects)
    limit = np.quantile(least[met], recipe.trim)
    kept: NDArray[np.bool_] = least[subjects] > limit
    return kept


def seen_columns(table: SignalTable, design: Design) -> NDArray[np.int64]:
    """The columns of a design that the forest may ask about: signals of that kind, and whether they are missing."""
    seen = table.known & ~table.unseen
    indicated = len(table.names) + np.flatnonzero(seen[design.indicated])
    return np.concatenate([np.flatnonzero(seen), indicated])


def _isolation(table: SignalTable, design: Design, rows: Floats, recipe: Recipe) -> tuple[Trees, float]:
    columns = seen_columns(table, design)
    forest = IsolationForest(n_estimators=recipe.trees, max_samples=min(recipe.samples, len(rows)), random_state=recipe.seed, n_jobs=1)
    trees, normal = export_isolation(forest.fit(design.apply(rows)[:, columns]))
    return trees._replace(feature=columns[trees.feature].astype(np.int16)), normal


def _telling(trail: Trail, marks: Marks, chosen: Indices, days: tuple[int, int], recipe: Recipe) -> NDArray[np.bool_]:
    """Which of the chosen rows teach: those with a label, and those that had time enough to get a bad one."""
    mature_by = (days[1] + 1 + recipe.label_days - recipe.mature_days) * TICKS_PER_DAY
    telling: NDArray[np.bool_] = (marks.mark[chosen] >= 0) | (trail.tick[chosen] < mature_by)
    return telling if recipe.mature_days else np.ones(len(chosen), bool)


def _taught(table: SignalTable, design: Design, trail: Trail, told: Indices, bad: NDArray[np.bool_], recipe: Recipe) -> Taught:
    """Good and bad rows, thinned each on their own."""
    shares = [thinned(trail, told[bad == said], recipe.seed, recipe.most_a_day, recipe.most) for said in (False, True)]
    truth = np.repeat([False, True], [len(share) for share in shares])
    rising = np.zeros(design.columns, np.int8)
    rising[np.flatnonzero(table.rising)] = 1
    both = np.concatenate(shares)
    shown = design.apply(trail.rows(both))
    shown[:, np.flatnonzero(table.unlearned)] = 0
    if not recipe.later:
        return Taught(shown, truth, rising)
    order = np.argsort(trail.tick[both], kind="stable")
    return Taught(shown[order], truth[order], rising)
