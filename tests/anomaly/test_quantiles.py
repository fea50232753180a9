"""Quantile tables: shares that hold, and nothing in them that is one subject's."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.anomaly.quantiles import LEAST_SUBJECTS, Quantiles, Tails, quantiles_of


@given(seed=st.integers(0, 2**32 - 1), subjects=st.integers(60, 600), ties=st.sampled_from([1, 3, 1_000]), known=st.floats(0.02, 1))
def test_tail_share_is_never_too_small(seed: int, subjects: int, ties: int, known: float) -> None:
    """At most so many subjects lie at least as far out as any value, in either tail, with many equal values and with missing ones."""
    rng = np.random.default_rng(seed)
    column = np.floor(rng.pareto(1.0, subjects) * ties)
    column[rng.random(subjects) > known] = np.nan
    found = quantiles_of(column[:, None], np.arange(subjects))
    some = column[~np.isnan(column)]
    asked = np.concatenate([some, some + 0.5, [-1.0, 1e9, np.nan]])
    shares = Tails(found).of(asked[:, None])[:, 0]
    for value, share in zip(asked[:-1], shares[:-1], strict=True):
        least = min((some >= value).mean(), (some <= value).mean()) if len(some) else 0
        assert least <= share + 1e-9
    assert shares[-1] == 1


@given(seed=st.integers(0, 2**32 - 1), subjects=st.integers(60, 1_000), known=st.floats(0.02, 1))
def test_a_step_holds_enough_subjects(seed: int, subjects: int, known: float) -> None:
    """Between any two edges that differ, below the first and above the last there are at least 20 subjects."""
    rng = np.random.default_rng(seed)
    column = rng.standard_normal(subjects)
    column[rng.random(subjects) > known] = np.nan
    (edges,) = quantiles_of(column[:, None], np.arange(subjects)).edges
    bounds = [-np.inf, *np.unique(edges[np.isfinite(edges)]), np.inf]
    some = column[~np.isnan(column)]
    counts = [int(((some > low) & (some <= high)).sum()) for low, high in pairwise(bounds)]
    assert len(counts) == 1 or min(counts) >= LEAST_SUBJECTS - 1  # of n·0.1 subjects, either of two neighbours may be the edge


def test_subjects_weigh_the_same() -> None:
    """One subject with a thousand rows moves no edge by more than another does."""
    values = np.concatenate([np.arange(100.0), np.full(1_000, 99.0)])
    subjects = np.concatenate([np.arange(100), np.full(1_000, 99)])
    alone = quantiles_of(values[:100, None], subjects[:100])
    assert quantiles_of(values[:, None], subjects).edges.tolist() == alone.edges.tolist()


def test_normal_range() -> None:
    """90 % of the subjects lie in it; where the tables do not reach so far out it has no end."""
    plain = quantiles_of(np.arange(1_000.0)[:, None], np.arange(1_000))
    low, high = plain.normal()[0]
    assert 0 < low <= 50
    assert 949 <= high < 980
    assert quantiles_of(np.arange(100.0)[:, None], np.arange(100)).normal().tolist() == [[-np.inf, np.inf]]


def test_too_few_subjects() -> None:
    """With fewer than three steps there is no table."""
    with pytest.raises(ValueError, match="59 subjects are too few"):
        quantiles_of(np.zeros((590, 1)), np.arange(590) % 59)


@pytest.mark.parametrize(
    ("levels", "edges", "problem"),
    [
        ([0.1, 0.9], [[1, 2, 3]], "edges has the shape (1, 3)"),
        ([], [[]], "at most 1000 levels"),
        ([0.1, 1.0], [[1, 2]], "levels do not rise"),
        ([0.9, 0.1], [[1, 2]], "levels do not rise"),
        ([0.1, 0.8], [[1, 2]], "the same on both sides"),
        ([0.1, np.nan], [[1, 2]], "levels do not rise"),
        ([0.1, 0.9], [[2, 1]], "edges hold NaN, or fall"),
        ([0.1, 0.9], [[np.nan, 1]], "edges hold NaN, or fall"),
    ],
)
def test_what_is_no_table(levels: list[float], edges: list[list[float]], problem: str) -> None:
    """Levels that do not rise and edges that fall are told."""
    assert Quantiles(np.array([0.1, 0.9]), np.array([[1.0, 1.0]])).problem(1) is None
    assert problem in str(Quantiles(np.array(levels), np.array(edges, float)).problem(1))
