"""Estimates from a sample: right on the average, and in their interval about as often as they say."""

import random

import pytest

from ratelimit.core.estimate import Drawn, drawn, estimate, share


def test_counted() -> None:
    """What stands for itself is counted, and is no estimate."""
    found = estimate(drawn(1, 900))
    assert (found.value, found.low, found.high, found.exact) == (900, 900, 900, True)


def test_nothing_was_drawn() -> None:
    """Where no row of a sample is there, some 3.7 rows' worth may be behind it at most; without a sample nothing is."""
    found = estimate(Drawn(), 1_000)
    assert (found.value, found.low, round(found.high, -1)) == (0, 0, 3_670)
    assert estimate(Drawn()).exact


@pytest.mark.parametrize(("rows", "low", "high"), [(1, 0.025, 5.57), (4, 1.09, 10.24), (100, 81.4, 121.6)])  # exact Poisson limits
def test_limits(rows: int, low: float, high: float) -> None:
    """The interval is that of a Poisson number, within 1 % of the exact one where there are more than a few rows."""
    found = estimate(drawn(1_000, rows))
    assert found.value == 1_000 * rows
    assert found.low / 1_000 == pytest.approx(low, rel=0.02, abs=0.02)
    assert found.high / 1_000 == pytest.approx(high, rel=0.02)


def test_coverage() -> None:
    """In some 95 of 100 samples the true number lies in the interval, with rows of two weights among them."""
    lots, hits = random.Random(7), 0
    for _ in range(400):
        some = sum(lots.random() < 0.01 for _ in range(1_000))
        others = sum(lots.random() < 0.1 for _ in range(100))
        found = estimate(drawn(100, some).and_(drawn(10, others)).and_(drawn(1, 50)))
        hits += found.low <= 1_150 <= found.high
    assert 0.92 <= hits / 400 <= 0.995


def test_share() -> None:
    """A part of it has that part of its interval."""
    whole = estimate(drawn(10, 9))
    assert share(whole, 0.5).high == whole.high / 2
