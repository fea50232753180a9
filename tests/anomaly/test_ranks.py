"""From score to risk: a share of peers' days, rising with the score, among the narrowest peers of whom there are enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.anomaly.manifest import Cohort
from ratelimit.anomaly.ranks import Knots, Ranks, ages, rank

DAY = 86_400.0


@given(seed=st.integers(0, 2**32 - 1), days=st.integers(1, 5_000), digits=st.sampled_from([1, 3, 17]))
def test_risk_is_a_share_of_days(seed: int, days: int, digits: int) -> None:
    """The risk of a score is the share of days below it, but for what lies between two knots; above all it is n of n + 1."""
    rng = np.random.default_rng(seed)
    maxima = np.round(0.4 + 0.3 * rng.beta(2, 6, days), digits)
    table = rank(maxima)
    assert (np.diff(table.scores) > 0).all()
    assert (np.diff(table.risks) >= 0).all()
    ordered = np.sort(maxima)
    for score in rng.choice(maxima, 20):
        risk = np.interp(score, *table, left=0.0)
        below, not_above = (np.searchsorted(ordered, score, side) / (days + 1) for side in ("left", "right"))
        assert below - 0.01 <= risk <= not_above + 0.01
    assert np.interp(ordered[-1] + 0.1, *table, left=0.0) == days / (days + 1)
    assert np.interp(ordered[0], *table, left=0.0) == 0


def test_a_thousandth_can_be_told() -> None:
    """Of 20,000 days close to 20 are above the score whose risk is 0.999: the table is fine where it matters."""
    maxima = np.random.default_rng(1).standard_normal(20_000)
    table = rank(maxima)
    risks = np.interp(maxima, *table, left=0.0)
    assert abs(int((risks > 0.999).sum()) - 20) <= 1


def test_peers() -> None:
    """The plan at that age, else the plan, else everybody; whoever has no plan is a plan of their own; with no peers there is no risk."""
    cohorts = [Cohort("free", "new", 9), Cohort("free", None, 9), Cohort("", None, 9), Cohort(None, None, 9)]
    tables = [Knots(np.array([0.0, 1.0]), np.array([part, part])) for part in (0.1, 0.2, 0.3, 0.4)]
    asked: list[tuple[str | None, float]] = [("free", 0), ("free", DAY), ("free", 15 * DAY), (None, 0), ("pro", 0)]
    plans, seconds = [plan for plan, _ in asked], np.array([age for _, age in asked])
    scores = np.full(len(asked), 0.5)
    assert Ranks(cohorts, tables).risks(scores, plans, seconds).tolist() == [0.1, 0.2, 0.2, 0.3, 0.4]
    assert np.isnan(Ranks(cohorts[:1], tables[:1]).risks(scores, plans, seconds)).tolist() == [False, True, True, True, True]


@pytest.mark.parametrize(("seconds", "age"), [(0, "new"), (DAY - 1, "new"), (DAY, "young"), (14 * DAY - 1, "young"), (14 * DAY, "old")])
def test_ages(seconds: float, age: str) -> None:
    """A day is new no more, and two weeks are old."""
    assert ages(np.array([seconds])) == [age]


def test_endless_plans() -> None:
    """Plans that are made up one after another fill no memory, and each still has its peers."""
    ranks = Ranks([Cohort(None, None, 9)], [Knots(np.array([0.0, 1.0]), np.array([0.0, 1.0]))])
    for number in range(3_000):
        assert ranks.risks(np.array([0.25]), [f"plan{number}"], np.zeros(1)).tolist() == [0.25]
    assert len(ranks._found) <= 1_003
