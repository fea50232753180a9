"""Quantities as people write them (`10/s`, `120s`) and as the core computes with them (integers, microseconds).

Refill is a ratio of integers because floats will not do: at today's epoch a float of microseconds moves in steps of 0.25, and the error
of a busy bucket adds up to real tokens.
"""

import math
import re
from fractions import Fraction
from typing import Final, NamedTuple, Self

from ratelimit.core.errors import UnitError

US_PER_S: Final = 1_000_000

_UNIT_US: Final = {
    "ms": 1_000,
    "s": US_PER_S,
    "min": 60 * US_PER_S,
    "h": 3_600 * US_PER_S,
    "d": 86_400 * US_PER_S,
}
_ALIASES: Final = {"sec": "s", "second": "s", "m": "min", "minute": "min", "hour": "h", "day": "d"}
_NUMBER: Final = r"(\d{1,15}(?:\.\d{1,6})?)"
_REFILL: Final = re.compile(_NUMBER + r"\s*/\s*([a-z]+)")
_DURATION: Final = re.compile(_NUMBER + r"\s*([a-z]+)")


def ceil_div(a: int, b: int) -> int:
    """a / b rounded up; b > 0."""
    return -(-a // b)


def _unit_us(name: str, text: str) -> int:
    try:
        return _UNIT_US[_ALIASES.get(name, name)]
    except KeyError:
        raise UnitError(f"{text!r} has the unknown unit {name!r}; expected one of {', '.join(_UNIT_US)}") from None


class Refill(NamedTuple):
    """Tokens per time: `num` / `per` tokens per microsecond, in lowest terms.

    A token is `per` units of debt and one microsecond pays off `num` units.
    """

    num: int
    per: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `10/s`, `100/min`, `0.5/h`; raises UnitError."""
        found = _REFILL.fullmatch(text.strip())
        if not found:
            raise UnitError(f"{text!r} is not a refill; expected tokens per time such as '10/s' or '100/min'")
        ratio = Fraction(found[1]) / _unit_us(found[2], text)
        if not ratio:
            raise UnitError(f"{text!r} never refills; expected more than 0 tokens per time")
        return cls(ratio.numerator, ratio.denominator)

    def __str__(self) -> str:
        for unit in ("s", "min", "h", "d"):
            tokens = Fraction(self.num * _UNIT_US[unit], self.per)
            if tokens.denominator == 1:
                return f"{tokens}/{unit}"
        return f"{self.num * US_PER_S / self.per:g}/s"

    def divided(self, shares: int) -> "Refill":
        """An equal share of this refill among `shares` sidecars."""
        gcd = math.gcd(self.num, self.per * shares)
        return Refill(self.num // gcd, self.per * shares // gcd)


class Duration(NamedTuple):
    """A span of time, written as `200ms`, `120s`, `5min`, `24h` or `30d`."""

    us: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one; raises UnitError."""
        found = _DURATION.fullmatch(text.strip())
        if not found:
            raise UnitError(f"{text!r} is not a duration; expected a number and a unit such as '200ms', '120s' or '24h'")
        return cls(int(Fraction(found[1]) * _unit_us(found[2], text)))

    @property
    def seconds(self) -> float:
        """The same in seconds."""
        return self.us / US_PER_S
