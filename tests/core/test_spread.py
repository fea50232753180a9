"""The stability index: about 0 where nothing has changed, and told where something has, also what is missing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.spread import BINS, MISSING, Spread

CUTS = np.tile(np.arange(1, BINS, dtype=np.float32), (2, 1))


def rows(count: int, seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Two columns over the bins; a tenth of the second is missing."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, BINS, (count, 2))
    values[rng.random(count) < 0.1, 1] = np.nan
    return values


def test_which_bin() -> None:
    """A value at a cut lies below it; what is missing has a bin of its own, and infinity is the last."""
    counts = Spread(CUTS, np.zeros((2, BINS + 1))).counts(np.array([[1.0, np.nan], [1.5, np.inf], [9.0, -np.inf]]))
    assert np.flatnonzero(counts[0]).tolist() == [0, 1, 8]
    assert np.flatnonzero(counts[1]).tolist() == [0, BINS - 1, MISSING]
    assert counts.sum(axis=1).tolist() == [3, 3]


def test_what_is_a_third_in_float32_is_one_here() -> None:
    """A cut that was stored as float32 has the same value below it when that comes as float64."""
    third, seventh = np.float32(1 / 3), np.float32(0.7)
    spread = Spread(np.array([[third] * 9, [seventh] * 9]), np.zeros((2, BINS + 1)))
    assert np.flatnonzero(spread.counts(np.array([[1 / 3, 0.7]]))[0]).tolist() == [0]
    assert np.flatnonzero(spread.counts(np.array([[1 / 3, 0.7]]))[1]).tolist() == [0]


def test_the_same_is_near_nothing_and_a_shift_is_told() -> None:
    """Other rows of the same kind have an index near 0; those that moved by a bin and a half, or are missing more often, more than 0.25."""
    spread = Spread.of(CUTS, rows(5_000))
    assert spread.psi(spread.counts(rows(5_000, seed=1))).max() < 0.02
    later = rows(5_000, seed=2) + np.array([1.5, 0.0])
    later[: len(later) // 2, 1] = np.nan
    assert spread.psi(spread.counts(later)).min() > 0.25


@given(usual=st.lists(st.integers(0, 50), min_size=11, max_size=11), seen=st.lists(st.integers(0, 50), min_size=11, max_size=11))
def test_never_below_nothing_and_the_same_both_ways(usual: list[int], seen: list[int]) -> None:
    """The index is never negative, is 0 of the same, and of A against B what it is of B against A."""
    first, second = (np.array([counts], float) + 0.01 for counts in (usual, seen))
    one, other = (Spread(CUTS[:1], counts / counts.sum()) for counts in (first, second))
    assert one.psi(second)[0] >= 0
    assert one.psi(first)[0] == pytest.approx(0, abs=1e-12)
    assert one.psi(second)[0] == pytest.approx(other.psi(first)[0])


@pytest.mark.parametrize(
    ("cuts", "shares", "problem"),
    [
        (CUTS[:1], np.full((2, 11), 1 / 11), "spread_cuts has the shape"),
        (CUTS, np.full((2, 10), 0.1), "spread_shares"),
        (CUTS[:, ::-1], np.full((2, 11), 1 / 11), "fall"),
        (CUTS * np.float32(np.nan), np.full((2, 11), 1 / 11), "hold NaN"),
        (CUTS, np.full((2, 11), 0.2), "no shares"),
        (CUTS, np.full((2, 11), np.nan), "no shares"),
    ],
)
def test_what_is_no_spread(cuts: np.ndarray, shares: np.ndarray, problem: str) -> None:
    """Arrays that do not fit together are told."""
    assert Spread.of(CUTS, rows(100)).problem(2) is None
    assert problem in str(Spread(cuts, shares).problem(2))
