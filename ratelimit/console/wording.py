"""How numbers, money, times and names are written on every page. Pure; what depends on the server's zone is `Clock`'s.

Times are seconds since the epoch, durations seconds, money integer minor units of a currency.
"""

from datetime import datetime, tzinfo
from typing import Final

from ratelimit.core import masked
from ratelimit.core.currency import MINOR_DIGITS

_SIGNS: Final = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "BRL": "R$", "KRW": "₩"}
_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400
_MONTH: Final = 30.44 * _DAY
_SHORT_HOURS: Final = 10  # from then on minutes say nothing
_USUAL: Final = 2.0  # log10 of 1 / tail share: inside the normal range


def count(number: float) -> str:
    """A number with a comma between thousands: 2,140."""
    return f"{number:,.0f}"


def several(number: int, one: str, many: str = "") -> str:
    """A count and its noun: `1 case`, `23 cases`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def money(minor: int, currency: str = "EUR") -> str:
    """An amount with its currency: €1,904.00, or CHF 12.00 where no sign is known."""
    digits = MINOR_DIGITS.get(currency.upper(), 2)
    sign = _SIGNS.get(currency.upper(), f"{currency.upper()}\u00a0")
    return f"{'-' if minor < 0 else ''}{sign}{abs(minor) / 10**digits:,.{digits}f}"


def money_short(minor: int, currency: str = "EUR") -> str:
    """The same without its minor units, for a sentence: €6,412."""
    digits = MINOR_DIGITS.get(currency.upper(), 2)
    return money(minor, currency).partition(".")[0] if digits else money(minor, currency)


def percent(share: float) -> str:
    """A share in 0..1 in at most three figures: 96 %, 2.31 %, 0.2 %."""
    value = share * 100
    digits = 0 if abs(value) >= 10 or value == int(value) else 1 if abs(value) >= 1 else 2
    return f"{f'{value:.{digits}f}'}\u00a0%"


def tenths(share: float) -> str:
    """A share in 0..1 to a tenth of a percent, where it is not whole: 84.6 %, 100 %."""
    return f"{share * 100:.1f}".removesuffix(".0") + "\u00a0%"


def duration(seconds: float) -> str:
    """A length of time as people say it: 12 s, 26 min, 3 h 04, 22 h, 2 days, 20 months."""
    seconds = max(0.0, seconds)
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min"
    if seconds < 2 * _DAY:
        hours, minutes = int(seconds // _HOUR), int(seconds % _HOUR // _MINUTE)
        return f"{hours} h {minutes:02}" if minutes and hours < _SHORT_HOURS else f"{hours} h"
    if seconds < 2 * _MONTH:
        return f"{int(seconds // _DAY)} days"
    months = int(seconds // _MONTH)
    return f"{months} months" if months < 24 else f"{months // 12} years"


def short_time(seconds: float) -> str:
    """How long something took that is over in no time, in at most two figures: 0.4 s, 0.02 s, 12 s."""
    digits = 2 if seconds < 0.1 else 1 if seconds < 10 else 0
    return f"{max(seconds, 0.01):.{digits}f}\u00a0s"


def due(left_s: float) -> str:
    """How long until it is due, or how much it is late: `26 min`, `12 min over`."""
    return duration(left_s) if left_s >= 0 else f"{duration(-left_s)} over"


def rarity(signed: float) -> str:
    """How rare a value is, from the gauge's number: `1 in 8,300`, or `usual` inside the normal range."""
    if abs(signed) <= _USUAL:
        return "usual"
    one_in = 10 ** abs(signed)
    step = 10 ** max(0, len(str(int(one_in))) - 2)
    return f"1 in {round(one_in / step) * step:,}"


def initials(name: str) -> str:
    """At most two letters that stand for a person."""
    parts = [part for part in name.split() if part[0].isalnum()] or [name or "?"]
    letters = parts[0][0] + (parts[-1][0] if len(parts) > 1 else "")
    return letters.upper()


def masked_email(email: str) -> str:
    """An email address as it is shown: first letter and domain."""
    return masked.masked_email(email)


class Clock:
    """Writes instants in one time zone."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone: Final = zone

    def at(self, when: float) -> datetime:
        """The instant in this zone."""
        return datetime.fromtimestamp(when, self.zone)

    def offset_s(self, now: float) -> int:
        """How far this zone is from UTC at that instant."""
        offset = self.at(now).utcoffset()
        return int(offset.total_seconds()) if offset is not None else 0

    def minute(self, when: float) -> str:
        """14:32."""
        return f"{self.at(when):%H:%M}"

    def second(self, when: float) -> str:
        """14:32:07."""
        return f"{self.at(when):%H:%M:%S}"

    def milli(self, when: float) -> str:
        """14:32:07.204, as evidence has it."""
        at = self.at(when)
        return f"{at:%H:%M:%S}.{at.microsecond // 1000:03}"

    def exact(self, when: float, now: float) -> str:
        """14:32:07 today, with its day otherwise: evidence has seconds."""
        return self._day_before(when, now) + self.second(when)

    def exact_milli(self, when: float, now: float) -> str:
        """The same with milliseconds: 14:32:07.204."""
        return self._day_before(when, now) + self.milli(when)

    def day(self, when: float, now: float) -> str:
        """24 Nov, with its year if that is another one."""
        at = self.at(when)
        return f"{at.day} {at:%b}" if at.year == self.at(now).year else f"{at.day} {at:%b %Y}"

    def moment(self, when: float, now: float) -> str:
        """14:32 today, Wed 14:32 within six days, 24 Nov 14:32 otherwise."""
        at, today = self.at(when), self.at(now)
        if at.date() == today.date():
            return f"{at:%H:%M}"
        if abs((at.date() - today.date()).days) < 7:
            return f"{at:%a %H:%M}"
        return f"{self.day(when, now)} {at:%H:%M}" if at.year == today.year else self.day(when, now)

    def _day_before(self, when: float, now: float) -> str:
        at, today = self.at(when), self.at(now)
        if at.date() == today.date():
            return ""
        return f"{at:%a} " if abs((at.date() - today.date()).days) < 7 else f"{self.day(when, now)} "

    def iso(self, when: float) -> str:
        """For machines: the `datetime` of a `time` element."""
        return self.at(when).isoformat(timespec="seconds")
