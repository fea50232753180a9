"""The model of a replay. Whatever its scores were ranked on, here it has risks to give, and the report says what they are worth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ratelimit.anomaly.kind_model import KindModel
from ratelimit.anomaly.manifest import Cohort
from ratelimit.anomaly.model import Model
from ratelimit.anomaly.ranks import Ranks, rank
from ratelimit.anomaly.signal_table import ModelKind
from ratelimit.core.policy import Policy
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.signals import KINDS, Kind, Rows, too_much_missing
from ratelimit.core.subject import Single
from ratelimit.service.model_section import REQUESTS
from ratelimit.service.replay_flags import Ranked
from ratelimit.service.watch import Watch

ABOVE: Final = 0.999  # where no policy says it

_TICKS_A_DAY: Final = 86_400
_OWN: Final = (
    "not calibrated: ranked on this log's own days, so about one subject-day in a thousand is above 0.999 whoever they are; served, it "
    "gives no risk"
)

Floats = NDArray[np.float64]


class RankedModel:
    """A Scorer of models that are ranked on what is not a site's own past."""

    def __init__(self, version: str, kinds: Mapping[ModelKind, KindModel]) -> None:
        self.version = version
        self._kinds = kinds

    def score(self, kind: Kind, rows: Rows, plans: Sequence[str | None]) -> Floats:
        """Risk (n,) of rows; NaN for a kind without ranks."""
        known = self._kinds.get(kind)
        return known.risks(rows, plans) if known is not None else np.full(len(rows), np.nan)

    def reasons(self, kind: Kind, row: Floats) -> tuple[SignalReason, ...]:
        """The three signals that are farthest in their tails."""
        known = self._kinds.get(kind)
        return known.reasons(row[None])[0] if known is not None else ()

    def spread(self, kind: Kind) -> None:
        """Nothing drifts in a log that is over."""


class OwnDays:
    """The greatest score of each subject on each day of the log, collected in a first replay of it."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._greatest: dict[Kind, dict[tuple[Single, int], float]] = {kind: {} for kind in KINDS if kind in model.kinds}

    def see(self, kind: Kind, watches: list[Watch], ticks: list[int], rows: Rows) -> None:
        """A batch came back; the observer of what is scored."""
        greatest = self._greatest.get(kind)
        if greatest is None:
            return
        scores = np.where(too_much_missing(kind, rows), np.nan, self._model.raw(kind, rows))
        for watch, tick, score in zip(watches, ticks, scores.tolist(), strict=True):
            day = watch.value, tick // _TICKS_A_DAY
            if score > greatest.get(day, -1.0):
                greatest[day] = score

    def ranked(self) -> tuple[RankedModel, Ranked]:
        """The model, with ranks of all of a kind together."""
        kinds: dict[ModelKind, KindModel] = {}
        days: dict[Kind, int] = {}
        for kind, greatest in self._greatest.items():
            if greatest:
                days[kind] = len(greatest)
                ranks = Ranks([Cohort(None, None, len(greatest))], [rank(np.fromiter(greatest.values(), np.float64))])
                kinds[kind] = KindModel(kind, self._model.kinds[kind].parts._replace(ranks=ranks))
        return RankedModel(self._model.version, kinds), Ranked("own_days", _OWN, days)


def model_of(folder: Path | None, policies: Sequence[Policy]) -> Model | None:
    """The model in a folder; None: the first that a policy names, if any does."""
    named = (REQUESTS.champion(policy) for policy in policies)
    folder = folder or next((one for one in named if one is not None), None)
    return Model.read(folder) if folder is not None else None


def ranked(model: Model) -> tuple[Model | RankedModel, Ranked] | None:
    """The model with the ranks that it came with; None: it came with none, see OwnDays."""
    calibration = model.manifest.calibration
    if calibration is None or not any(calibration.cohorts.values()):
        return None
    span = f"{calibration.first} to {calibration.last}"
    if model.calibrated:
        return model, Ranked("calibrated", f"calibrated on {span}", {})
    words = f"simulated: ranked on days that nobody lived, {span}; served, it gives no risk"
    return RankedModel(model.version, model.kinds), Ranked("simulated", words, {})


def bound_of(policies: Sequence[Policy]) -> float:
    """Above which risk a subject is flagged: the lowest that a policy acts upon."""
    return min((policy.risk.throttle.above for policy in policies if policy.risk is not None), default=ABOVE)
