"""Buckets that stand beside the limits for some callers: an override's throttle, a rule's, and the twins of a risky subject.

A request that costs more than such a bucket holds takes all of it: whoever is slowed down is not locked out. The rank says what is named
where several refuse, as core/decision has it: limits first.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ratelimit.core.decision import Reason
from ratelimit.core.limit import Limit, Mode, SubjectKind
from ratelimit.core.risk_rule import Twin, slower
from ratelimit.core.rule import Rule
from ratelimit.core.standing import Standing, TargetKind


class OverrideThrottle(Limit, frozen=True):
    """The bucket that a person has put beside the limits of one subject or network."""


class RuleTwin(Limit, frozen=True):
    """The bucket beside a limit of a subject that a rule slows down."""


def override_throttle(word: Standing) -> OverrideThrottle:
    """What a person's throttle comes to."""
    return OverrideThrottle(name=f"override:{word.id}", per=("account",), bucket=word.bucket)


def rule_twins(rule: Rule, limits: Iterable[Limit]) -> Iterator[RuleTwin]:
    """What a rule's throttle of requests comes to, beside each limit that counts by a subject alone."""
    if rule.then != "throttle" or rule.bucket is None:
        return
    for limit in limits:
        bucket = slower(limit, rule.bucket)
        if bucket is not None:
            mode: Mode = "shadow" if "shadow" in (rule.mode, limit.mode) else "enforce"
            yield RuleTwin(
                name=rule_twin_name(rule.name, limit.name),
                per=limit.per,
                match=limit.match,
                bucket=bucket,
                mode=mode,
                on_store_failure=limit.on_store_failure,
            )


def rule_twin_name(rule: str, limit: str) -> str:
    """How the bucket of a rule beside a limit is called; no limit's own name holds a colon."""
    return f"rule:{rule}:{limit}"


def counts_by(per: Iterable[SubjectKind], kind: TargetKind) -> bool:
    """Whether a limit can have another bucket for a target of that kind: it counts by it, or by the addresses in it."""
    return any(one in {kind, "ip" if kind == "network" else kind} for one in per)


LIMIT_RANK: Final = 0
BESIDE: Final[Mapping[type[Limit], tuple[int, Reason]]] = {
    OverrideThrottle: (1, "override_throttle"),
    RuleTwin: (2, "rule_throttled"),
    Twin: (3, "risk_throttled"),
}
