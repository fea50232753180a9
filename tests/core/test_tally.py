"""Shares and ratios of a slice are there once there is enough to say, and not before."""

from math import isnan, nan
from struct import pack

import pytest

from ratelimit.core.tally import Counts, Tally, largest, read

HOUR = 500_000
NOW = HOUR * 3_600.0


def test_shares() -> None:
    """Of what was attempted in ten minutes, if it was fifteen or more."""
    tally = Tally(Counts(purchases=20, declines=5, setups=14, setup_failures=14), Counts(), 0)
    assert tally.decline_share == 0.25
    assert isnan(tally.setup_failure_share)
    assert isnan(tally.setup_failure_ratio)
    assert isnan(tally.attempts_ratio)


def test_ratios() -> None:
    """Against the same hour of the weeks before, which a common share of fifty attempts is added to."""
    tally = Tally(Counts(30, 15, 100, 50), Counts(200, 10, 400, 4), weeks=2)
    assert tally.decline_ratio == pytest.approx(0.5 / ((10 + 4) / 250))
    assert tally.setup_failure_ratio == pytest.approx(0.5 / ((4 + 4) / 450))
    assert tally.attempts_ratio == pytest.approx(130 / (600 / 2 / 6))


def test_a_site_that_is_new() -> None:
    """Without hours to look back to a share is compared with what is common, eight in a hundred."""
    assert Tally(Counts(20, 8), Counts(), 0).decline_ratio == pytest.approx(5)


@pytest.mark.parametrize(("hours_ago", "weeks"), [(0, 0), (167, 0), (168, 1), (400, 2), (9_999, 4)])
def test_weeks_that_are_known(hours_ago: int, weeks: int) -> None:
    """A site that is two weeks old has two weeks that were usual."""
    tally = read(pack("<9I", HOUR - hours_ago, 1, 2, 3, 4, 5, 6, 7, 8), NOW)
    assert tally == Tally(Counts(1, 2, 3, 4), Counts(5, 6, 7, 8), weeks)


def test_nothing_there() -> None:
    """A slice that was never seen has no attempts, and no share."""
    assert read(b"", NOW).latest == Counts()
    assert isnan(read(b"", NOW).decline_share)


def test_largest() -> None:
    """Of the values that are there."""
    assert largest([nan, 0.2, nan, 0.5]) == 0.5
    assert isnan(largest([nan]))
    assert isnan(largest([]))
