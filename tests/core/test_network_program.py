"""When card networks hold a merchant to have too many disputes."""

import pytest

from ratelimit.core.network_program import ECM, HECM, VAMP_EXCESSIVE, Threshold, is_near, reached


@pytest.mark.parametrize(
    ("threshold", "count", "whole", "expected"),
    [
        (VAMP_EXCESSIVE, 1_500, 10_000, False),  # more than 1,500
        (VAMP_EXCESSIVE, 1_501, 100_067, False),
        (VAMP_EXCESSIVE, 1_501, 100_066, True),
        (ECM, 99, 1_000, False),
        (ECM, 100, 6_667, False),
        (ECM, 100, 6_666, True),
        (HECM, 300, 10_000, True),
        (HECM, 300, 10_001, False),
        (ECM, 100, 0, False),
    ],
)
def test_reached(threshold: Threshold, count: int, whole: int, expected: bool) -> None:
    """Both the count and the ratio have to be there."""
    assert reached(threshold, count, whole) is expected


def test_near() -> None:
    """A few of very few are no reason to act, whatever their ratio."""
    assert is_near(ECM, 10, 1_000)
    assert not is_near(ECM, 10, 2_000)
    assert not is_near(ECM, 9, 100)
    assert not is_near(ECM, 0, 0)
