"""The judge of over-admission: it accuses whoever is guilty, and nobody whose admissions could have happened within the limit."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.traffic.ledger import Admitted, Rate, overdraft

RATE = Rate(capacity=3, num=1, per=10)  # a token every 10 us


def at(*instants: int) -> list[Admitted]:
    """Admissions of one token at instants that are known."""
    return [Admitted(instant, instant, 1) for instant in instants]


def naive(lines: list[Admitted], rate: Rate) -> float:
    """The same by its definition: every window from a sending to a receipt, and what lies in it whole."""
    worst = -float(rate.capacity)
    for first, last in product(lines, repeat=2):
        held = sum(line.cost for line in lines if first.sent <= line.sent and line.received <= last.received)
        if held and first.sent <= last.received:
            worst = max(worst, held - rate.over(last.received - first.sent))
    return worst


@pytest.mark.parametrize(
    ("lines", "over"),
    [
        ([], -3),
        (at(0), -2),
        (at(0, 0, 0), 0),
        (at(0, 0, 0, 0), 1),
        (at(0, 0, 0, 10), 0),
        (at(0, 0, 0, 9), 0.1),
        (at(0, 0, 0, 10, 20, 30, 39), 0.1),  # a long window, each short one of which is within
        (at(0, 1_000, 1_000, 1_000, 1_005), 0.5),  # a pause before saves up no more than the capacity
        ([Admitted(0, 10, 4)], 0),
        ([Admitted(0, 9, 4)], 0.1),
        ([*at(5, 5, 5), Admitted(0, 20, 1)], 0),  # the fourth may have come at 20, long after the others
        ([*at(5, 5, 5), Admitted(4, 6, 1)], 0.8),  # it cannot have
        ([Admitted(0, 0, 0)], -3),
    ],
)
def test_worst_window(lines: list[Admitted], over: float) -> None:
    """By how many tokens the worst window exceeds what it may hold, in whatever order the admissions come."""
    assert overdraft(lines, RATE) == pytest.approx(over)
    assert overdraft(reversed(lines), RATE) == pytest.approx(over)


spans = st.builds(lambda sent, took, cost: Admitted(sent, sent + took, cost), st.integers(0, 60), st.integers(0, 25), st.integers(1, 3))


@given(st.lists(spans, min_size=1, max_size=14), st.builds(Rate, st.integers(1, 5), st.integers(1, 3), st.integers(1, 12)))
def test_one_pass_sees_what_every_window_shows(lines: list[Admitted], rate: Rate) -> None:
    """The one pass finds the same as a look at every window."""
    assert overdraft(lines, rate) == pytest.approx(naive(lines, rate))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 3), st.integers(0, 40), st.integers(0, 40)), max_size=40))
def test_nobody_is_accused_wrongly(asked: list[tuple[int, int, int, int]]) -> None:
    """What a true bucket admits is never over, however early it was sent and however late the answer came."""
    debt, now, admitted = 0, 0, []
    for pause, cost, before, after in asked:
        now += pause
        debt = max(0, debt - RATE.num * pause)
        if debt + cost * RATE.per <= RATE.capacity * RATE.per:
            debt += cost * RATE.per
            admitted.append(Admitted(now - before, now + after, cost))
    assert overdraft(admitted, RATE) <= 0
