"""A challenger beside the champion: it scores one batch in four, decides nothing, and is counted by whether both would act on the same.

One in four, since a second model costs as much as the first; which one that is has nothing to do with whom it is about.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ratelimit.core.policy import Policy
from ratelimit.core.protocols import RiskModel
from ratelimit.core.signals import Kind, Rows

EVERY: Final = 4  # batches
CHANCES: Final = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)  # between which those of fraud are counted

Above = Literal["neither", "champion", "challenger", "both"]  # whose risk is above the policy's bound
ABOVE: Final[tuple[Above, ...]] = ("neither", "champion", "challenger", "both")

Floats = NDArray[np.float64]


class Challenge:
    """That of one sidecar; `model` is the challenger, None while there is none."""

    def __init__(self) -> None:
        self.model: RiskModel | None = None
        self.above: Counter[tuple[Kind, Above]] = Counter()  # rows that both models know a risk of
        self.chances: dict[Kind, NDArray[np.int64]] = {}  # of fraud, the rows that the challenger knows one of: between CHANCES, by labels
        self.chance: dict[Kind, float] = {}  # their sum
        self._bound, self._batches = 1.0, 0

    def adopt(self, policy: Policy) -> None:
        """A policy is in force."""
        self._bound = policy.risk.throttle.above if policy.risk is not None else 1.0

    def see(self, kind: Kind, rows: Rows, plans: Sequence[str | None], risks: Floats) -> None:
        """A batch that the champion gave these risks."""
        if self.model is None:
            return
        self._batches += 1
        if self._batches % EVERY:
            return
        others = self.model.score(kind, rows, plans)
        known = ~(np.isnan(risks) | np.isnan(others))
        acts = (risks[known] > self._bound) + 2 * (others[known] > self._bound)
        for above, count in zip(ABOVE, np.bincount(acts, minlength=len(ABOVE)).tolist(), strict=True):
            self.above[kind, above] += count
        self._count_chances(kind, self.model.p_fraud(kind, rows))

    def _count_chances(self, kind: Kind, chances: Floats) -> None:
        chances = chances[~np.isnan(chances)]
        if not len(chances):
            return
        counts = np.bincount(np.searchsorted(CHANCES, chances), minlength=len(CHANCES) + 1)
        self.chances[kind] = self.chances.get(kind, 0) + counts
        self.chance[kind] = self.chance.get(kind, 0.0) + float(chances.sum())
