"""Puts the entries of an access log through a policy, in the log's own time, and counts who would have been refused.

The policy, its matching, the callers' identity and the buckets are those that serve; what is missing are leases and the store, since here
every request is asked exactly and alone: all limits that enforce must have room for its cost, or none is charged. Limits in shadow refuse
nobody and are charged where the request passes and they have room.

Time stands still for an entry older than one before it: it is taken at the latest instant so far and counted as late. Microseconds.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from ratelimit.core.address import caller_prefix, forwarded_for
from ratelimit.core.identity import ApiKeys, Caller
from ratelimit.core.limit import Limit, SubjectKind
from ratelimit.core.log_entry import REQUEST, Entry
from ratelimit.core.policy import Policy
from ratelimit.core.subject import Value, lacking
from ratelimit.core.units import US_PER_S
from ratelimit.service.log_reader import LogReader
from ratelimit.service.replay_report import FileReport, OrderReport, Report, RequestReport, SubjectReport
from ratelimit.service.replay_tally import Tally

_QUESTIONS_KEPT: Final = 100_000
_UNORDERED_SHARE: Final = 0.1  # of requests over a second late; logs written at a request's end have a few, shuffled ones have half
ALWAYS_US: Final = (-(1 << 62), 1 << 62)  # a span that leaves nothing out


_Put = tuple[Tally, Value | None]  # a limit and the subject it is asked about


class _Question(NamedTuple):
    """Which limits one caller's request is put to, and as what subjects; made once for as many requests as are alike."""

    enforced: tuple[_Put, ...]
    shadowed: tuple[_Put, ...]
    skipped: tuple[tuple[Tally, SubjectKind], ...]  # the limits that it lacks a subject for, and of which kind
    limits: tuple[Limit, ...]  # kept alive: questions are found by its identity


