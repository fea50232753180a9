"""What a replay counts for one limit, beside the meter that it charges. See LimitReport for what each count means."""

from collections import Counter
from collections.abc import Mapping
from heapq import nsmallest
from typing import Final

from ratelimit.core.decision import Reason
from ratelimit.core.limit import Limit
from ratelimit.core.risk_rule import Twin
from ratelimit.core.subject import Value, describe, subject_of
from ratelimit.service.replay_meter import replay_meter
from ratelimit.service.replay_report import LimitReport, TopSubject
from ratelimit.service.roll import Roll, number_of

NEVER: Final = 1 << 62  # us to wait for a cost that does not fit at all, or for a subject that is missing
SEEN: Final = "seen"
REFUSED: Final = "refused"


class Visits:
    """How often a subject came, and was refused."""

    __slots__ = ("refused", "seen")

    def __init__(self) -> None:
        self.seen = self.refused = 0

    def weight(self) -> tuple[int, ...]:
        """Who was refused matters first, then who came often."""
        return self.refused, self.seen


class Tally:
    """One limit in a replay: its meter, its counts, and how often each subject came and was refused."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.meter = replay_meter(limit)
        self.twin = isinstance(limit, Twin)
        self.subject_of = subject_of(limit)
        self.seen = self.refused = self.also_refused = self.spared = 0
        self.roll: Roll[Value, Visits] = Roll(Visits, Visits.weight, {SEEN: lambda _: True, REFUSED: lambda visits: visits.refused > 0})
        self.skipped: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()

    def ask(self, now_us: int, subject: Value | None, cost: int) -> int:
        """Charge the cost and return 0, or charge nothing and return in how many microseconds it would fit, or NEVER.

        A subject of None is a request that lacks it where the limit says `missing: deny`.
        """
        self.seen += 1
        if subject is None:
            return NEVER
        visits = self.roll.kept.get(subject) or self.roll.of(subject)  # a call less for those who are known
        visits.seen += 1
        if cost > self.meter.most:
            if not self.twin:
                return NEVER
            cost = self.meter.most  # a model locks nobody out
        return self.meter.charge(now_us, subject, cost)

    def refuse(self, subject: Value | None, wait_us: int, *, named: bool) -> Reason:
        """Count a refusal and return its reason; `named`: the decision names this limit."""
        reason: Reason = "cost_exceeds_capacity" if wait_us == NEVER else "risk_throttled" if self.twin else self.meter.reason
        if named:
            self.refused += 1
        else:
            self.also_refused += 1
        self._reasons[reason] += 1
        if subject is not None:
            self.roll.of(subject).refused += 1
        return reason

    def spare(self, now_us: int, subject: Value | None, cost: int) -> None:
        """Take back a charge of this instant, since another limit refused."""
        self.meter.refund(now_us, subject, min(cost, self.meter.most))
        self.spared += 1

    def refused_of(self, subject: Value) -> int:
        """How many requests of a subject it refused."""
        visits = self.roll.kept.get(subject)
        return visits.refused if visits is not None else 0

    def report(self, top: int, ipv6_prefix: int) -> LimitReport:
        """The counts so far, with the `top` subjects that were refused most."""
        return LimitReport(
            name=self.limit.name,
            mode=self.limit.mode,
            per=self.limit.per,
            seen=self.seen,
            admitted=self.seen - self.refused - self.also_refused - self.spared,
            refused=self.refused,
            also_refused=self.also_refused,
            spared=self.spared,
            skipped=dict(self.skipped),
            reasons=dict(self._reasons),
            subjects_seen=number_of([self.roll], SEEN),
            subjects_refused=number_of([self.roll], REFUSED),
            top=[
                TopSubject(describe(self.limit, subject, ipv6_prefix), visits.seen, visits.refused)
                for subject, visits in most_refused(self.roll.kept, top)
            ],
            approx=self.roll.approx,
        )


def most_refused(visits: Mapping[Value, Visits], top: int) -> list[tuple[Value, Visits]]:
    """The subjects refused most, ties in the order in which they first came."""
    return nsmallest(top, ((who, of) for who, of in visits.items() if of.refused), key=lambda item: -item[1].refused)
