"""Times as logs write them."""

import pytest

from ratelimit.core.log_entry import BrokenLineError
from ratelimit.core.log_time import CommonTime, number_us, rfc3339_us

AT = 1_671_704_818_000_000  # 2022-12-22T10:26:58Z


ZONES = ["22/Dec/2022:10:26:58 +0000", "22/Dec/2022:02:26:58 -0800", "22/Dec/2022:15:56:58 +0530", "23/Dec/2022:00:26:58 +1400"]


def test_common_time_knows_zones() -> None:
    """The same instant in several zones is one instant, also when asked again, and the same minute in two zones is not."""
    common = CommonTime()
    assert {common(text) for text in ZONES + ZONES} == {AT}
    assert common("22/Dec/2022:10:26:58 +0100") == AT - 3_600_000_000


@pytest.mark.parametrize("number", [1_671_704_818, 1_671_704_818.0, 1_671_704_818_000, 1_671_704_818_000_000, 1_671_704_818_000_000_000])
def test_a_number_is_told_by_its_size(number: float) -> None:
    """Seconds, milliseconds, microseconds and nanoseconds are the same instant."""
    assert number_us(number) == AT


def test_a_fraction_of_a_second_counts() -> None:
    """Milliseconds after the point are kept."""
    assert number_us(1_671_704_818.123) == AT + 123_000


@pytest.mark.parametrize(
    ("text", "after_us"),
    [
        ("2022-12-22T10:26:58Z", 0),
        ("2022-12-22T02:26:58.250-08:00", 250_000),
        ("2022-12-22 10:26:58", 0),
        ("2022-12-22T10:26:58.123456789Z", 123_456),
    ],
)
def test_rfc3339(text: str, after_us: int) -> None:
    """A time with its zone, or in UTC where none is given."""
    assert rfc3339_us(text) == AT + after_us


@pytest.mark.parametrize("number", [-1, float("nan"), float("inf"), 1e30])
def test_a_number_that_is_no_instant_is_refused(number: float) -> None:
    """What cannot be a time since 1970 breaks the line."""
    with pytest.raises(BrokenLineError):
        number_us(number)


@pytest.mark.parametrize("text", ["", "yesterday", "2022-13-01T00:00:00Z", "0001-01-01T00:00:00+23:00x"])
def test_a_text_that_is_no_instant_is_refused(text: str) -> None:
    """What is no RFC 3339 breaks the line."""
    with pytest.raises(BrokenLineError):
        rfc3339_us(text)
