"""A run of slots in a sidecar's hand: not before its time, not after its life, by a clock that may drift."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.bucket import Grant, Terms
from ratelimit.core.lease import DRIFT_PPM, Lease
from ratelimit.core.units import Refill

MS = 1_000
SENT, REPLIED = 5_000_000, 5_003_000
TERMS = Terms(40, *Refill.parse("10/s"))


def lease(first: int, leased: int = 10, charged: int = 0, terms: Terms = TERMS, stock: int = 1) -> Lease:
    return Lease(terms, Grant(leased, first, 77, 9_000_000, stock, []), charged, SENT, REPLIED)


def test_worked_example() -> None:
    """The example in the module's head is true."""
    run = lease(30 * MS)
    assert run.ripe_at(1) == REPLIED + 30_030
    assert run.ripe_at(2) == REPLIED + 130_130
    assert run.expires == SENT + 199_800 - 1


@pytest.mark.parametrize(
    ("first", "charged", "slots", "wait"),
    [
        (-500 * MS, 0, 1, -500 * MS),  # long there
        (-500 * MS, 0, 6, 0),
        (-500 * MS, 0, 7, 100_100),  # beyond the stock: ripens a slot's time later, and the drift
        (-500 * MS, 6, 1, 100_100),  # what was charged came first in the run
        (1, 0, 1, 2),
    ],
)
def test_ripening(first: int, charged: int, slots: int, wait: int) -> None:
    """Slots ripen 100 ms apart from `first` on, counted from the arrival of the reply."""
    assert lease(first, charged=charged).ripe_at(slots) == REPLIED + wait


def test_taken_slots_are_the_ripest() -> None:
    """After some were taken the next are riper than what was asked before by as much."""
    run = lease(0)
    third = run.ripe_at(3)
    run.take(2)
    assert (run.slots, run.leased, run.ripe_at(1)) == (8, 10, third)
    run.put_back(2)
    assert (run.slots, run.ripe_at(3)) == (10, third)


def test_all_ripe() -> None:
    """`ripe` is when the last slot is, whatever was taken meanwhile."""
    run = lease(0)
    assert run.ripe == run.ripe_at(10)
    run.take(4)
    assert run.ripe == run.ripe_at(6)


@pytest.mark.parametrize(("leased", "stock", "low"), [(20, 1, 2), (7, 1, 0), (20, 0, -1), (20, -5, -1)])
def test_when_to_renew(leased: int, stock: int, low: int) -> None:
    """A renewal is due at an eighth, and never where the store has nothing left."""
    assert lease(0, leased, stock=stock).low == low


@given(
    st.integers(-1_000_000, 100_000),
    st.integers(1, 50),
    st.sampled_from(["1/s", "3/s", "10/s", "7777/s"]),
    st.integers(1_000_000 - DRIFT_PPM, 1_000_000 + DRIFT_PPM),
)
def test_drift_never_favours_us(first: int, slots: int, refill: str, rate: int) -> None:
    """With a clock off by up to the bound, no slot is spent before the store has it, and none after the store lets it lapse.

    Both clocks read 0 when the call is sent, executed and answered at once: the least time that a call can take.
    """
    terms = Terms(200, *Refill.parse(refill))
    run = Lease(terms, Grant(slots, first, 77, 0, 1, []), 0, 0, 0)
    for k in range(1, slots + 1):
        there = first + Fraction((k - 1) * terms.per, terms.num)
        if there > 0:
            assert run.ripe_at(k) * 1_000_000 >= there * rate
        else:
            assert run.ripe_at(k) <= 0  # at once
    assert (run.expires + 1) * 1_000_000 <= terms.life * rate  # the last instant at which it says that it lives
