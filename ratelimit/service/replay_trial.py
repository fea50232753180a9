"""One policy in a replay: what it says to each request, and what is counted of it.

The policy, its matching, the callers' identity and the buckets are those that serve; what is missing are leases and the store, since here
every request is asked exactly and alone: all limits that enforce must have room for its cost, or none is charged. Limits in shadow refuse
nobody and are charged where the request passes and they have room. Beside the limits of a subject whose risk is high stand their twins, as
when we serve. Microseconds, never going back.
"""

from collections import Counter
from math import inf
from typing import Final, NamedTuple

from msgspec.structs import replace

from ratelimit.core.address import caller_prefix, forwarded_for
from ratelimit.core.decision import Reason
from ratelimit.core.identity import ApiKeys, Caller
from ratelimit.core.limit import Limit, SubjectKind
from ratelimit.core.log_entry import Entry
from ratelimit.core.policy import Policy
from ratelimit.core.risk import Risk
from ratelimit.core.risk_rule import TWIN
from ratelimit.core.signals import Kind
from ratelimit.core.subject import Value, lacking
from ratelimit.service.replay_report import LimitReport, PolicyReport, SubjectReport
from ratelimit.service.replay_tally import REFUSED, SEEN, Tally
from ratelimit.service.roll import number_of

_QUESTIONS_KEPT: Final = 20_000  # some 1.5 KB each

_Put = tuple[Tally, Value | None]  # a limit and the subject it is asked about


class Refusal(NamedTuple):
    """Why a request is refused: the limit that the decision names, and its reason."""

    limit: str
    reason: Reason


class Question(NamedTuple):
    """Which limits one caller's request is put to, and as what subjects; made once for as many requests as are alike."""

    caller: Caller
    enforced: tuple[_Put, ...]
    shadowed: tuple[_Put, ...]
    skipped: tuple[tuple[Tally, SubjectKind], ...]  # the limits that it lacks a subject for, and of which kind
    limits: tuple[Limit, ...]  # kept alive: questions are found by its identity


