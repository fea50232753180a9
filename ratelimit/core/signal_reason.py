"""Why a risk is what it is: a signal that is far out, with what is normal."""

from typing import NamedTuple


class SignalReason(NamedTuple):
    """`low` to `high` is where nine in ten peers are; `tail_share` is the share of peers that are as far out, or farther."""

    signal: str
    value: float
    low: float
    high: float
    tail_share: float
