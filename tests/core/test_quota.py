"""The calendar of quotas: periods follow one another without gap, hold the instant asked for, and begin where the limit says."""

from datetime import UTC, datetime
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.limit import Every, QuotaRule
from ratelimit.core.quota import Period, period, periods

# clocks that change by half an hour, at midnight, by a whole day, twice a year in the south, never
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Havana",
    "Asia/Beirut",
    "Asia/Kathmandu",
]
LAST_START: dict[Every, int] = {"day": 1, "week": 7, "month": 31, "year": 1}
INSTANTS = st.integers(0, 4_000_000_000_000_000)  # 1970 to 2096


@st.composite
def rules(draw: st.DrawFn) -> QuotaRule:
    every = draw(st.sampled_from(get_args(Every)))
    return QuotaRule(amount=1, every=every, timezone=draw(st.sampled_from(ZONES)), starts_on=draw(st.integers(1, LAST_START[every])))


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


@given(rules(), INSTANTS)
def test_period_holds_now(rule: QuotaRule, now: int) -> None:
    """The period of an instant holds it, and the bounds around are in order."""
    bounds = periods(rule, now)
    assert bounds.this_us <= now < bounds.next_us
    assert list(bounds) == sorted(bounds)
    assert period(rule, now) == Period(bounds.this_us, bounds.next_us)


@given(rules(), INSTANTS)
def test_periods_are_contiguous(rule: QuotaRule, now: int) -> None:
    """The instant before a period is in the one before, its end is the start of the next, and all agree on the bounds."""
    bounds = periods(rule, now)
    assert period(rule, bounds.this_us) == Period(bounds.this_us, bounds.next_us)
    assert period(rule, bounds.next_us - 1) == Period(bounds.this_us, bounds.next_us)
    assert period(rule, bounds.next_us).start_us == bounds.next_us
    assert period(rule, bounds.this_us - 1).end_us == bounds.this_us
    if bounds.previous_us < bounds.this_us:  # a day that Apia skipped is a period of no length
        assert period(rule, bounds.this_us - 1).start_us == bounds.previous_us
    if bounds.next_us < bounds.end_us:
        assert period(rule, bounds.next_us).end_us == bounds.end_us


@given(rules(), INSTANTS, INSTANTS)
def test_later_instants_have_later_periods(rule: QuotaRule, one: int, other: int) -> None:
    """Time never leads back into an earlier period."""
    first, second = sorted((one, other))
    assert period(rule, first).start_us <= period(rule, second).start_us


@given(rules(), INSTANTS)
def test_period_starts_on_its_day(rule: QuotaRule, now: int) -> None:
    """A period begins on the day that the limit names, or the last of a shorter month, in the limit's zone."""
    start = datetime.fromtimestamp(period(rule, now).start_us / 1_000_000, ZoneInfo(rule.timezone))
    match rule.every:
        case "week":
            assert start.isoweekday() == rule.starts_on or rule.timezone == "Pacific/Apia"  # which skipped a Friday
        case "month":
            assert start.day == rule.starts_on or (start.day < rule.starts_on and start.day >= 28) or rule.timezone == "Pacific/Apia"
        case "year":
            assert (start.month, start.day) == (1, 1)
        case "day":
            assert start.hour in {0, 1}


@pytest.mark.parametrize(
    ("every", "zone", "starts_on", "now", "start", "end"),
    [
        ("day", "UTC", 1, "2026-03-01T23:59:59+00:00", "2026-03-01T00:00+00:00", "2026-03-02T00:00+00:00"),
        ("day", "Europe/Berlin", 1, "2026-03-29T12:00+02:00", "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00"),  # 23 hours
        ("day", "Europe/Berlin", 1, "2026-10-25T12:00+01:00", "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00"),  # 25 hours
        ("day", "America/Havana", 1, "2026-03-08T12:00-04:00", "2026-03-08T01:00-04:00", "2026-03-09T00:00-04:00"),  # no midnight
        ("day", "America/Havana", 1, "2026-11-01T00:30-05:00", "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00"),  # two midnights
        ("day", "Pacific/Apia", 1, "2011-12-31T05:00+14:00", "2011-12-31T00:00+14:00", "2012-01-01T00:00+14:00"),  # the 30th is missing
        ("week", "UTC", 1, "2026-11-24T10:00+00:00", "2026-11-23T00:00+00:00", "2026-11-30T00:00+00:00"),  # a Tuesday
        ("week", "UTC", 7, "2026-11-24T10:00+00:00", "2026-11-22T00:00+00:00", "2026-11-29T00:00+00:00"),
        ("month", "UTC", 1, "2026-12-31T23:00+00:00", "2026-12-01T00:00+00:00", "2027-01-01T00:00+00:00"),
        ("month", "UTC", 15, "2026-01-14T00:00+00:00", "2025-12-15T00:00+00:00", "2026-01-15T00:00+00:00"),
        ("month", "UTC", 31, "2026-02-27T00:00+00:00", "2026-01-31T00:00+00:00", "2026-02-28T00:00+00:00"),
        ("month", "UTC", 31, "2028-02-29T00:00+00:00", "2028-02-29T00:00+00:00", "2028-03-31T00:00+00:00"),
        ("month", "UTC", 30, "2026-02-28T00:00+00:00", "2026-02-28T00:00+00:00", "2026-03-30T00:00+00:00"),
        ("month", "Europe/Berlin", 1, "2026-06-30T22:30+00:00", "2026-07-01T00:00+02:00", "2026-08-01T00:00+02:00"),
        ("year", "UTC", 1, "2026-02-28T00:00+00:00", "2026-01-01T00:00+00:00", "2027-01-01T00:00+00:00"),
    ],
)
def test_known_periods(every: Every, zone: str, starts_on: int, now: str, start: str, end: str) -> None:
    """Periods that a calendar on the wall shows, changes of clocks among them."""
    rule = QuotaRule(amount=1, every=every, timezone=zone, starts_on=starts_on)
    assert period(rule, us(now)) == Period(us(start), us(end))


def test_bounds_around() -> None:
    """The previous and the next period come along, so that the store can choose."""
    bounds = periods(QuotaRule(amount=1, every="month", starts_on=31), us("2026-02-10T00:00+00:00"))
    assert [datetime.fromtimestamp(bound / 1_000_000, UTC).date().isoformat() for bound in bounds] == [
        "2025-12-31",
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
    ]
