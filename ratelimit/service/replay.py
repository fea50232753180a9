"""Puts the entries of an access log through a policy, in the log's own time, and counts who would have been refused; or through two, and
counts what changes from one to the other.

Time stands still for an entry older than one before it: it is taken at the latest instant so far and counted as late. Microseconds.
"""

from collections.abc import Iterable
from typing import Final, Protocol

from ratelimit.core.identity import ApiKeys, Caller
from ratelimit.core.log_entry import REQUEST, Entry
from ratelimit.core.log_time import rfc3339
from ratelimit.core.policy import Policy
from ratelimit.core.units import US_PER_S
from ratelimit.service.log_reader import LogReader
from ratelimit.service.replay_change import Change
from ratelimit.service.replay_flags import Flags
from ratelimit.service.replay_report import FileReport, OrderReport, Report, RequestReport
from ratelimit.service.replay_timeline import Timeline
from ratelimit.service.replay_trial import Refusal, Trial

_UNORDERED_SHARE: Final = 0.1  # of entries over a second late; logs written at a request's end have a few, shuffled ones have half
ALWAYS_US: Final = (-(1 << 62), 1 << 62)  # a span that leaves nothing out


class Observer(Protocol):
    """Who looks on while a log is replayed."""

    def see(self, now_us: int, entry: Entry, caller: Caller, refusal: Refusal | None) -> None:
        """Called for each request with the first policy's answer, and for each event of an account's life, which nothing refuses.

        `now_us` never goes back, as `entry.time_us` may. `caller` is whom the policy takes the entry to come from.
        """


class Replay:
    """One run. Feed it with `run`, as often as there are logs; then ask for the `report`. `span_us`: what lies outside is not asked.

    `flags` know the callers' risks. With `enforce_risk` what risk does is done, also where a policy has it in shadow.
    """

    def __init__(  # noqa: PLR0913  (each of them is optional, and by name)
        self,
        policy: Policy,
        api_keys: ApiKeys,
        span_us: tuple[int, int] = ALWAYS_US,
        against: Policy | None = None,
        observer: Observer | None = None,
        *,
        flags: Flags | None = None,
        enforce_risk: bool = False,
    ) -> None:
        self._trial = Trial(policy, api_keys, enforce_risk=enforce_risk)
        self._change = Change(self._trial, Trial(against, api_keys, enforce_risk=enforce_risk)) if against else None
        self._observer, self._flags = observer, flags
        self._timeline = Timeline()
        self._from_us, self._until_us = span_us
        self._first_us: int | None = None
        self._now_us = ALWAYS_US[0]
        self._late = self._late_over_1s = self._worst_late_us = 0
        self._no_request = self._outside = self._life_events = 0

    def run(self, entries: Iterable[Entry]) -> None:
        """Ask for every entry."""
        for entry in entries:
            if not self._is_inside(entry.time_us):
                self._outside += 1
            elif entry.kind != REQUEST:
                self._life_events += 1
                if self._observer:
                    self._observer.see(self._now_us, entry, self._trial.caller(entry), None)
            elif not entry.method:
                self._no_request += 1
            else:
                self._ask(entry)

    def _is_inside(self, time_us: int) -> bool:
        """Whether an entry of that time is asked for; if so, the replay's clock is set."""
        if not self._from_us <= time_us < self._until_us:
            return False
        if time_us >= self._now_us:
            self._now_us = time_us
            if self._first_us is None:
                self._first_us = time_us
            return True
        late_us = self._now_us - time_us
        self._late += 1
        self._late_over_1s += late_us > US_PER_S
        self._worst_late_us = max(self._worst_late_us, late_us)
        return True

    def _ask(self, entry: Entry) -> None:
        now_us, change = self._now_us, self._change
        question = self._trial.question(entry)
        risk = self._flags.risk_of(question.caller) if self._flags is not None else None
        refusal = self._trial.ask(now_us, question, entry.cost, risk)
        if change is None:
            self._timeline.note(now_us, refusal is not None)
        else:
            against = change.against.ask(now_us, change.against.question(entry), entry.cost, risk)
            change.note(now_us, entry, question.caller, refusal, against)
            self._timeline.note(now_us, refusal is not None, against is not None)
        if self._flags is not None:
            self._flags.note(question.caller, entry.user_agent, admitted=refusal is None)
        if self._observer:
            self._observer.see(now_us, entry, question.caller, refusal)

    def report(self, readers: Iterable[LogReader], top: int) -> Report:
        """What was found so far; `top`: how many of each limit's refused subjects, and of the callers that change sides, are named."""
        trial = self._trial
        return Report(
            version=1,
            policy=trial.policy.source,
            policy_digest=trial.policy.digest,
            mode=trial.policy.mode,
            first=None if self._first_us is None else rfc3339(self._first_us // US_PER_S),
            last=None if self._first_us is None else rfc3339(self._now_us // US_PER_S),
            files=[FileReport(one.name, one.format, one.lines, one.read, one.broken, one.examples, one.ended_early) for one in readers],
            order=self._order_report(),
            requests=RequestReport(
                seen=trial.asked,
                admitted=trial.asked - trial.refused,
                refused=trial.refused,
                unlimited=trial.unlimited,
                no_request=self._no_request,
                outside=self._outside,
                life_events=self._life_events,
            ),
            reasons=trial.reasons,
            subjects=trial.subjects(),
            limits=trial.limits(top),
            timeline=self._timeline.report(against=self._change is not None),
            comparison=self._change.report(top) if self._change else None,
            risk=self._flags.report(trial, top) if self._flags is not None else None,
        )

    def _order_report(self) -> OrderReport:
        read = self._trial.asked + self._no_request + self._life_events
        return OrderReport(self._late, self._late_over_1s, self._worst_late_us / US_PER_S, self._late_over_1s > _UNORDERED_SHARE * read)
