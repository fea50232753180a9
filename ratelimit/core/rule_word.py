"""The words that verdicts of rules become where they stand for a while: which, about whom, until when, and with which bucket.

A word of a rule has the id `rule:NAME:KIND:VALUE`, so a rule has one word about a target, and a verdict that comes again prolongs it.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from ratelimit.core.limit import BucketRule, Limit
from ratelimit.core.risk_rule import RiskBucket, kind_of
from ratelimit.core.rule import Rule
from ratelimit.core.signals import KINDS
from ratelimit.core.standing import Standing, Target
from ratelimit.core.units import Duration, Refill

REQUEST_LASTS: Final = Duration.parse("10min")  # the verdict on a subject of requests that says nothing else

_RENEWED: Final = 0.5  # of the time that is left: a verdict that comes each second writes twice in its span
_HUNDREDTHS: Final = 100


def word_id(rule: str, target: Target) -> str:
    """The id of a rule's word about a target."""
    return f"rule:{rule}:{target}"


def word_of(rule: Rule, target: Target, limits: Sequence[Limit], plan: str | None, now_s: float) -> Standing | None:
    """The word; None where the rule says nothing that stands, or throttles a subject beside whom no limit has a bucket."""
    if rule.then == "allow" or rule.then == "review":  # noqa: PLR1714 - so that types see what is left
        return None
    lasts = rule.for_ if rule.for_ is not None else REQUEST_LASTS
    bucket = None
    if rule.then == "throttle" and rule.bucket is not None and target.kind in KINDS:
        bucket = slower_bucket(rule.bucket, limits, target.kind, plan)
        if bucket is None and rule.on == "request":
            return None
    return Standing(
        id=word_id(rule.name, target),
        target=target,
        then=rule.then,
        source="rule",
        reason=rule.reason,
        author=rule.name,
        made_at=now_s,
        until=now_s + lasts.seconds,
        scope=rule.scope or rule.on,
        bucket=bucket,
    )


def fresh(word: Standing | None, wanted: Standing) -> bool:
    """Whether a word that stands says the same, and for long enough that it need not be prolonged yet."""
    if word is None or word.until is None or wanted.until is None:
        return False
    same = (word.then, word.scope, word.bucket, word.reason) == (wanted.then, wanted.scope, wanted.bucket, wanted.reason)
    return same and word.until - wanted.made_at >= _RENEWED * (wanted.until - wanted.made_at)


def slower_bucket(rule: RiskBucket, limits: Sequence[Limit], kind: str, plan: str | None) -> BucketRule | None:
    """The bucket of a throttled subject: its refill is a share of the fastest that a limit by that subject alone has for its plan."""
    theirs = [limit for limit in limits if limit.bucket is not None and kind_of(limit) == kind]
    of_plan = [limit for limit in theirs if not limit.match.plan or plan in limit.match.plan] or theirs
    refills = [Fraction(*limit.bucket.refill) for limit in of_plan if limit.bucket is not None]
    if not refills:
        return None
    slower = max(refills) * Fraction(round(rule.refill_ratio * _HUNDREDTHS), _HUNDREDTHS)
    return BucketRule(capacity=rule.capacity, refill=Refill(slower.numerator, slower.denominator))
