"""A row says what its rounds have in common, and whether that is enough."""

import pytest

from bench.row import Budget, Row, at_least, at_most, ratios


@pytest.mark.parametrize(
    ("budget", "values", "met"),
    [
        (at_least(2), (1.0, 2.0, 9.0), True),
        (at_least(2), (1.0, 1.9, 9.0), False),
        (at_most(2), (1.0, 2.0, 9.0), True),
        (at_most(2), (1.0, 2.1, 9.0), False),
        (at_most(2), (), None),
        (None, (1.0,), None),
    ],
)
def test_met(budget: Budget | None, values: tuple[float, ...], met: bool | None) -> None:
    """It is the median that keeps a budget; without a budget or a figure there is nothing to keep."""
    assert Row(group="g", name="n", unit="x", values=values, budget=budget).met is met


def test_ratios_are_taken_within_rounds() -> None:
    """What slows a whole round down cancels out."""
    assert ratios((10.0, 5.0), (20.0, 10.0)) == (0.5, 0.5)
