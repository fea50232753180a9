"""The instants that access logs write, as microseconds since the epoch.

Three ways occur: `22/Dec/2022:02:26:58 -0800` (Apache, nginx `$time_local`), RFC 3339, and a number of seconds, milliseconds,
microseconds or nanoseconds, told apart by its size. A time without a zone is UTC.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from ratelimit.core.log_entry import BrokenLineError
from ratelimit.core.units import US_PER_S

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)
_MONTHS: Final = {name: n for n, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_COMMON: Final = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):([0-5]\d|60) ([+-])(\d\d)(\d\d)")
_MINUTES_KEPT: Final = 10_000  # a week of minutes; a shuffled log asks for them again and again
_DIVISORS: Final = ((1e11, US_PER_S, 1), (1e14, 1_000, 1), (1e17, 1, 1), (1e20, 1, 1_000))  # below: s (to year 5138), ms, us, ns


class CommonTime:
    """Reads `day/Mon/year:hour:minute:second zone`, remembering the minutes it has met: the calendar is the costly part."""

    def __init__(self) -> None:
        self._minutes: dict[tuple[str, str], int] = {}

    def __call__(self, text: str) -> int:
        """The instant; raises BrokenLineError."""
        minute = (text[:17], text[20:])
        start = self._minutes.get(minute)
        if start is None:
            start = self._minute_us(text)
            if len(self._minutes) >= _MINUTES_KEPT:
                self._minutes.clear()
            self._minutes[minute] = start
        try:
            return start + int(text[18:20]) * US_PER_S
        except ValueError:
            raise BrokenLineError("its time has no seconds; expected a time such as 22/Dec/2022:02:26:58 -0800") from None

    @staticmethod
    def _minute_us(text: str) -> int:
        found = _COMMON.fullmatch(text)
        if not found or found[2] not in _MONTHS:
            raise BrokenLineError("its time is unknown; expected a time such as 22/Dec/2022:02:26:58 -0800")
        day, month, year, hour, minute, _, sign, zone_h, zone_min = found.groups()
        offset = timedelta(hours=int(zone_h), minutes=int(zone_min)) * (1 if sign == "+" else -1)
        try:
            local = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), tzinfo=UTC)
            return (local - offset - _EPOCH) // _US
        except (ValueError, OverflowError):
            raise BrokenLineError("its time does not exist in the calendar") from None


def number_us(number: float) -> int:
    """Microseconds of an epoch number in s, ms, us or ns; raises BrokenLineError."""
    for below, times, by in _DIVISORS:
        if 0 <= number < below:
            return round(number * times) // by
    raise BrokenLineError("its time is not an instant since 1970")


def rfc3339_us(text: str) -> int:
    """Microseconds of `2022-12-22T02:26:58.123Z`; raises BrokenLineError."""
    try:
        instant = datetime.fromisoformat(text)
        return ((instant if instant.tzinfo else instant.replace(tzinfo=UTC)) - _EPOCH) // _US
    except (ValueError, OverflowError):
        raise BrokenLineError("its time is unknown; expected RFC 3339 or a number of seconds since 1970") from None


def rfc3339(second: int) -> str:
    """A second since the epoch, as reports write it."""
    return (_EPOCH + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")
