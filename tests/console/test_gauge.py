"""The one gauge: where a value stands."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.console.gauge import CASE, ROW, gauge, ruler


@pytest.mark.parametrize(
    ("signed", "dot", "stem"),
    [
        (0.0, 40.0, None),
        (2.0, 49.5, None),
        (3.0, 58.2, (49.5, 58.2)),
        (5.0, 75.5, (49.5, 75.5)),
        (9.0, 75.5, (49.5, 75.5)),
        (-4.0, 13.2, (30.5, 13.2)),
        (-1.0, 35.2, None),
    ],
)
def test_place(signed: float, dot: float, stem: tuple[float, float] | None) -> None:
    """Each third of an arm is ten times rarer; what is rarer than its end stands at its end; a usual value has no stem."""
    found = gauge(signed)
    assert (found.dot, found.stem) == (dot, stem)


@given(st.floats(-8, 8), st.floats(-8, 8), st.booleans())
def test_order(one: float, other: float, ticks: bool) -> None:
    """What is higher never stands farther left, and everything stands inside the picture."""
    left, right = sorted((one, other))
    assert gauge(left, ticks).dot <= gauge(right, ticks).dot
    assert 0 <= gauge(left, ticks).dot <= (CASE if ticks else ROW).width


def test_ruler() -> None:
    """Each step of the ruler is ten times rarer, the policy's threshold stands on it, and a risk of 1 at its end."""
    found = ruler(0.9994, (("throttle", 0.999),))
    places = [at for _, at in found.marks]
    assert [round(b - a) for a, b in pairwise(places)] == [80, 80, 80, 80]
    assert found.thresholds[0].at == dict(found.marks)["0.999"] < found.dot
    assert ruler(1.0).dot == found.arm[1]
    assert (ruler(0.5).usual, found.usual) == (True, False)