class Trial:
    """The limits of one policy, and how they fared; with `enforce_risk` twins refuse where their limits do, whatever the policy says."""

    def __init__(self, policy: Policy, api_keys: ApiKeys, *, enforce_risk: bool = False) -> None:
        self.policy = policy
        self.asked = self.refused = self.unlimited = 0
        self._api_keys = api_keys
        self._tallies = {limit.name: Tally(limit) for limit in policy.limits}
        modes = {TWIN + limit.name: limit.mode for limit in policy.limits}
        self._twins = {twin.name: Tally(replace(twin, mode=modes[twin.name]) if enforce_risk else twin) for twin in policy.twins}
        self._above = policy.risk.throttle.above if policy.risk is not None else inf
        self._questions: dict[tuple[object, ...], Question] = {}
        self._reasons: Counter[str] = Counter()

    def question(self, entry: Entry) -> Question:
        """What a request asks of this policy."""
        _, method, path, ip, api_key, account, plan = entry[:7]
        limits = self.policy.match(method, path, plan)
        key = (id(limits), ip, api_key, account, plan)
        question = self._questions.get(key)
        if question is None:
            if len(self._questions) >= _QUESTIONS_KEPT:
                self._questions.clear()
            question = self._questions[key] = self._question(limits, entry)
        return question

    def caller(self, entry: Entry) -> Caller:
        """Who asks, as this policy understands the entry."""
        packed = forwarded_for([entry.ip], self.policy.trusted) if entry.ip else None
        return Caller(
            api_key=None if entry.api_key is None else self._api_keys.digest(entry.api_key),
            ip=None if packed is None else caller_prefix(packed, self.policy.identity.ipv6_prefix),
            account=entry.account,
            plan=entry.plan,
        )

    def _question(self, limits: tuple[Limit, ...], entry: Entry) -> Question:
        caller = self.caller(entry)
        enforced, shadowed, skipped = [], [], []
        for tally in (self._tallies[limit.name] for limit in limits):
            subject = tally.subject_of(caller)
            if subject is None and (tally.limit.missing == "skip" or tally.limit.mode == "shadow"):
                skipped.append((tally, lacking(tally.limit, caller) or tally.limit.per[0]))
            elif tally.limit.mode == "enforce":
                enforced.append((tally, subject))
            else:
                shadowed.append((tally, subject))
        return Question(caller, tuple(enforced), tuple(shadowed), tuple(skipped), limits)

    def ask(self, now_us: int, question: Question, cost: int, risk: Risk | None = None) -> Refusal | None:
        """Charge the limits, or say which of them refuses; `risk` is the request's, as far as it is known."""
        self.asked += 1
        _, enforced, shadowed, skipped, _ = question
        if risk is not None and risk.risk > self._above:
            twins = self._twins_of(question, risk.kind)
            enforced += tuple(put for put in twins if put[0].limit.mode == "enforce")
            shadowed += tuple(put for put in twins if put[0].limit.mode == "shadow")
        waits_us = [tally.ask(now_us, subject, cost) for tally, subject in enforced]
        refusal = None
        if any(waits_us):
            refusal = self._refuse(now_us, enforced, waits_us, cost)
        elif not enforced:
            self.unlimited += 1
        for tally, subject in shadowed:
            wait_us = tally.ask(now_us, subject, cost)
            if wait_us:
                tally.refuse(subject, wait_us, named=True)
            elif refusal:
                tally.spare(now_us, subject, cost)
        for tally, kind in skipped:
            tally.skipped[kind] += 1
        return refusal

    def _twins_of(self, question: Question, kind: Kind) -> list[_Put]:
        """What stands beside the limits that count by the risky subject alone."""
        beside = ((self._twins.get(TWIN + tally.limit.name), tally, subject) for tally, subject in question.enforced + question.shadowed)
        return [(twin, subject) for twin, tally, subject in beside if twin is not None and tally.limit.per == (kind,)]

    def _refuse(self, now_us: int, enforced: tuple[_Put, ...], waits_us: list[int], cost: int) -> Refusal:
        """Refuse by the limit with the longest wait, the first of equals, and give back what the others charged.

        A twin is named only where no limit refuses.
        """
        self.refused += 1
        named = max(range(len(waits_us)), key=lambda at: (waits_us[at] > 0 and not enforced[at][0].twin, waits_us[at]))
        for index, ((tally, subject), wait_us) in enumerate(zip(enforced, waits_us, strict=True)):
            if not wait_us:
                tally.spare(now_us, subject, cost)
            elif index != named:
                tally.refuse(subject, wait_us, named=False)
        tally, subject = enforced[named]
        reason = tally.refuse(subject, waits_us[named], named=True)
        self._reasons[reason] += 1
        return Refusal(tally.limit.name, reason)

    @property
    def reasons(self) -> dict[str, int]:
        """Requests by the reason of their decision."""
        return {"ok": self.asked - self.refused, **self._reasons}

    def report(self, top: int) -> PolicyReport:
        """All of it, for the second of two policies."""
        return PolicyReport(
            policy=self.policy.source,
            policy_digest=self.policy.digest,
            mode=self.policy.mode,
            admitted=self.asked - self.refused,
            refused=self.refused,
            unlimited=self.unlimited,
            reasons=self.reasons,
            subjects=self.subjects(),
            limits=self.limits(top),
            twins=self.twins(top),
        )

    @property
    def names(self) -> list[str]:
        """What decisions can name."""
        return [*self._tallies, *self._twins]

    def throttled(self, kind: Kind, value: Value) -> int:
        """How many requests of a subject were refused by its twins, or would have been."""
        return sum(twin.refused_of(value) for twin in self._twins.values() if twin.limit.per == (kind,))

    def twins(self, top: int) -> list[LimitReport]:
        """What risky subjects had beside the limits, in the same order."""
        return [tally.report(top, self.policy.identity.ipv6_prefix) for tally in self._twins.values()]

    def limits(self, top: int) -> list[LimitReport]:
        """The limits in the file's order, each with its `top` most refused subjects."""
        return [tally.report(top, self.policy.identity.ipv6_prefix) for tally in self._tallies.values()]

    def subjects(self) -> list[SubjectReport]:
        """Distinct subjects over all limits that enforce and count by the same thing."""
        alike: dict[tuple[object, ...], list[Tally]] = {}
        for tally in (*self._tallies.values(), *self._twins.values()):
            if tally.limit.mode == "enforce":
                alike.setdefault((tally.limit.per, tally.limit.subnet if "subnet" in tally.limit.per else None), []).append(tally)
        return [
            SubjectReport(
                per=tallies[0].limit.per,
                seen=number_of([tally.roll for tally in tallies], SEEN),
                refused=number_of([tally.roll for tally in tallies], REFUSED),
                approx=any(tally.roll.approx for tally in tallies),
            )
            for tallies in alike.values()
        ]
