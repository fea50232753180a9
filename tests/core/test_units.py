"""Quantities as people write them, and the rounding that all instants stand on."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.errors import UnitError
from ratelimit.core.units import Duration, Refill, ceil_div


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**9))
def test_ceil_div(a: int, b: int) -> None:
    """The quotient is rounded up, below zero too."""
    assert (ceil_div(a, b) - 1) * b < a <= ceil_div(a, b) * b


@pytest.mark.parametrize(
    ("text", "num", "per"),
    [
        ("10/s", 1, 100_000),
        ("1/s", 1, 1_000_000),
        ("100/min", 1, 600_000),
        ("0.5/h", 1, 7_200_000_000),
        ("1.5/s", 3, 2_000_000),
        ("30000/s", 3, 100),
        ("7 / second", 7, 1_000_000),
        (" 2/ms ", 1, 500),
        ("1/d", 1, 86_400_000_000),
        ("86400/day", 1, 1_000_000),
        ("3000000/s", 3, 1),
    ],
)
def test_refill_is_read(text: str, num: int, per: int) -> None:
    """A refill is a ratio of integers in lowest terms, per microsecond."""
    assert Refill.parse(text) == (num, per)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ten/s", "is not a refill"),
        ("10", "is not a refill"),
        ("-1/s", "is not a refill"),
        ("1e3/s", "is not a refill"),
        ("10/s/s", "is not a refill"),
        ("0/s", "never refills"),
        ("0.000/min", "never refills"),
        ("1/fortnight", "unknown unit 'fortnight'; expected one of ms, s, min, h, d"),
    ],
)
def test_refill_is_refused(text: str, problem: str) -> None:
    """What is no refill is quoted, with what is wrong."""
    with pytest.raises(UnitError, match=problem) as caught:
        Refill.parse(text)
    assert repr(text) in str(caught.value)


@given(st.integers(1, 10**6), st.sampled_from(["s", "min", "h", "d"]))
def test_refill_is_written_as_it_is_read(tokens: int, unit: str) -> None:
    """A refill that is printed reads as the same refill."""
    refill = Refill.parse(f"{tokens}/{unit}")
    assert Refill.parse(str(refill)) == refill


def test_refill_without_a_whole_unit() -> None:
    """A refill that is whole in no unit is printed as a decimal of a second."""
    assert str(Refill(3, 700_000)) == "4.28571/s"


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 1_000))
def test_refill_divided(num: int, per: int, shares: int) -> None:
    """A share of a refill is exact and in lowest terms."""
    part = Refill(num, per).divided(shares)
    assert Fraction(*part) * shares == Fraction(num, per)
    assert part == (Fraction(*part).numerator, Fraction(*part).denominator)


@pytest.mark.parametrize(
    ("text", "us"),
    [("200ms", 200_000), ("120s", 120_000_000), ("5min", 300_000_000), ("5 m", 300_000_000), ("24h", 86_400_000_000), ("0.5 s", 500_000)],
)
def test_duration_is_read(text: str, us: int) -> None:
    """A duration is whole microseconds."""
    assert Duration.parse(text).us == us


@pytest.mark.parametrize("text", ["", "5", "s", "5 parsecs", "-5s", "five s", "1h30m"])
def test_duration_is_refused(text: str) -> None:
    """What is no duration is quoted."""
    with pytest.raises(UnitError) as caught:
        Duration.parse(text)
    assert repr(text) in str(caught.value)
