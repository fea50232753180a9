"""Why a risk is what it is: a signal that is far out, with what is normal."""

from math import isfinite
from typing import NamedTuple

from ratelimit.core.decision import UnusualSignal


class SignalReason(NamedTuple):
    """`low` to `high` is where nine in ten peers are; `tail_share` is the share of peers that are as far out, or farther."""

    signal: str
    value: float
    low: float
    high: float
    tail_share: float


def unusual(reason: SignalReason) -> UnusualSignal:
    """The same as it is answered, where what has no bound is null."""
    name, value, low, high, tail_share = reason
    return UnusualSignal(name, value, low if isfinite(low) else None, high if isfinite(high) else None, tail_share)
