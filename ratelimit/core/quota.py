"""The calendar of quotas: when the period that holds an instant begins and ends. It counts nothing.

Instants are microseconds since the epoch, arguments and results alike; a period is start <= now < end. It begins with the first instant
of its first day in the limit's time zone, so a day is 23 or 25 hours long where the clocks change. All sidecars compute the same bounds and
send those around now along, and the store picks by its own clock.
"""

from calendar import monthrange
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ratelimit.core.limit import QuotaRule
from ratelimit.core.units import US_PER_S

_DECEMBER: Final = 12


class Period(NamedTuple):
    """One calendar period, in microseconds since the epoch."""

    start_us: int
    end_us: int


class Periods(NamedTuple):
    """The bounds of three periods in a row: the previous one [previous, this), this one [this, next), the next one [next, end)."""

    previous_us: int
    this_us: int
    next_us: int
    end_us: int


def period(rule: QuotaRule, now_us: int) -> Period:
    """The period of `rule` that holds `now_us`."""
    bounds = periods(rule, now_us)
    return Period(bounds.this_us, bounds.next_us)


def periods(rule: QuotaRule, now_us: int) -> Periods:
    """The bounds of the periods before, around and after `now_us`."""
    zone = ZoneInfo(rule.timezone)
    first = _first_day(rule, datetime.fromtimestamp(now_us // US_PER_S, zone).date())
    following = _next(rule, first)
    days = (_first_day(rule, first - timedelta(days=1)), first, following, _next(rule, following))
    return Periods(*(_midnight_us(day, zone) for day in days))


def _midnight_us(day: date, zone: ZoneInfo) -> int:
    # where midnight falls into the hour that a change of clocks skips, fold 0 gives the instant of the change: the day's first
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * US_PER_S


def _first_day(rule: QuotaRule, day: date) -> date:
    """The first day of the period that holds `day`."""
    match rule.every:
        case "day":
            return day
        case "week":
            return day - timedelta(days=(day.isoweekday() - rule.starts_on) % 7)
        case "year":
            return day.replace(month=1, day=1)
        case "month":
            start = _day_of_month(day.year, day.month, rule.starts_on)
            return start if start <= day else _day_of_month(*_month_before(day), rule.starts_on)


def _next(rule: QuotaRule, first: date) -> date:
    """The first day of the period after the one that begins on `first`."""
    match rule.every:
        case "day":
            return first + timedelta(days=1)
        case "week":
            return first + timedelta(days=7)
        case "year":
            return first.replace(year=first.year + 1)
        case "month":
            return _day_of_month(*_month_after(first), rule.starts_on)


def _day_of_month(year: int, month: int, day: int) -> date:
    """That day, or the last of the month where it is shorter."""
    return date(year, month, min(day, monthrange(year, month)[1]))


def _month_before(day: date) -> tuple[int, int]:
    return (day.year, day.month - 1) if day.month > 1 else (day.year - 1, _DECEMBER)


def _month_after(day: date) -> tuple[int, int]:
    return (day.year, day.month + 1) if day.month < _DECEMBER else (day.year + 1, 1)
