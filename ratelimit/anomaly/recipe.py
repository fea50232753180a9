"""How a model is made: what of a log is trained on, and how its forests are grown. The same log and recipe give the same model."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from ratelimit.anomaly.signal_table import Family

MATURE_DAYS: Final = 120  # within which a purchase may still be disputed


class Recipe(NamedTuple):
    """How a model is made. `trim` is the share of subjects left out as the most unusual, `samples` what each tree is grown on.

    Labels count that were known `label_days` after the last day that is trained on. Who has none is taken to be honest if it was
    `mature_days` ago by then; else it teaches nothing. `later` is the share of what is taught by, the latest, on which chances are
    set right, see anomaly/boosting; 0: they stay as they are.
    """

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
    rate: float = 0.1  # of its learning
    leaf: int = 20  # rows at least in each of its leaves
    features: float = 1.0  # the share of columns that each of its cuts is chosen among
    mature_days: int = 0
    label_days: int = 0
    later: float = 0.0


# Purchases: of 170 signals that go together in bundles a cut that sees a third of them finds more than one that sees all, and small steps
# more than large ones (on the Fraud Detection Handbook's transactions, average precision .68 against .66).
RECIPES: Final[Mapping[Family, Recipe]] = {
    "requests": Recipe(),
    "purchases": Recipe(
        samples=2_048, trim=0.05, warm_days=7, steps=200, rate=0.05, leaf=40, features=0.3, mature_days=MATURE_DAYS, label_days=7, later=0.3
    ),
}
