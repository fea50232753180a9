"""The policy's section `risk`: which model scores requests, and how those whose risk is above a bound are slowed down.

The model alone slows down, it does not lock out. Beside each bucket limit that counts by the risky subject's kind alone stands a *twin*: a
smaller bucket of that subject. It refills at a share of the limit's refill, at least a quarter unless the policy says otherwise in words.
"""

from fractions import Fraction
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from ratelimit.core.limit import BucketRule, Limit, Mode
from ratelimit.core.signals import KINDS, Kind
from ratelimit.core.units import Refill

LEAST_RATIO: Final = 0.25  # of a limit's refill that a model leaves, if the policy does not say that it may leave less
TWIN: Final = "risk:"  # no limit's own name holds a colon

_HUNDREDTHS: Final = 100  # ratios are taken in these, so that a refill stays a ratio of small integers


class RiskBucket(Struct, frozen=True, forbid_unknown_fields=True):
    """What a risky subject has beside each limit: `capacity` tokens, and `refill_ratio` of the limit's refill."""

    capacity: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    refill_ratio: Annotated[float, Meta(ge=0.01, le=1)] = LEAST_RATIO
    below_a_quarter: Literal["allowed"] | None = None


class RiskThrottle(Struct, frozen=True, forbid_unknown_fields=True):
    """Whoever's risk is `above` has the `bucket`. 0.999: on a calibrated model one honest subject a day in a thousand."""

    above: Annotated[float, Meta(gt=0.5, lt=1)]
    bucket: RiskBucket


class RequestRisk(Struct, frozen=True, forbid_unknown_fields=True):
    """`model` is a folder, from the policy's own; a `challenger` is scored beside it and decides nothing."""

    model: Annotated[str, Meta(min_length=1)]
    throttle: RiskThrottle
    challenger: Annotated[str, Meta(min_length=1)] | None = None
    mode: Mode = "shadow"


class RiskRules(Struct, frozen=True, forbid_unknown_fields=True):
    """What risk is for."""

    requests: RequestRisk


class Twin(Limit, frozen=True):
    """The bucket that a risky subject has beside a limit. A request that costs more than it holds takes all of it."""


def twin_of(limit: Limit, risk: RequestRisk) -> Twin | None:
    """The twin of a limit; None where it is no bucket, or counts by more than a subject that is scored."""
    kind = kind_of(limit)
    if limit.bucket is None or kind is None:
        return None
    rule = risk.throttle.bucket
    num, per = limit.bucket.refill
    slower = Fraction(num, per) * Fraction(round(rule.refill_ratio * _HUNDREDTHS), _HUNDREDTHS)
    return Twin(
        name=TWIN + limit.name,
        per=limit.per,
        match=limit.match,
        bucket=BucketRule(capacity=rule.capacity, refill=Refill(slower.numerator, slower.denominator)),
        mode="shadow" if "shadow" in (risk.mode, limit.mode) else "enforce",
        on_store_failure=limit.on_store_failure,
    )


def kind_of(limit: Limit) -> Kind | None:
    """The one kind of subject that a limit counts by, if that is scored."""
    return next((kind for kind in KINDS if limit.per == (kind,)), None)
