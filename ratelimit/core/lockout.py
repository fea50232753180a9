"""When a word is a block, whatever it is called: a bucket so small that nobody can work with it locks out as well. Pure.

A bucket locks out whom it leaves less than LEAST_SHARE of the refill of their plan: what the model may at most take away by itself (see
core/risk_rule), so that more is for people, and for long for two of them. Which plan an account has is not known here, so the smallest
counts: of the limits that count by an account or by an API key alone and meet every request, whatever its path and method; where there is
none, of all that count by these; where there is none either, LEAST. How much the bucket holds does not matter: it is empty after the first
burst.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from ratelimit.core.limit import Limit
from ratelimit.core.standing import Standing
from ratelimit.core.units import Refill

LEAST_SHARE: Final = Fraction(1, 4)
LEAST: Final = Refill.parse("1/min")


def locks_out(word: Standing, limits: Iterable[Limit]) -> bool:
    """Whether a person's word is a block, by its name or by what its bucket leaves of these limits."""
    if word.then == "block":
        return True
    if word.bucket is None:
        return False
    return _rate(word.bucket.refill) < least_left(limits, word.limit)


def least_left(limits: Iterable[Limit], name: str | None = None) -> Fraction:
    """The least tokens in a microsecond that are no block; of the limit of that name, if there is one."""
    buckets = [limit for limit in limits if limit.bucket is not None]
    named = [limit for limit in buckets if limit.name == name]
    plans = [limit for limit in buckets if limit.per in {("account",), ("api_key",)}]
    general = [limit for limit in plans if not (limit.match.path or limit.match.method)]
    rates = [_rate(limit.bucket.refill) for limit in named or general or plans if limit.bucket is not None]
    return min(rates) * LEAST_SHARE if rates else _rate(LEAST)


def _rate(refill: Refill) -> Fraction:
    return Fraction(refill.num, refill.per)
