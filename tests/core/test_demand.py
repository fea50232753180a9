"""The estimate that sizes leases: it follows the demand, forgets within seconds, and never counts anything twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.demand import Demand

S = 1_000_000
LIFE = 200_000


def after(rate: int, seconds: float, every_us: int = 20_000) -> float:
    """What is expected in a lease's life after so long at `rate` tokens per second."""
    demand, expected = Demand(0), 0.0
    for now in range(every_us, int(seconds * S) + 1, every_us):
        demand.arrived += rate * every_us // S
        expected = demand.expected(now, LIFE)
    return expected


@pytest.mark.parametrize("rate", [100, 1_000, 50_000])
def test_steady_demand_is_expected_to_go_on(rate: int) -> None:
    """After a few seconds it expects what came: a fifth of a second's worth."""
    assert after(rate, 5) == pytest.approx(rate / 5, rel=0.01)


def test_cold_key_is_not_hot() -> None:
    """One request, or two a second, expect less than one in a lease's life."""
    demand = Demand(0)
    for now in (0, S // 2, S):
        demand.arrived += 1
        assert demand.expected(now, LIFE) < 1


def test_quiet_key_is_forgotten() -> None:
    """Ten seconds without a request leave nothing of any demand."""
    demand = Demand(0)
    demand.arrived += 1_000_000
    demand.expected(1_000, LIFE)
    assert demand.expected(10 * S, LIFE) < 0.01


@given(st.lists(st.tuples(st.integers(0, S), st.integers(0, 1_000)), min_size=1))
def test_estimate_is_never_negative(steps: list[tuple[int, int]]) -> None:
    """Whatever arrives, at whatever distance, the estimate lies between nothing and all of it at once."""
    demand, now, total = Demand(0), 0, 0
    for passed, arrived in steps:
        now += passed
        demand.arrived += arrived
        total += arrived
        assert 0 <= demand.expected(now, LIFE) <= total


def test_quiet_is_since_the_last_look() -> None:
    """Each look asks what came since the one before."""
    demand = Demand(0)
    assert demand.unasked()
    demand.arrived += 1
    assert not demand.unasked()
    assert demand.unasked()
