"""How many rows go into a transaction."""

import pytest

from ratelimit.review.pace import FIRST, Pace


@pytest.mark.parametrize("row_s", [1e-6, 2e-5, 1e-3])
def test_settles(row_s: float) -> None:
    """It comes to half of what is allowed, and stays there, as far as the bounds of its size let it."""
    pace = Pace(0.05)
    for _ in range(20):
        pace.took(pace.rows, pace.rows * row_s)
    assert pace.rows == pytest.approx(min(5_000, 0.025 / row_s), abs=1)


def test_a_stall() -> None:
    """One that took far too long makes the next a quarter, and it is soon as before."""
    pace, sizes = Pace(0.05), []
    for seconds in (0.0125, 0.0125, 0.7, 0.006, 0.0125):
        pace.took(pace.rows, seconds)
        sizes.append(pace.rows)
    assert sizes == [40, 80, 20, 40, 80]


def test_the_last_piece() -> None:
    """Of fewer rows than there might have been nothing is learned, unless they took too long."""
    pace = Pace(0.05)
    pace.took(3, 0.001)
    assert pace.rows == FIRST
    pace.took(12, 0.1)
    assert pace.rows == 5


def test_rows_that_take_very_long() -> None:
    """A few rows are taken each time, however long they take."""
    pace = Pace(0.05)
    for _ in range(9):
        pace.took(pace.rows, 9.0)
    assert pace.rows == 5
