"""Makes the decisions that the limiter took: gives them ids, counts them, and remembers the refusals for a while."""

from collections import Counter
from collections.abc import Iterable
from secrets import token_hex
from typing import NamedTuple

from msgspec import UNSET

from ratelimit.core.decision import Decision, Reason, ShadowFinding, Verdict
from ratelimit.core.passage import Passage
from ratelimit.core.units import US_PER_S
from ratelimit.service.meter import Meter
from ratelimit.service.question import Question
from ratelimit.service.recent import Recent
from ratelimit.service.shelf import Shelf
from ratelimit.service.watch import Known

Asked = tuple[Shelf, Meter]
Shadow = tuple[ShadowFinding, ...]


class Denial(NamedTuple):
    """Which limit refused, and for how many microseconds; None where no waiting helps. `meter` None: the caller is no subject of it."""

    shelf: Shelf
    meter: Meter | None
    wait: int | None
    reason: Reason


class Answers:
    """Every decision of this process."""

    def __init__(self) -> None:
        self.recent = Recent()
        self.shadowed = Counter[str]()  # by limit: what passed and would not have, were the limit not in shadow
        self.explored = 0  # passed only since a lot had said so
        self._instance, self._count = token_hex(6), 0  # an id says nothing, and no two sidecars give the same
        self._passed = 0  # with `ok`
        self._otherwise: Counter[tuple[Verdict, Reason]] = Counter()

    @property
    def decided(self) -> dict[tuple[Verdict, Reason], int]:
        """How many decisions there were of each kind."""
        return {("allow", "ok"): self._passed, **self._otherwise}

    def refused(self, question: Question, denial: Denial, now: int, policy: str, known: Known | None) -> Decision:
        """A refusal; `policy` is the digest of the policy in force, `known` what is known of whom it is about."""
        shelf, meter, wait, reason = denial
        shelf.counts.refused += 1
        self._otherwise["throttle", reason] += 1
        remaining, reset_after = meter.share.standing(now) if meter is not None else (0, None)
        decision = Decision(
            self._id(),
            "throttle",
            reason,
            shelf.limit.name,
            shelf.subject(meter) if meter is not None else None,
            remaining,
            wait / US_PER_S if wait is not None else None,
            reset_after / US_PER_S if reset_after is not None else None,
            question.risk,
            shelf.propensity,
        )
        self.recent.add(decision, question, policy, known, shelf.ipv6_prefix)
        return decision

    def blocked(self, question: Question, passage: Passage, policy: str, known: Known | None, ipv6_prefix: int) -> Decision:
        """What a person, a list or a rule has blocked."""
        reason = passage.row.reason
        self._otherwise["block", reason] += 1
        decision = Decision(self._id(), "block", reason, passage.by, passage.subject)
        self.recent.add(decision, question, policy, known, ipv6_prefix)
        return decision

    def allowed(self, asked: Iterable[Asked], shadow: Shadow, now: int, risk: float | None, passage: Passage | None = None) -> Decision:
        """An allow; the limit that is named is the one with the least left, of those that are meant."""
        reason: Reason = "ok"
        if passage is None:
            self._passed += 1
        else:
            reason, shadow = passage.row.reason, shadow + passage.shadow
            self._count_as(reason)
        if shadow:
            self._count_shadow(shadow)
        named = None
        least = resets = 0
        for one in asked:
            shelf, meter = one
            if not shelf.shadow:
                remaining, reset_after = meter.share.standing(now)
                if named is None or remaining < least:
                    named, least, resets = one, remaining, reset_after
        if named is None:
            return Decision(self._id(), "allow", reason, risk=risk, shadow=shadow)
        shelf, meter = named
        subject = meter.subject or shelf.subject(meter)
        return Decision(self._id(), "allow", reason, shelf.limit.name, subject, least, None, resets / US_PER_S, risk, shadow=shadow)

    def _count_as(self, reason: Reason) -> None:
        if reason == "ok":
            self._passed += 1
        else:
            self._otherwise["allow", reason] += 1

    def _count_shadow(self, shadow: Shadow) -> None:
        for finding in shadow:
            self.shadowed[finding.limit] += 1
        self.explored += any(finding.propensity is not UNSET for finding in shadow)

    def _id(self) -> str:
        self._count += 1
        return f"{self._instance}-{self._count:x}"
