"""A model in service: one artifact, asked by kind of subject. Pure NumPy; it never trains, and changes by being replaced.

It is what core/protocols calls a RiskModel. A kind that the artifact does not know has no risk.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ratelimit.anomaly.artifact import Artifact, read_artifact
from ratelimit.anomaly.kind_model import KindModel, read_parts
from ratelimit.anomaly.signal_table import FAMILIES, Family, ModelKind
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.spread import Spread

Floats = NDArray[np.float64]


class Model:
    """`version` is the artifact's; `calibrated`: there is a risk for some kind, ranked on days that were lived."""

    def __init__(self, artifact: Artifact, family: Family = "requests") -> None:
        self.version = artifact.version
        self.manifest = artifact.manifest
        parts = {kind: read_parts(artifact, kind) for kind in FAMILIES[family]}
        self.kinds = {kind: KindModel(kind, found) for kind, found in parts.items() if found is not None}
        if not self.kinds:
            raise artifact.error(f"holds no model of any of {', '.join(FAMILIES[family])}")
        calibration = artifact.manifest.calibration
        self.calibrated = calibration is not None and not calibration.simulated and any(calibration.cohorts.values())

    @classmethod
    def read(cls, folder: Path, family: Family = "requests") -> Self:
        """The model of that family in a folder. Raises ArtifactError."""
        return cls(read_artifact(folder, family), family)

    def score(self, kind: ModelKind, rows: Floats, plans: Sequence[str | None]) -> Floats:
        """Risk (n,) of rows (n, signals), 0..1, each among its peers; NaN where none is known, and all NaN if not `calibrated`."""
        known = self.kinds.get(kind) if self.calibrated else None
        return known.risks(rows, plans) if known is not None else np.full(len(rows), np.nan)

    def raw(self, kind: ModelKind, rows: Floats) -> Floats:
        """Scores (n,), 0..1, the higher the more unusual: no share of anything, but there before calibration; NaN for an unknown kind."""
        known = self.kinds.get(kind)
        return known.raw(rows) if known is not None else np.full(len(rows), np.nan)

    def p_fraud(self, kind: ModelKind, rows: Floats) -> Floats:
        """Probability of fraud (n,); NaN where no labels taught it."""
        known = self.kinds.get(kind)
        return known.p_fraud(rows) if known is not None else np.full(len(rows), np.nan)

    def spread(self, kind: ModelKind) -> Spread | None:
        """How signals and risks were spread on the days that it was ranked on; None for simulated days, which say nothing of the site."""
        known = self.kinds.get(kind) if self.calibrated else None
        return known.parts.spread if known is not None else None

    def reasons(self, kind: ModelKind, row: Floats) -> tuple[SignalReason, ...]:
        """The three signals of one subject (signals,) that lie farthest in their tails, the farthest first."""
        known = self.kinds.get(kind)
        return known.reasons(row[None])[0] if known is not None else ()
