"""What an operator's process needs beside the operator lane: words that stand, and what people and payment services change about them.

There is one in every `serve`, however many workers answer the gateway.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from prometheus_client.core import Metric

from ratelimit.books import Books
from ratelimit.core.case_rule import CaseRules
from ratelimit.core.message import Counted, Decided, Flagged
from ratelimit.core.policy import Policy
from ratelimit.core.retention import Retention
from ratelimit.core.store_key import StoreKeys
from ratelimit.deed_desk import DeedDesk
from ratelimit.ledger.subjects import Subjects
from ratelimit.loop import keep_running
from ratelimit.privacy_desk import PrivacyDesk
from ratelimit.review.announcement import Announcer
from ratelimit.review.cases import Cases
from ratelimit.review.daily import Daily
from ratelimit.review.flagged import FlagIntake
from ratelimit.review.intake import IntakeWorker, intake_of
from ratelimit.review.live import LiveTail
from ratelimit.review.overview import OverviewBook
from ratelimit.review.quality import Quality
from ratelimit.review.retention import RetentionJob
from ratelimit.review.traffic import TrafficBook
from ratelimit.rule_desk import Figures, RuleDesk
from ratelimit.service.address_book import NO_SOURCES, AddressBook
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.flags import Flags
from ratelimit.service.hold_counter import HoldCounter
from ratelimit.service.hold_sweep import HoldSweep
from ratelimit.service.holds import Holds
from ratelimit.service.overrides import Overrides
from ratelimit.service.recorder import Recorder
from ratelimit.service.standings import Standings
from ratelimit.service.stripe_effects import StripeEffects
from ratelimit.service.stripe_inbox import StripeInbox
from ratelimit.service.stripe_worker import StripeWorker
from ratelimit.service.velocity import Velocity
from ratelimit.service.webhook_queue import WebhookQueue
from ratelimit.service.webhook_sender import WebhookSender
from ratelimit.setting_value import Secret
from ratelimit.sidecar import Terms, open_asked, open_recorder, open_standings
from ratelimit.stores.client import RedisStore
from ratelimit.web.campaigns import CampaignCalls
from ratelimit.web.cases import CaseCalls
from ratelimit.web.gate_metrics import standing_figures
from ratelimit.web.hold_metrics import hold_figures
from ratelimit.web.holds import HoldCalls
from ratelimit.web.intake import IntakeCalls
from ratelimit.web.intake_metrics import intake_figures, retention_figures
from ratelimit.web.outgoing import Poster
from ratelimit.web.overrides import OverrideCalls
from ratelimit.web.overview import OverviewCalls
from ratelimit.web.quality import QualityCalls
from ratelimit.web.route import Route
from ratelimit.web.stripe import StripeDoor
from ratelimit.web.stripe_metrics import stripe_figures
from ratelimit.web.stripe_signature import Verify, verifier
from ratelimit.web.traffic import TrafficCalls
from ratelimit.web.webhooks import WebhookCalls

_CLEAN_EVERY_S: Final = 60.0
WORK_DEADLINE_S: Final = 1.0  # nobody waits for what is worked on

StripeSecrets = Secret[tuple[str, ...]]


class WebhookTerms(NamedTuple):
    """Whom to tell, and what to sign with."""

    url: Secret[str]
    secrets: Secret[tuple[str, ...]]


class Desk:
    """What is opened goes onto the `stack`. `standings` are those of this process, for a sidecar in it as well."""

    def __init__(self, standings: Standings, store: RedisStore, work: RedisStore, store_key: bytes, ledger: Books) -> None:
        keys = StoreKeys(store_key)
        self.ledger: Final = ledger
        self.standings: Final = standings
        self._store_key = store_key
        self._counter = HoldCounter(store, keys, time.time)
        self.holds: Final = Holds(standings, self._counter, time.time)
        self._webhooks = WebhookQueue(store, time.time)
        self._sender: WebhookSender | None = None
        self._inbox = StripeInbox(work, time.time)  # Stripe waits for longer than a checkout
        self.cases: Final = Cases(ledger, time.time)
        self.quality: Final = Quality(ledger, time.time)
        warned = Recorder(work, time.time)  # of its own, since it is waited for
        flags, logs = Flags(warned.put, keys), Velocity(keys, AddressBook(NO_SOURCES))  # addresses are of no use to it
        effects = StripeEffects(work, logs, self.holds, flags, warned.flush)
        self._worker = StripeWorker(work, keys, self._inbox, effects, time.time)
        self._effects = effects
        self.subjects: Final = Subjects(ledger.keys)
        self.intake: Final = intake_of(ledger, self.subjects, self._kept)
        self._flagged = FlagIntake(self.subjects, Daily(self._cases_a_day))
        self.intake.add(Flagged, self._flagged)
        self.intake_worker: Final = IntakeWorker(work, self.intake, time.time)
        self._verify: Verify | None = None
        self._work = work
        self._told: tuple[str, ...] = ()
        self._sample = 0.0
        self.rules: RuleDesk | None = None
        self.deeds: DeedDesk | None = None
        self.retention: RetentionJob | None = None
        self._retained: Callable[[], Retention] = Retention
        self.live: Final = LiveTail()
        self.privacy: Final = PrivacyDesk(
            ledger, self.subjects, work, standings, keys, lambda: self._webhooks if self._sender else None, self.live
        )
        self.traffic: Final = TrafficBook(ledger)
        self.overview: Final = OverviewBook(ledger, standings, time.time)
        self.intake.add(Decided, self.live.take)
        self.intake.add(Counted, self.traffic.take)
        self._policy: Callable[[], Policy] | None = None

    def begin_retention(self, policy: Callable[[], Policy], stack: AsyncExitStack) -> None:
        """Remove what is older than the policy says, and keep what it has turned on."""
        self._retained = lambda: policy().file.retention
        self.retention = RetentionJob(self.ledger, self._retained, time.time)
        keep_running(self.retention.run, stack)

    def _kept(self) -> frozenset[str]:
        """What may be kept, since the owner has turned it on."""
        return frozenset(self._retained().keep)

    def begin_rules(self, policy: Callable[[], Policy], figures: Figures, stack: AsyncExitStack) -> None:
        """Put in force what people have laid on the rules of the file's policy, and take what they want of them."""
        self.rules = RuleDesk(self.ledger, self._work, policy, figures, self.standings)
        self.rules.begin(stack)

    def overrides(self, policy: Callable[[], Policy]) -> Overrides:
        """What people say about subjects, judged by the policy in force."""
        return Overrides(self.standings, self._store_key, policy, time.time, self._webhooks if self._told else None)

    def begin_deeds(self, policy: Callable[[], Policy], stack: AsyncExitStack) -> None:
        """Do what people decide, and finish what a crash left; `policy` gives the one in force."""
        overrides = self.overrides(policy)
        self.deeds = DeedDesk(
            self.ledger,
            self.subjects,
            overrides=overrides,
            holds=self.holds,
            inbox=self._inbox,
            webhooks=self._webhooks,
            told=self._told,
            policy=policy,
            sample=self._sample,
        )
        self.deeds.begin(stack)

    @classmethod
    async def open(
        cls, terms: Terms, ledger: Books, webhook: WebhookTerms | None, stripe: StripeSecrets | None, stack: AsyncExitStack
    ) -> "Desk":
        """Reach the store, or begin to try; `webhook` None: the site is told nothing; `stripe` None: no events are taken in."""
        standings, asked = await open_standings(terms, stack), await open_asked(terms, stack)
        desk = cls(standings, asked, await open_asked(terms, stack, WORK_DEADLINE_S), terms.store_key, ledger)
        desk._sample = terms.allow_sample
        await desk._open_webhooks(webhook, stack)
        if stripe is not None:
            desk._verify = verifier(stripe.reveal())
        desk._effects.conclude = (await open_recorder(terms, stack)).put
        keep_running(desk._worker.run, stack)
        stack.push_async_callback(desk.intake_worker.finish)
        keep_running(desk.intake_worker.run, stack)
        keep_running(desk.traffic.run, stack)
        keep_running(desk.overview.run, stack)
        desk.privacy.begin(stack)
        keep_running(partial(desk._flagged.run, ledger, time.time), stack)
        keep_running(desk.quality.run, stack)
        keep_running(Announcer(ledger, desk._webhooks if webhook is not None else None).run, stack)
        keep_running(desk._clean, stack)
        return desk

    def routes(self, policy: Callable[[], Policy]) -> list[Route]:
        """What it answers on the operator lane; `policy` gives the one in force."""
        self._policy = policy
        overrides = self.overrides(policy)
        stripe = StripeDoor(self._inbox, self._verify, time.time)
        return [
            *OverrideCalls(overrides, policy, time.time).routes(),
            *HoldCalls(self.holds).routes(),
            *WebhookCalls(self._webhooks).routes(),
            *stripe.routes(),
            *self._case_routes(),
            *(self.deeds.routes(self.cases) if self.deeds is not None else ()),
            *IntakeCalls(self.intake_worker).routes(),
            *self.privacy.routes(),
            *TrafficCalls(self.traffic).routes(),
            *OverviewCalls(self.overview).routes(),
            *(self.rules.routes() if self.rules is not None else ()),
        ]

    def _case_routes(self) -> list[Route]:
        actions, seen = (self.deeds.actions, self.deeds.seen) if self.deeds is not None else (None, None)
        calls = CaseCalls(self.cases, time.time, actions, seen), CampaignCalls(self.cases), QualityCalls(self.quality)
        return [route for some in calls for route in some.routes()]

    def figures(self) -> Iterable[Metric]:
        """What it counted."""
        yield from standing_figures(self.standings)
        yield from hold_figures(self.holds, self._sender)
        yield from stripe_figures(self._inbox, self._worker)
        yield from intake_figures(self.intake_worker, away=self.ledger.away_since is not None)
        if self.retention is not None:
            yield from retention_figures(self.retention)
        if self.rules is not None:
            yield from self.rules.figures()

    async def _open_webhooks(self, terms: WebhookTerms | None, stack: AsyncExitStack) -> None:
        if terms is not None:
            self._told = (urlsplit(terms.url.reveal()).hostname or "",)
            post = await Poster.open(terms.url, stack)
            self._sender = WebhookSender(self._webhooks, post, terms.secrets.reveal(), time.time)
            keep_running(self._sender.run, stack)
        sweep = HoldSweep(self.standings, self._counter, self._webhooks if terms is not None else None, time.time)
        keep_running(sweep.run, stack)

    def _cases_a_day(self) -> int:
        return self._policy().file.cases.per_day if self._policy is not None else CaseRules().per_day

    async def _clean(self) -> None:
        while True:
            await asyncio.sleep(_CLEAN_EVERY_S)
            try:
                await self.standings.clean()
            except StoreAwayError:
                continue
