"""The model of one kind of subject: its parts, as arrays that go into an artifact, checked when they come out of one, and what they say.

Its score is that of an isolation forest, 2^(-sum / normal): 0.5 is as isolated as anybody, towards 1 ever more unusual; it is raised for
whoever goes beyond all that was usual, see anomaly/excess. Where there were labels a boosted forest gives `p_fraud` as well. Ages and plans
only choose the peers that a score is ranked among.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratelimit.anomaly.artifact import Artifact
from ratelimit.anomaly.design import Design
from ratelimit.anomaly.excess import Excess
from ratelimit.anomaly.forest import Forest, Trees
from ratelimit.anomaly.quantiles import Quantiles
from ratelimit.anomaly.ranks import Knots, Ranks
from ratelimit.anomaly.reasons import Reasons
from ratelimit.anomaly.signal_table import ModelKind, table_of
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.spread import Spread

_MOST: Final = float(np.finfo(np.float32).max)
_DTYPES: Final = {
    "feature": np.int16,
    "threshold": np.float32,
    "value": np.float64,
    "normal": np.float64,
    "fills": np.float64,
    "indicated": np.int16,
    "logged": np.int16,
    "levels": np.float64,
    "edges": np.float64,
    "rank_ends": np.int64,
    "rank_scores": np.float64,
    "rank_risks": np.float64,
    "spread_cuts": np.float32,
    "spread_shares": np.float64,
    "fraud_feature": np.int16,
    "fraud_threshold": np.float32,
    "fraud_value": np.float64,
    "fraud_baseline": np.float64,
}

Floats = NDArray[np.float64]


class Parts(NamedTuple):
    """`normal` is the forest's sum at which the score is one half; `fraud` has the boosted trees and what their sum starts from.

    `spread` is how signals, and behind them risks, were spread on the days of `ranks`.
    """

    design: Design
    trees: Trees
    normal: float
    quantiles: Quantiles
    ranks: Ranks | None = None
    fraud: tuple[Trees, float] | None = None
    spread: Spread | None = None

    def arrays(self, kind: ModelKind) -> dict[str, NDArray[Any]]:
        """Everything by its name in an artifact. The cohorts of `ranks` go into the manifest."""
        found: dict[str, Any] = {**self.design._asdict(), **self.trees._asdict(), **self.quantiles._asdict(), "normal": [self.normal]}
        if self.ranks is not None:
            tables = self.ranks.tables
            found["rank_ends"] = np.cumsum([len(table.scores) for table in tables])
            found["rank_scores"] = np.concatenate([table.scores for table in tables])
            found["rank_risks"] = np.concatenate([table.risks for table in tables])
        if self.fraud is not None:
            trees, baseline = self.fraud
            found |= {f"fraud_{name}": array for name, array in trees._asdict().items()}
            found["fraud_baseline"] = [baseline]
        if self.spread is not None:
            found |= {f"spread_{name}": array for name, array in self.spread._asdict().items()}
        return {f"{kind}/{name}": np.asarray(array, _DTYPES[name]) for name, array in found.items()}


def read_parts(artifact: Artifact, kind: ModelKind) -> Parts | None:
    """The parts of a kind; None if the artifact has no model of it. Raises ArtifactError for arrays that do not fit together."""
    prefix = f"{kind}/"
    found = {name.removeprefix(prefix): array for name, array in artifact.arrays.items() if name.startswith(prefix)}
    if not found:
        return None
    for name, array in found.items():
        if array.dtype != (expected := np.dtype(_DTYPES.get(name, np.void))):
            raise artifact.error(f"{prefix}{name} holds {array.dtype}; expected " + (str(expected) if name in _DTYPES else "no such array"))
    try:
        return _parts(artifact, kind, found)
    except KeyError as error:
        raise artifact.error(f"{prefix}{error.args[0]} is missing") from None


def _parts(artifact: Artifact, kind: ModelKind, found: dict[str, NDArray[Any]]) -> Parts:
    design = Design(*(found[name] for name in Design._fields))
    trees = Trees(*(found[name] for name in Trees._fields))
    quantiles = Quantiles(*(found[name] for name in Quantiles._fields))
    signals = len(table_of(kind).names)
    problems = [design.problem(signals), trees.problem(design.columns), quantiles.problem(signals), _not_one("normal", found["normal"])]
    boosted = None
    if "fraud_value" in found:
        boosted = Trees(*(found[f"fraud_{name}"] for name in Trees._fields))
        problems += [boosted.problem(design.columns), _not_one("fraud_baseline", found["fraud_baseline"])]
    spread = None
    if "spread_cuts" in found:
        spread = Spread(*(found[f"spread_{name}"] for name in Spread._fields))
        problems.append(spread.problem(signals + 1))
    if (normal := found["normal"]).size and not normal.min() > 0:
        problems.append(f"normal is {normal.min()}; expected a number above 0")
    for problem in filter(None, problems):
        raise artifact.error(f"{kind}/: {problem}")
    fraud = None if boosted is None else (boosted, float(found["fraud_baseline"][0]))
    return Parts(design, trees, float(normal[0]), quantiles, _ranks(artifact, kind, found), fraud, spread)


def _not_one(name: str, array: Floats) -> str | None:
    fine = array.shape == (1,) and np.isfinite(array).all()
    return None if fine else f"{name} has the shape {array.shape}; expected one finite number"


def _ranks(artifact: Artifact, kind: ModelKind, found: dict[str, NDArray[Any]]) -> Ranks | None:
    calibration = artifact.manifest.calibration
    cohorts = () if calibration is None else calibration.cohorts.get(kind, ())
    if not cohorts:
        return None
    ends, scores, risks = found["rank_ends"], found["rank_scores"], found["rank_risks"]
    if ends.shape != (len(cohorts),) or (np.diff(ends, prepend=0) <= 0).any() or scores.shape != (ends[-1],) or risks.shape != (ends[-1],):
        raise artifact.error(
            f"{kind}/: ranks of {len(cohorts)} cohorts end at {ends[:9].tolist()}; expected that, and a knot at least for each"
        )
    tables = [Knots(*pair) for pair in zip(np.split(scores, ends[:-1]), np.split(risks, ends[:-1]), strict=True)]
    for table in tables:
        rises = (np.diff(table.scores) > 0).all() and (np.diff(table.risks) >= 0).all() and np.isfinite(table.scores).all()
        if not (rises and table.scores[0] >= 0 and table.scores[-1] < 2 and table.risks[0] >= 0 and table.risks[-1] <= 1):
            raise artifact.error(f"{kind}/: a rank falls, or is none from 0 to 1; expected risk to rise with the score")
    return Ranks(cohorts, tables)


class KindModel:
    """What is said of rows of one kind, by rows of signals (n, signals), which may hold NaN and infinities."""

    def __init__(self, kind: ModelKind, parts: Parts) -> None:
        self.kind: Final = kind
        self.parts: Final = parts
        self._table = table_of(kind)
        self._known = np.asarray(np.isfinite(parts.quantiles.edges).any(axis=1))
        self._forest = Forest(parts.trees)
        self._fraud = Forest(parts.fraud[0]) if parts.fraud is not None else None
        self._excess = Excess(parts.quantiles, self._table.counted, self._table.halved_by)
        self._reasons = Reasons(parts.quantiles, self._table.names)

    def lacking(self, rows: Floats) -> NDArray[np.bool_]:
        """Which rows say too little for a risk."""
        return self._table.lacking(rows, self._known)

    def raw(self, rows: Floats) -> Floats:
        """The scores, 0..1; also of a model that is not calibrated."""
        scores: Floats = np.exp2(self._forest.sum(self.parts.design.apply(rows)) / -self.parts.normal)
        return self._excess.joined(scores, rows)

    def risks(self, rows: Floats, plans: Sequence[str | None]) -> Floats:
        """The share of peers' days that were less unusual; NaN: not calibrated, or too much is missing."""
        if self.parts.ranks is None:
            return np.full(len(rows), np.nan)
        risks = self.parts.ranks.risks(self.raw(rows), plans, rows[:, self._table.age])
        risks[self.lacking(rows)] = np.nan
        return risks

    def p_fraud(self, rows: Floats) -> Floats:
        """The probability of fraud as labels taught it; NaN where there were none, or too much is missing."""
        if self._fraud is None or self.parts.fraud is None:
            return np.full(len(rows), np.nan)
        log_odds = self._fraud.sum(self.parts.design.apply(rows)) + self.parts.fraud[1]
        chances: Floats = (1 + np.tanh(log_odds / 2)) / 2  # the logistic function, without its overflow
        chances[self.lacking(rows)] = np.nan
        return chances

    def reasons(self, rows: Floats) -> list[tuple[SignalReason, ...]]:
        """Of each row the signals that lie farthest out."""
        return self._reasons.of(np.clip(rows, -_MOST, _MOST))
