"""What is usual on the days that a model is ranked on, for those who watch whether it stays so: see core/spread and service/drift."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ratelimit.anomaly.kind_model import KindModel
from ratelimit.anomaly.quantiles import LEAST_SUBJECTS, quantiles_of
from ratelimit.anomaly.spool import Trail
from ratelimit.core.spread import BINS, Spread

MOST_ROWS: Final = 50_000

_HOUR_S: Final = 3_600
_TENTHS: Final = np.arange(1, BINS) / BINS


def usual(model: KindModel, trail: Trail, chosen: NDArray[np.bool_], seed: int) -> Spread | None:
    """How the signals and risks of these rows are spread, the first of each subject's hour; None for too few subjects to say it."""
    rows = np.flatnonzero(chosen)
    # a trail is in the order of time, so the first that is found is the first there was
    _, first = np.unique((trail.subject[rows].astype(np.int64) << 32) + trail.tick[rows] // _HOUR_S, return_index=True)
    rows = np.sort(rows[first])
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))
    subjects = trail.subject[rows].astype(np.int64)
    if len(np.unique(subjects)) < 3 * LEAST_SUBJECTS:
        return None
    signals = trail.rows(rows)
    values = np.column_stack([signals, model.risks(signals, [trail.plans[plan] for plan in trail.plan[rows].tolist()])])
    levels, edges = quantiles_of(values, subjects)
    nearest = np.abs(levels[:, None] - _TENTHS).argmin(axis=0)
    return Spread.of(edges[:, nearest].astype(np.float32), values)
