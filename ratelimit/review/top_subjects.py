"""Who was behind the latest decisions: subjects by what they are most of, estimated from records, of which allowed ones are sampled."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from ratelimit.ledger.subjects import Subject
from ratelimit.ledger.traffic import Asked

Span = Literal["15m", "1h", "6h", "24h", "7d"]
By = Literal["refused", "requests", "cost", "rising"]

SPANS: Final[tuple[Span, ...]] = get_args(Span)
BY: Final[tuple[By, ...]] = get_args(By)
LENGTH_S: Final[Mapping[Span, float]] = {"15m": 900.0, "1h": 3_600.0, "6h": 21_600.0, "24h": 86_400.0, "7d": 604_800.0}
MOST_SHOWN: Final = 20
SPARK: Final = 24  # steps of a small line


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


def by_subject(asked: Iterable[Asked]) -> list[Top]:
    """One for each subject, without its name."""
    of: dict[int, list[Asked]] = defaultdict(list)
    for one in asked:
        of[one.subject].append(one)
    return [_top(subject, some) for subject, some in of.items()]


def _top(subject: int, asked: Sequence[Asked]) -> Top:
    refused = [one for one in asked if one.decision != "allow"]
    requests, reasons, spark = sum(one.requests for one in asked), Counter[str](), [0.0] * SPARK
    for one in asked:
        spark[min(SPARK - 1, max(0, one.step))] += one.requests
    for one in refused:
        reasons[one.reason] += round(one.requests)
    return Top(
        subject=subject,
        kind="",
        shown=None,
        requests=requests,
        refused=sum(one.requests for one in refused),
        blocked=sum(one.requests for one in refused if one.decision == "block"),
        cost=sum(one.cost for one in asked),
        rising=2 * sum(spark[SPARK // 2 :]) - requests,
        reason=reasons.most_common(1)[0][0] if reasons else "",
        risk=max((one.risk for one in asked if one.risk is not None), default=None),
        good=0,
        spark=spark,
    )


def most_by(found: Sequence[Top], by: By) -> list[Top]:
    """Those that are most of it, the most first."""
    most = sorted((one for one in found if getattr(one, by) > 0), key=lambda one: (-getattr(one, by), one.subject))
    return most[:MOST_SHOWN]


def with_name(one: Top, it: Subject | None) -> Top:
    """The same with the name that it has, if it still has one."""
    return one if it is None else replace(one, kind=it.kind, shown=it.shown, good=it.good)
