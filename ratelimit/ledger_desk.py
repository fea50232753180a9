"""What an operator's process needs on the ledger: what comes in, cases and what people do about them, rules, figures, requests about data.

It is made once it is known which policy is in force, and needs the store's side, which is the desk.
"""

import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from typing import Final, NamedTuple

from prometheus_client.core import Metric

from ratelimit.books import Books
from ratelimit.core.message import Bought, Counted, Decided, Flagged
from ratelimit.core.policy import Policy
from ratelimit.core.retention import Retention
from ratelimit.deed_desk import DeedDesk
from ratelimit.desk import Desk
from ratelimit.ledger.subjects import Subjects
from ratelimit.loop import keep_running
from ratelimit.privacy_desk import PrivacyDesk
from ratelimit.review.announcement import Announcer
from ratelimit.review.banned import BanIntake
from ratelimit.review.cases import Cases
from ratelimit.review.daily import Daily
from ratelimit.review.flagged import FlagIntake
from ratelimit.review.intake import IntakeWorker, intake_of
from ratelimit.review.live import LiveTail
from ratelimit.review.overview import OverviewBook
from ratelimit.review.quality import Quality
from ratelimit.review.retention import RetentionJob
from ratelimit.review.traffic import TrafficBook
from ratelimit.review.witness import Witness
from ratelimit.review.words import Words
from ratelimit.rule_desk import RuleDesk
from ratelimit.web.campaigns import CampaignCalls
from ratelimit.web.cases import CaseCalls
from ratelimit.web.intake import IntakeCalls
from ratelimit.web.intake_metrics import intake_figures, retention_figures
from ratelimit.web.overrides import OverrideCalls
from ratelimit.web.overview import OverviewCalls
from ratelimit.web.quality import QualityCalls
from ratelimit.web.route import Route
from ratelimit.web.traffic import TrafficCalls


class Around(NamedTuple):
    """What it looks at: the policy in force, that of the file below what people laid on it, and what the sidecars have counted."""

    policy: Callable[[], Policy]
    policy_of_file: Callable[[], Policy]
    figures: Callable[[], Awaitable[list[Metric]]]
    sample: float  # share of allowed requests that are recorded


class LedgerDesk:
    """`begin` lets all of it work, for ever."""

    def __init__(self, ledger: Books, desk: Desk, around: Around) -> None:
        policy = around.policy

        def retained() -> Retention:
            return policy().file.retention

        self.ledger: Final = ledger
        self.subjects: Final = Subjects(ledger.keys)
        self.cases: Final = Cases(ledger, time.time)
        self.quality: Final = Quality(ledger, time.time)
        self.live: Final = LiveTail()
        self.traffic: Final = TrafficBook(ledger)
        self.overview: Final = OverviewBook(ledger, desk.standings, time.time)
        self._flagged: Final = FlagIntake(self.subjects, Daily(lambda: policy().file.cases.per_day))
        intake = intake_of(ledger, self.subjects, lambda: frozenset(retained().keep))
        intake.add(Flagged, self._flagged)
        intake.add(Bought, BanIntake(self.subjects, retained))
        intake.add(Decided, self.live.take)
        intake.add(Counted, self.traffic.take)
        self._intake: Final = IntakeWorker(desk.work, intake, time.time)
        self._retention: Final = RetentionJob(ledger, retained, time.time, self.subjects)
        self._announcer: Final = Announcer(ledger, desk.told_queue)
        self.privacy: Final = PrivacyDesk(
            ledger, self.subjects, desk.work, desk.standings, desk.keys, lambda: desk.told_queue, self.live, retained
        )
        self.rules: Final = RuleDesk(ledger, desk.work, around.policy_of_file, around.figures, desk.standings)
        self.overrides: Final = desk.overrides(policy)
        self.witness: Final = Witness(ledger, self.subjects, time.time)
        self.words: Final = Words(self.overrides, ledger, self.subjects, self.witness, time.time)
        self._policy: Final = policy
        self.deeds: Final = DeedDesk(
            ledger,
            self.subjects,
            overrides=self.overrides,
            holds=desk.holds,
            inbox=desk.inbox,
            webhooks=desk.webhooks,
            told=desk.told,
            policy=policy,
            sample=around.sample,
        )

    @property
    def lag_s(self) -> float:
        """For how long the oldest message waits to be written."""
        return self._intake.lag_s

    def begin(self, stack: AsyncExitStack) -> None:
        """Work, as long as the stack lasts; what was taken in is written before its end."""
        stack.push_async_callback(self._intake.finish)
        stack.push_async_callback(self.witness.catch_up)
        works = (
            self._intake.run,
            self.traffic.run,
            self.overview.run,
            partial(self._flagged.run, self.ledger, time.time),
            self.quality.run,
            self._announcer.run,
            self._retention.run,
            self.witness.run,
        )
        for work in works:
            keep_running(work, stack)
        for part in (self.privacy, self.rules, self.deeds):
            part.begin(stack)

    def routes(self) -> list[Route]:
        """What it answers on the operator lane."""
        return [
            *OverrideCalls(self.overrides, self._policy, time.time, self.words.note).routes(),
            *CaseCalls(self.cases, time.time, self.deeds.actions, self.deeds.seen).routes(),
            *CampaignCalls(self.cases).routes(),
            *QualityCalls(self.quality).routes(),
            *self.deeds.routes(self.cases),
            *IntakeCalls(self._intake).routes(),
            *self.privacy.routes(),
            *TrafficCalls(self.traffic).routes(),
            *OverviewCalls(self.overview).routes(),
            *self.rules.routes(),
        ]

    def figures(self) -> Iterable[Metric]:
        """What it counted."""
        yield from intake_figures(self._intake, away=self.ledger.away_since is not None)
        yield from retention_figures(self._retention)
        yield from self.rules.figures()
