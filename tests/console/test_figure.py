"""Small server-made figures."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.console.figure import bars, sparkline


@pytest.mark.parametrize(
    ("values", "paths"),
    [
        ([], ()),
        ([None, None], ()),
        ([0, 0], ("M1.5 20.5L80.5 20.5",)),
        ([0, 10, 5], ("M1.5 20.5L41.0 1.5L80.5 11.0",)),
        ([1, None, 1], ("M1.5 1.5h.1", "M80.5 1.5h.1")),
    ],
)
def test_sparkline(values: list[float | None], paths: tuple[str, ...]) -> None:
    """A line stands on zero, its highest value at the top; what is missing is a gap, not zero."""
    assert sparkline(values) == paths


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=6), st.floats(50, 500))
def test_bars_fill_their_width(amounts: list[float], width: float) -> None:
    """Parts stand side by side in order, none over another, all of them inside; what is little is still seen."""
    found = bars([("ink", amount) for amount in amounts], width)
    assert len(found) == sum(amount > 0 for amount in amounts)
    assert all(bar.width > 0.5 for bar in found)
    for one, next_one in pairwise(found):
        assert one.left + one.width <= next_one.left
    if found:
        assert found[-1].left + found[-1].width == pytest.approx(width, abs=0.2)


def test_bars_are_in_proportion() -> None:
    """Twice as much is twice as wide."""
    one, two = bars((("block", 100), ("throttle", 200)), 302)
    assert (one.kind, one.width, two.width) == ("block", 100.0, 200.0)
    assert bars((("block", 0), ("ink", 0)), 100) == ()
