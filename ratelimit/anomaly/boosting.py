"""What labels teach: a boosted forest whose sum is the log-odds of fraud, and how these are set right on later rows.

Boosting is surer of itself than it should be, above all of few labels. So a first forest is grown on the earlier rows, and on the later
ones, which it has not seen, a line is fitted from its log-odds to those that were true (Platt 1999). The forest that counts is grown on all
rows and its log-odds go through the same line, which is folded into its leaves: serving knows nothing of it, and no order changes.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from ratelimit.anomaly.export import export_boosted
from ratelimit.anomaly.forest import Forest, Rows, Trees
from ratelimit.anomaly.recipe import Recipe

LEAST_LATER: Final = 20  # rows of fraud among the later ones, and among the earlier, for a line

Flags = NDArray[np.bool_]


class Taught(NamedTuple):
    """Rows that a forest is taught by, in the order of time, as it sees them; in `rising` columns its chance never falls."""

    rows: Rows
    truth: Flags
    rising: NDArray[np.int8]


class Line(NamedTuple):
    """From the log-odds that a forest believes in to those that are true."""

    slope: float = 1.0
    start: float = 0.0


def boosted(taught: Taught, recipe: Recipe) -> tuple[Trees, float]:
    """The forest, and what its sum starts from."""
    line = _line(taught, recipe)
    trees, baseline = _grown(taught, recipe)
    return trees._replace(value=trees.value * line.slope), baseline * line.slope + line.start


def _line(taught: Taught, recipe: Recipe) -> Line:
    begin = round(len(taught.truth) * (1 - recipe.later))
    earlier, later = slice(begin), slice(begin, None)
    if min(taught.truth[earlier].sum(), taught.truth[later].sum()) < LEAST_LATER:
        return Line()
    trees, baseline = _grown(taught._replace(rows=taught.rows[earlier], truth=taught.truth[earlier]), recipe)
    believed = Forest(trees).sum(taught.rows[later]) + baseline
    fitted = LogisticRegression(C=1e6).fit(believed[:, None], taught.truth[later])
    slope = float(fitted.coef_[0, 0])
    return Line(slope, float(fitted.intercept_[0])) if slope > 0 else Line()


def _grown(taught: Taught, recipe: Recipe) -> tuple[Trees, float]:
    model = HistGradientBoostingClassifier(
        max_iter=recipe.steps,
        max_depth=recipe.levels,
        learning_rate=recipe.rate,
        min_samples_leaf=recipe.leaf,
        max_features=recipe.features,
        l2_regularization=1.0,
        monotonic_cst=taught.rising,
        early_stopping=False,
        random_state=recipe.seed,
    )
    with threadpool_limits(1, "openmp"):  # sums in parts, by as many threads as there are cores, would differ in their last bits
        return export_boosted(model.fit(taught.rows, taught.truth))
