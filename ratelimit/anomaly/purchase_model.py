"""The model of purchases in service: what core/protocols calls a PurchaseScorer. Pure NumPy; it never trains.

Its risk is the share of the account-days of its peers (purchases, setups or grants, by new and old accounts) that were less unusual.
"""

from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from ratelimit.anomaly.model import Model
from ratelimit.anomaly.signal_table import PURCHASE
from ratelimit.core.purchase_signals import COLUMN
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.spread import Spread

PURCHASE_KINDS: Final = ("purchase", "setup", "grant")

_SETUP, _GRANT = COLUMN["is_setup"], COLUMN["is_grant"]

Floats = NDArray[np.float64]


class PurchaseModel:
    """`version` is the artifact's; `calibrated`: it was ranked on the site's own purchases."""

    def __init__(self, model: Model) -> None:
        self.model: Final = model
        self.version: Final = model.version
        self.calibrated: Final = model.calibrated

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The model in a folder. Raises ArtifactError."""
        return cls(Model.read(folder, "purchases"))

    def score(self, rows: Floats) -> Floats:
        """Risk (n,) of rows (n, signals), 0..1; NaN where none is known, and all NaN if not `calibrated`."""
        return self.model.score(PURCHASE, rows, [kind_of(row) for row in rows])

    def raw(self, rows: Floats) -> Floats:
        """Scores (n,), 0..1, the higher the more unusual: no share of anything, but there before calibration."""
        return self.model.raw(PURCHASE, rows)

    def p_fraud(self, rows: Floats) -> Floats:
        """Probability of fraud (n,); NaN where no labels taught it."""
        return self.model.p_fraud(PURCHASE, rows)

    def spread(self) -> Spread | None:
        """How signals and risks were spread on the days that it was ranked on; None for simulated days."""
        return self.model.spread(PURCHASE)

    def reasons(self, row: Floats) -> tuple[SignalReason, ...]:
        """The three signals of one purchase (signals,) that lie farthest in their tails, the farthest first."""
        return self.model.reasons(PURCHASE, row)


def kind_of(row: Floats) -> str:
    """Among which peers a row is ranked."""
    return PURCHASE_KINDS[2 if row[_GRANT] > 0 else 1 if row[_SETUP] > 0 else 0]
