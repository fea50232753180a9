"""The policy's section `risk`: which model scores requests, and how those whose risk is above a bound are slowed down.

The model alone slows down, it does not lock out. Beside each bucket limit that counts by the risky subject's kind alone stands a *twin*: a
smaller bucket of that subject. It refills at a share of the limit's refill, at least a quarter unless the policy says otherwise in words.

A small share of risky subjects, drawn by lot for a day, is *explored*: their twin is a bucket of its own that only says what it would have
refused. So it stays known what those do whom the model slows down, and how likely each was to be among them.
"""

from fractions import Fraction
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from ratelimit.core.limit import BucketRule, Limit, Mode
from ratelimit.core.signals import KINDS, Kind
from ratelimit.core.units import Duration, Refill

LEAST_RATIO: Final = 0.25  # of a limit's refill that a model leaves, if the policy does not say that it may leave less
MOST_HOLD: Final = 0.5  # of a purchase's tokens that a model alone holds, and for how long, if the policy does not say `beyond`
LONGEST_LAPSE: Final = Duration.parse("24h")
TWIN: Final = "risk:"  # no limit's own name holds a colon
EXPLORED: Final = "explored:"

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
    """`model` is a folder, from the policy's own; a `challenger` is scored beside it and decides nothing.

    `explore` is the share of risky subjects whose twins are in shadow for a day; 0: of none.
    """

    model: Annotated[str, Meta(min_length=1)]
    throttle: RiskThrottle
    challenger: Annotated[str, Meta(min_length=1)] | None = None
    mode: Mode = "shadow"
    explore: Annotated[float, Meta(ge=0, le=0.2)] = 0.02


class PurchaseThrottle(Struct, frozen=True, forbid_unknown_fields=True):
    """Of a purchase whose risk is `above`, the share `hold` of its tokens is held until `lapse`.

    The model alone holds at most half, for at most a day; more needs `beyond: allowed`.
    """

    above: Annotated[float, Meta(gt=0.5, lt=1)]
    hold: Annotated[float, Meta(gt=0, le=1)] = MOST_HOLD
    lapse: Duration = LONGEST_LAPSE
    beyond: Literal["allowed"] | None = None


class PurchaseRisk(Struct, frozen=True, forbid_unknown_fields=True):
    """`model` is a folder, from the policy's own; a `challenger` is scored beside it and decides nothing.

    `explore` is the share of accounts whose holds by the model are waived, by lot, as long as no more than `explore_a_day` minor units of
    purchases were waived that day.
    """

    model: Annotated[str, Meta(min_length=1)]
    throttle: Annotated[tuple[PurchaseThrottle, ...], Meta(min_length=1, max_length=10)]
    challenger: Annotated[str, Meta(min_length=1)] | None = None
    mode: Mode = "shadow"
    explore: Annotated[float, Meta(ge=0, le=0.2)] = 0.02
    explore_a_day: Annotated[int, Meta(ge=0)] = 10_000


class RiskRules(Struct, frozen=True, forbid_unknown_fields=True):
    """What risk is for."""

    requests: RequestRisk | None = None
    purchases: PurchaseRisk | None = None


class Twin(Limit, frozen=True):
    """The bucket that a risky subject has beside a limit. A request that costs more than it holds takes all of it.

    `propensity` is the chance that a risky subject has this one, 0..1; None where nothing is left to chance.
    """

    propensity: float | None = None


def twin_of(limit: Limit, risk: RequestRisk) -> Twin | None:
    """The twin of a limit; None where it is no bucket, or counts by more than a subject that is scored."""
    bucket = slower(limit, risk.throttle.bucket)
    if bucket is None:
        return None
    mode: Mode = "shadow" if "shadow" in (risk.mode, limit.mode) else "enforce"
    return Twin(
        name=TWIN + limit.name,
        per=limit.per,
        match=limit.match,
        bucket=bucket,
        mode=mode,
        on_store_failure=limit.on_store_failure,
        propensity=1 - risk.explore if risk.explore and mode == "enforce" else None,
    )


def slower(limit: Limit, rule: RiskBucket) -> BucketRule | None:
    """The bucket beside that of a limit; None where it has none, or counts by more than a subject that is scored."""
    if limit.bucket is None or kind_of(limit) is None:
        return None
    refill = Fraction(*limit.bucket.refill) * Fraction(round(rule.refill_ratio * _HUNDREDTHS), _HUNDREDTHS)
    return BucketRule(capacity=rule.capacity, refill=Refill(refill.numerator, refill.denominator))


def explored(twin: Twin, risk: RequestRisk) -> Twin | None:
    """The twin of those who are explored; None where nobody is."""
    if twin.propensity is None:
        return None
    return replace(twin, name=EXPLORED + twin.name.removeprefix(TWIN), mode="shadow", propensity=risk.explore)


def kind_of(limit: Limit) -> Kind | None:
    """The one kind of subject that a limit counts by, if that is scored."""
    return next((kind for kind in KINDS if limit.per == (kind,)), None)
