"""A small model of one kind of subject, trained on made-up rows, and its folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest

from ratelimit.anomaly.artifact import write_artifact
from ratelimit.anomaly.design import design_of
from ratelimit.anomaly.export import export_boosted, export_isolation
from ratelimit.anomaly.kind_model import KindModel, Parts
from ratelimit.anomaly.manifest import Calibration, Cohort, Manifest
from ratelimit.anomaly.quantiles import quantiles_of
from ratelimit.anomaly.ranks import Ranks, rank
from ratelimit.core.signals import COLUMN, SIGNALS, Kind, applicable
from tests.anomaly.forests import trained

Floats = NDArray[np.float64]


def signals(kind: Kind, count: int, seed: int = 0) -> Floats:
    """Rows of subjects who are much alike; one signal is missing for a third."""
    rng = np.random.default_rng(seed)
    rows = rng.gamma(2.0, 3.0, (count, len(SIGNALS)))
    for column, signal in enumerate(SIGNALS):
        if signal.unit == "share":
            rows[:, column] = rng.beta(2, 8, count)
    rows[::3, COLUMN["failed_login_share"]] = np.nan
    rows[:, COLUMN["age_s"]] = rng.uniform(0, 30 * 86_400, count)
    rows[:, ~applicable(kind)] = np.nan
    return rows


def usual(kind: Kind) -> Floats:
    """The signals of somebody in the middle of those."""
    row, known = np.full(len(SIGNALS), np.nan), applicable(kind)
    row[known] = np.nanmedian(signals(kind, 600)[:, known], axis=0)
    return row


def parts(kind: Kind, *, calibrated: bool = True, labels: bool = False, trees: int = 20) -> Parts:
    """Labels, if there are, say that whoever failed to log in often is a fraud."""
    rows = signals(kind, 600)
    design = design_of(rows, [signal.unit for signal in SIGNALS])
    shown = design.apply(rows)
    exported, normal = export_isolation(trained(IsolationForest(n_estimators=trees, random_state=1), shown))
    made = Parts(design, exported, normal, quantiles_of(rows, np.arange(len(rows))))
    if labels:
        boosted = HistGradientBoostingClassifier(max_iter=10, max_depth=4, early_stopping=False)
        fraud = rows[:, COLUMN["failed_logins_1d"]] > 8
        made = made._replace(fraud=export_boosted(trained(boosted, shown, fraud)))
    if calibrated:
        later = signals(kind, 3_000, seed=2)
        made = made._replace(ranks=Ranks([Cohort(None, None, len(later))], [rank(KindModel(kind, made).raw(later))]))
    return made


def write(folder: Path, manifest: Manifest, of: Mapping[Any, Parts], **arrays: NDArray[Any]) -> str:
    """The folder of a model; `arrays` are put in the place of those made. Returns its version."""
    made = {name: array for kind, its in of.items() for name, array in its.arrays(kind).items()}
    cohorts = {kind: its.ranks.cohorts for kind, its in of.items() if its.ranks is not None}
    calibration = Calibration("2026-03-15", "2026-03-28", {kind: tuple(found) for kind, found in cohorts.items()}) if cohorts else None
    return write_artifact(folder, replace(manifest, calibration=calibration), {**made, **arrays}, {})
