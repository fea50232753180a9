"""A small model of purchases, trained on rows of purchases that never were."""

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from ratelimit.anomaly.design import design_of
from ratelimit.anomaly.export import export_isolation
from ratelimit.anomaly.kind_model import KindModel, Parts
from ratelimit.anomaly.manifest import Cohort, Manifest, Trained
from ratelimit.anomaly.quantiles import quantiles_of
from ratelimit.anomaly.ranks import Ranks, rank
from ratelimit.anomaly.signal_table import PURCHASE, table_of
from ratelimit.core.purchase_signals import COLUMN, NAMES, VERSION
from tests.anomaly.forests import trained

Floats = NDArray[np.float64]

MANIFEST = Manifest(
    kind="purchases", signal_version=VERSION, signals=NAMES, trained=Trained("2026-03-01", "2026-03-14", {}, {}), libraries={}
)
_FLAGS = ("is_setup", "is_grant", "is_weekend", "is_night", "new_card", "prepaid", "disposable_email", "hosting", "vpn")
_UNTOLD = ("email", "network", "site")  # this site tells no mailbox


def rows_of(count: int, seed: int = 0) -> Floats:
    """Rows of customers who are much alike: small counts, amounts around their usual one, hardly a decline."""
    rng = np.random.default_rng(seed)
    rows = rng.poisson(1.0, (count, len(NAMES))).astype(np.float64)
    for name, column in COLUMN.items():
        if "share" in name:
            rows[:, column] = rng.beta(1, 40, count)
        elif "declines" in name or "failed" in name or "fraud" in name or name in _FLAGS:
            rows[:, column] = rng.random(count) < 0.03
        elif name.startswith("amount"):
            rows[:, column] = rng.lognormal(0, 0.3, count)
        elif name.endswith("_s"):
            rows[:, column] = rng.uniform(0, 60 * 86_400, count)
        if name.startswith(_UNTOLD):
            rows[:, column] = np.nan
    return rows


def parts(*, calibrated: bool = True, trees: int = 20) -> Parts:
    """A model of those."""
    rows, table = rows_of(600), table_of(PURCHASE)
    design = design_of(rows, table.units)
    exported, normal = export_isolation(trained(IsolationForest(n_estimators=trees, random_state=1), design.apply(rows)))
    made = Parts(design, exported, normal, quantiles_of(rows, np.arange(len(rows))))
    if calibrated:
        later = rows_of(3_000, seed=2)
        made = made._replace(ranks=Ranks([Cohort(None, None, len(later))], [rank(KindModel(PURCHASE, made).raw(later))]))
    return made
