"""Who was behind the latest decisions: subjects by what they are most of, estimated from records, of which allowed ones are sampled."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, Literal, get_args

from msgspec import Struct
from msgspec.structs import asdict

from ratelimit.ledger.subjects import Subject
from ratelimit.ledger.traffic import Latest

Span = Literal["15m", "1h", "6h", "24h", "7d"]
By = Literal["refused", "requests", "cost", "rising"]

SPANS: Final[tuple[Span, ...]] = get_args(Span)
BY: Final[tuple[By, ...]] = get_args(By)
LENGTH_S: Final[Mapping[Span, float]] = {"15m": 900.0, "1h": 3_600.0, "6h": 21_600.0, "24h": 86_400.0, "7d": 604_800.0}
MOST_SHOWN: Final = 20
_SPARK: Final = 24  # steps of a small line


class Top(Struct, frozen=True, kw_only=True):
    """One subject: how much it asked and was refused in the span, estimated from what was sampled. `spark` are requests over time."""

    subject: int
    kind: str
    shown: str | None
    requests: float
    refused: float
    blocked: float
    cost: float
    rising: float
    reason: str
    risk: float | None
    good: int
    spark: list[float]


class Tops(Struct, frozen=True, kw_only=True):
    """The subjects, by what they are most of; `records` is how many it was made of, `whole`: that were all of the span."""

    span: Span
    at: float
    since: float
    records: int
    whole: bool
    refused: list[Top]
    requests: list[Top]
    cost: list[Top]
    rising: list[Top]


def by_subject(records: Sequence[Latest], since: float, now: float) -> list[Top]:
    """One for each subject of these records, without its name."""
    of: dict[int, list[Latest]] = defaultdict(list)
    for one in records:
        if one.subject is not None:
            of[one.subject].append(one)
    return [_top(subject, some, since, now) for subject, some in of.items()]


def _top(subject: int, records: Sequence[Latest], since: float, now: float) -> Top:
    spark, width = [0.0] * _SPARK, max(1.0, now - since) / _SPARK
    requests = refused = blocked = cost = 0.0
    reasons = Counter[str]()
    for one in records:
        requests += one.weight
        cost += one.weight * one.cost
        spark[min(_SPARK - 1, max(0, int((one.at - since) / width)))] += one.weight
        if one.decision != "allow":
            refused += one.weight
            reasons[one.reason] += 1
            blocked += one.weight * (one.decision == "block")
    risk = next((one.risk for one in records if one.risk is not None), None)
    half = _SPARK // 2
    return Top(
        subject=subject,
        kind="",
        shown=None,
        requests=requests,
        refused=refused,
        blocked=blocked,
        cost=cost,
        rising=sum(spark[half:]) - sum(spark[:half]),
        reason=reasons.most_common(1)[0][0] if reasons else "",
        risk=risk,
        good=0,
        spark=spark,
    )


def most_by(found: Sequence[Top], by: By) -> list[Top]:
    """Those that are most of it, the most first."""
    most = sorted((one for one in found if getattr(one, by) > 0), key=lambda one: (-getattr(one, by), one.subject))
    return most[:MOST_SHOWN]


def with_name(one: Top, it: Subject | None) -> Top:
    """The same with the name that it has, if it still has one."""
    if it is None:
        return one
    return Top(**{**asdict(one), "kind": it.kind, "shown": it.shown, "good": it.good})