class Replay:
    """One run. Feed it with `run`, as often as there are logs; then ask for the `report`. `span_us`: what lies outside is not asked."""

    def __init__(self, policy: Policy, api_keys: ApiKeys, span_us: tuple[int, int] = ALWAYS_US) -> None:
        self._policy = policy
        self._api_keys = api_keys
        self._from_us, self._until_us = span_us
        self._tallies = {limit.name: Tally(limit) for limit in policy.limits}
        self._questions: dict[tuple[object, ...], _Question] = {}
        self._first_us: int | None = None
        self._now_us = ALWAYS_US[0]
        self._late = self._late_over_1s = self._worst_late_us = 0
        self._seen = self._refused = self._unlimited = self._no_request = self._outside = self._life_events = 0
        self._reasons: Counter[str] = Counter()

    def run(self, entries: Iterable[Entry]) -> None:
        """Ask for every entry."""
        match, questions, now_us = self._policy.match, self._questions, self._now_us
        for entry in entries:
            time_us, method, path, ip, api_key, account, plan, cost = entry[:8]
            if entry.kind != REQUEST:
                self._life_events += 1
                continue
            if not self._from_us <= time_us < self._until_us:
                self._outside += 1
                continue
            if self._first_us is None:
                self._first_us = time_us
            if time_us < now_us:
                self._note_late(now_us - time_us)
            else:
                self._now_us = now_us = time_us
            if not method:
                self._no_request += 1
                continue
            limits = match(method, path, plan)
            question = questions.get((id(limits), ip, api_key, account, plan)) or self._question(limits, entry)
            self._ask(now_us, question, cost)

    def _note_late(self, late_us: int) -> None:
        self._late += 1
        self._late_over_1s += late_us > US_PER_S
        self._worst_late_us = max(self._worst_late_us, late_us)

    def _question(self, limits: tuple[Limit, ...], entry: Entry) -> _Question:
        caller = self._caller(entry)
        enforced, shadowed, skipped = [], [], []
        for tally in (self._tallies[limit.name] for limit in limits):
            subject = tally.subject_of(caller)
            if subject is None and (tally.limit.missing == "skip" or tally.limit.mode == "shadow"):
                skipped.append((tally, lacking(tally.limit, caller) or tally.limit.per[0]))
            elif tally.limit.mode == "enforce":
                enforced.append((tally, subject))
            else:
                shadowed.append((tally, subject))
        if len(self._questions) >= _QUESTIONS_KEPT:
            self._questions.clear()
        question = _Question(tuple(enforced), tuple(shadowed), tuple(skipped), limits)
        self._questions[id(limits), entry.ip, entry.api_key, entry.account, entry.plan] = question
        return question

    def _caller(self, entry: Entry) -> Caller:
        packed = forwarded_for([entry.ip], self._policy.trusted) if entry.ip else None
        return Caller(
            api_key=None if entry.api_key is None else self._api_keys.digest(entry.api_key),
            ip=None if packed is None else caller_prefix(packed, self._policy.identity.ipv6_prefix),
            account=entry.account,
            plan=entry.plan,
        )

    def _ask(self, now_us: int, question: _Question, cost: int) -> None:
        self._seen += 1
        enforced, shadowed, skipped, _ = question
        waits_us = [tally.ask(now_us, subject, cost) for tally, subject in enforced]
        refused = any(waits_us)
        if refused:
            self._refuse(now_us, enforced, waits_us, cost)
        elif not enforced:
            self._unlimited += 1
        for tally, subject in shadowed:
            wait_us = tally.ask(now_us, subject, cost)
            if wait_us:
                tally.refuse(subject, wait_us, named=True)
            elif refused:
                tally.spare(now_us, subject, cost)
        for tally, kind in skipped:
            tally.skipped[kind] += 1

    def _refuse(self, now_us: int, enforced: tuple[_Put, ...], waits_us: list[int], cost: int) -> None:
        """Refuse by the limit with the longest wait, the first of equals, and give back what the others charged."""
        self._refused += 1
        named = waits_us.index(max(waits_us))
        for index, ((tally, subject), wait_us) in enumerate(zip(enforced, waits_us, strict=True)):
            if not wait_us:
                tally.spare(now_us, subject, cost)
                continue
            reason = tally.refuse(subject, wait_us, named=index == named)
            if index == named:
                self._reasons[reason] += 1

    def report(self, policy_name: str, readers: Iterable[LogReader], top: int) -> Report:
        """What was found so far; `top`: how many of each limit's refused subjects are named."""
        return Report(
            version=1,
            policy=policy_name,
            policy_digest=self._policy.digest,
            mode=self._policy.mode,
            first=None if self._first_us is None else _rfc3339(self._first_us),
            last=None if self._first_us is None else _rfc3339(self._now_us),
            files=[FileReport(one.name, one.format, one.lines, one.read, one.broken, one.examples, one.ended_early) for one in readers],
            order=self._order_report(),
            requests=RequestReport(
                self._seen, self._seen - self._refused, self._refused, self._unlimited, self._no_request, self._outside, self._life_events
            ),
            reasons={"ok": self._seen - self._refused, **self._reasons},
            subjects=self._subject_reports(),
            limits=[tally.report(top, self._policy.identity.ipv6_prefix) for tally in self._tallies.values()],
        )

    def _order_report(self) -> OrderReport:
        unordered = self._late_over_1s > _UNORDERED_SHARE * (self._seen + self._no_request)
        return OrderReport(self._late, self._late_over_1s, self._worst_late_us / US_PER_S, unordered)

    def _subject_reports(self) -> list[SubjectReport]:
        """Distinct subjects over all limits that enforce and count by the same thing."""
        alike: dict[tuple[object, ...], list[Tally]] = {}
        for tally in self._tallies.values():
            if tally.limit.mode == "enforce":
                alike.setdefault((tally.limit.per, tally.limit.subnet if "subnet" in tally.limit.per else None), []).append(tally)
        return [
            SubjectReport(
                per=tallies[0].limit.per,
                seen=len(set[Value]().union(*(tally.seen_by for tally in tallies))),
                refused=len(set[Value]().union(*(tally.refused_by for tally in tallies))),
            )
            for tallies in alike.values()
        ]


def _rfc3339(time_us: int) -> str:
    return datetime.fromtimestamp(time_us // US_PER_S, UTC).isoformat().replace("+00:00", "Z")
