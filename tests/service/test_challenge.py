"""The challenger: one batch in four, who would act on whom, and nothing where either knows nothing."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ratelimit.core.signals import NAMES, Kind, Rows
from ratelimit.service.challenge import CHANCES, EVERY, Challenge
from tests.service.test_model_watch import policy
from tests.service.test_usage import FixedScorer

RISKS = np.array([0.1, 1.0, 0.1, 1.0, np.nan, 1.0])
OTHERS = np.array([0.1, 0.1, 1.0, 1.0, 1.0, np.nan])
FRAUD = np.array([0.0, 0.01, 0.02, 0.995, 1.0, np.nan])
ROWS = np.zeros((len(RISKS), len(NAMES)))
PLANS = [None] * len(RISKS)


class Challenger(FixedScorer):
    """Says those, and counts how often it was asked."""

    asked = 0

    def __init__(self) -> None:
        super().__init__(0.0)

    def score(self, kind: Kind, rows: Rows, plans: Sequence[str | None]) -> Rows:  # noqa: ARG002
        self.asked += 1
        return OTHERS

    def p_fraud(self, kind: Kind, rows: Rows) -> Rows:  # noqa: ARG002
        return FRAUD


@pytest.fixture
def challenge(tmp_path: Path) -> Challenge:
    found = Challenge()
    found.adopt(policy(tmp_path))
    return found


def test_who_acts_on_whom(challenge: Challenge) -> None:
    """Each row is counted by which of the two is above the bound; not where either has no risk."""
    challenge.model = Challenger()
    for _ in range(2 * EVERY):
        challenge.see("ip", ROWS, PLANS, RISKS)
    assert challenge.above == {("ip", above): 2 for above in ("neither", "champion", "challenger", "both")}


def test_chances_of_fraud(challenge: Challenge) -> None:
    """They are counted up to and including each bound, and what is unknown is not."""
    challenge.model = Challenger()
    for _ in range(EVERY):
        challenge.see("ip", ROWS, PLANS, RISKS)
    counts = challenge.chances["ip"].tolist()
    assert (counts[0], counts[1], counts[-1], sum(counts), len(counts)) == (2, 1, 2, 5, len(CHANCES) + 1)
    assert challenge.chance["ip"] == pytest.approx(np.nansum(FRAUD))


def test_one_batch_in_four(challenge: Challenge) -> None:
    """The challenger costs a quarter of what the champion does."""
    challenge.model = challenger = Challenger()
    for _ in range(5 * EVERY + 1):
        challenge.see("ip", ROWS, PLANS, RISKS)
    assert challenger.asked == 5


def test_without_one(challenge: Challenge) -> None:
    """Nothing is counted."""
    for _ in range(EVERY):
        challenge.see("ip", ROWS, PLANS, RISKS)
    assert not challenge.above
    assert not challenge.chances
