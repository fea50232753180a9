"""Fits the model of one kind of subject to its trail. The same trail and recipe give the same arrays, to the last bit.

Nobody says which rows of a log are honest, so the fit must not learn abuse as something usual: a first, rough forest names the subjects
that are most unusual, and the forest that counts is fitted without them, and without what people confirmed. Nobody has more than so many
rows of a day and in all, so a busy subject is not a hundred. The last days are not looked at: they are for calibration.

Where labels were known by the time at which training ends, a boosted forest is taught by them on the same signals.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
from threadpoolctl import threadpool_limits

from ratelimit.anomaly.design import Design, design_of
from ratelimit.anomaly.export import export_boosted, export_isolation
from ratelimit.anomaly.forest import Forest, Trees
from ratelimit.anomaly.kind_model import Parts
from ratelimit.anomaly.label import Marks
from ratelimit.anomaly.quantiles import quantiles_of
from ratelimit.anomaly.spool import Indices, Trail, thinned
from ratelimit.core.signals import COLUMN, NAMES, Kind, applicable, too_much_missing

LEAST_SUBJECTS: Final = 100  # with fewer of a kind there is no saying what is usual
LEAST_BAD: Final = 10  # subjects with a label, for a forest that is taught by them

# A subject's age chooses its peers, see anomaly/ranks; seen by the forest it would make every newcomer unusual.
_UNSEEN: Final = frozenset({"age_s", "attempts_14d", "requests_14d"})
_RISING: Final = frozenset(
    "refused_share denied_share_10m denied_share_1d failed_logins_10m failed_logins_1d failed_login_share impostor_share signups_1d".split()
)  # more of it is never a sign of honesty

Floats = NDArray[np.float64]


class Recipe(NamedTuple):
    """How a model is made. `trim` is the share of subjects left out as the most unusual, `samples` what each tree is grown on."""

    seed: int = 1
    trees: int = 100
    samples: int = 256
    trim: float = 0.02
    most_a_day: int = 8  # rows of a subject; with 50 and 500 the busy ones were what is usual, and less abuse stood out
    most: int = 60
    held_days: int = 7  # at the end of the log, which training does not see
    warm_days: int = 1  # at its beginning, when everybody looks new
    steps: int = 80  # of boosting
    levels: int = 4  # of each of its trees


class Fitted(NamedTuple):
    """A kind's model, and what it was fitted to; `trimmed` subjects were left out as unusual; of `bad` ones a label was known."""

    parts: Parts
    rows: int
    subjects: int
    trimmed: int
    bad: int


class TooFewError(Exception):
    """There is too little of a kind to say what is usual."""


def train(kind: Kind, trail: Trail, marks: Marks, days: tuple[int, int], recipe: Recipe) -> Fitted:
    """The model of a kind, from the first to the last of `days`; `marks` are what was known when they had ended. Raises TooFewError."""
    usable = np.flatnonzero((trail.day >= days[0]) & (trail.day <= days[1]) & ~_too_much_missing(kind, trail))
    chosen = thinned(trail, usable, recipe.seed, recipe.most_a_day, recipe.most)
    bad = marks.bad[chosen]
    rows, subjects = trail.rows(chosen[~bad]), trail.subject[chosen[~bad]]
    met = len(np.unique(subjects))
    if met < LEAST_SUBJECTS:
        raise TooFewError(f"{met} subjects with enough known of them, and no abuse; expected at least {LEAST_SUBJECTS}")
    kept = _untrimmed(kind, rows, subjects, recipe)
    rows, subjects = rows[kept], subjects[kept]
    design = design_of(rows)
    trees, normal = _isolation(kind, design, rows, recipe)
    parts = Parts(design, trees, normal, quantiles_of(rows, subjects.astype(np.int64)))
    bad_subjects = len(np.unique(trail.subject[chosen[bad]]))
    if bad_subjects >= LEAST_BAD:
        parts = parts._replace(fraud=_boosted(design, trail, chosen, bad, recipe))
    left = len(np.unique(subjects))
    return Fitted(parts, len(rows), left, met - left, bad_subjects)


def _too_much_missing(kind: Kind, trail: Trail) -> NDArray[np.bool_]:
    found = np.empty(len(trail), bool)
    for part, rows in trail.chunks():
        found[part] = too_much_missing(kind, rows)
    return found


def _untrimmed(kind: Kind, rows: Floats, subjects: NDArray[np.int32], recipe: Recipe) -> NDArray[np.bool_]:
    """Which rows are not of the most unusual subjects, by a first forest."""
    design = design_of(rows)
    trees, _ = _isolation(kind, design, rows, recipe)
    depth = Forest(trees).sum(design.apply(rows))
    least = np.full(int(subjects.max()) + 1, np.inf)
    np.minimum.at(least, subjects, depth)
    met = np.unique(subjects)
    limit = np.quantile(least[met], recipe.trim)
    kept: NDArray[np.bool_] = least[subjects] > limit
    return kept


def seen_columns(kind: Kind, design: Design) -> NDArray[np.int64]:
    """The columns of a design that the forest may ask about: signals of that kind, and whether they are missing."""
    seen = applicable(kind) & np.array([name not in _UNSEEN for name in NAMES])
    indicated = len(NAMES) + np.flatnonzero(seen[design.indicated])
    return np.concatenate([np.flatnonzero(seen), indicated])


def _isolation(kind: Kind, design: Design, rows: Floats, recipe: Recipe) -> tuple[Trees, float]:
    columns = seen_columns(kind, design)
    forest = IsolationForest(n_estimators=recipe.trees, max_samples=min(recipe.samples, len(rows)), random_state=recipe.seed, n_jobs=1)
    trees, normal = export_isolation(forest.fit(design.apply(rows)[:, columns]))
    return trees._replace(feature=columns[trees.feature].astype(np.int16)), normal


def _boosted(design: Design, trail: Trail, chosen: Indices, bad: NDArray[np.bool_], recipe: Recipe) -> tuple[Trees, float]:
    shares = [thinned(trail, chosen[bad == said], recipe.seed, recipe.most_a_day, recipe.most) for said in (False, True)]
    truth = np.repeat([False, True], [len(share) for share in shares])
    rising = np.zeros(design.columns, np.int8)
    rising[[COLUMN[name] for name in sorted(_RISING)]] = 1
    model = HistGradientBoostingClassifier(
        max_iter=recipe.steps,
        max_depth=recipe.levels,
        learning_rate=0.1,
        l2_regularization=1.0,
        monotonic_cst=rising,
        early_stopping=False,
        random_state=recipe.seed,
    )
    with threadpool_limits(1, "openmp"):  # sums in parts, by as many threads as there are cores, would differ in their last bits
        return export_boosted(model.fit(design.apply(trail.rows(np.concatenate(shares))), truth))
