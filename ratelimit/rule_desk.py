"""What an operator's process needs for rules: versions in the ledger, what lies on the policy in the store, backtests, and canaries.

It reaches the store over a connection of its own, which nobody waits for.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ratelimit.console.models import ModelPages
from ratelimit.console.reach import Reaches
from ratelimit.console.render import Console
from ratelimit.console.rule_page import RulePage
from ratelimit.console.rules import RulePages
from ratelimit.core.overlay import encode_overlay, revision_of
from ratelimit.core.policy import Policy
from ratelimit.core.protocols import Store
from ratelimit.core.reach import of_rules
from ratelimit.ledger.ledger import Ledger
from ratelimit.loop import keep_running
from ratelimit.review.backtests import Backtests
from ratelimit.review.canary import CanaryWatch
from ratelimit.review.model_drift import Sample
from ratelimit.review.models import Models
from ratelimit.review.rule_count import RuleCounter
from ratelimit.review.rule_dossier import RuleFacts
from ratelimit.review.rule_draft import Drafts
from ratelimit.review.rule_lift import RuleLift
from ratelimit.review.rule_overlay import RuleOverlay
from ratelimit.review.rules import Rules
from ratelimit.service.reach import ReachBook
from ratelimit.service.rule_words import RuleWords
from ratelimit.service.standings import Standings
from ratelimit.web.models import ModelCalls
from ratelimit.web.route import Route
from ratelimit.web.rules import RuleCalls

Figures = Callable[[], Awaitable[list[Metric]]]


class RuleDesk:
    """`policy` is the file's, as it is below what people have laid on its rules; `figures` are what sidecars have counted."""

    def __init__(self, ledger: Ledger, store: Store, policy: Callable[[], Policy], figures: Figures, standings: Standings) -> None:
        self._figures = figures
        self.overlay: Final = RuleOverlay(ledger, store, policy, time.time)
        self.lift: Final = RuleLift(RuleWords(standings))
        self.rules: Final = Rules(ledger, self.overlay, time.time, self.lift)
        self.drafts: Final = Drafts(ledger, time.time)
        self.backtests: Final = Backtests(ledger, time.time)
        self.facts: Final = RuleFacts(ledger, time.time)
        self.models: Final = Models(ledger, self.overlay, policy, self._samples, time.time)
        self.counter: Final = RuleCounter(ledger, self._samples, time.time)
        self.reach: Final = ReachBook(store, self._revision, rules=True)
        self.canaries: Final = CanaryWatch(ledger, self.rules, time.time)

    def begin(self, stack: AsyncExitStack) -> None:
        """Keep everything in step, for ever."""
        stack.push_async_callback(self.backtests.close)
        stack.push_async_callback(self.lift.close)
        keep_running(self.overlay.run, stack)
        keep_running(self.canaries.run, stack)
        keep_running(self.counter.run, stack)

    def routes(self) -> list[Route]:
        """What it answers on the operator lane."""
        return [*RuleCalls(self.rules, self.drafts, self.backtests, time.time).routes(), *ModelCalls(self.models).routes()]

    def _revision(self) -> bytes:
        return of_rules(revision_of(encode_overlay(self.overlay.overlay)))

    def pages(self, console: Console, reaches: Reaches) -> list[Route]:
        """What people see of it."""
        return [
            *RulePages(console, self.rules, self.drafts, self.facts).routes(),
            *RulePage(console, self.rules, self.drafts, self.backtests, self.facts, reaches).routes(),
            *ModelPages(console, self.models, self.facts).routes(),
        ]

    def figures(self) -> Iterator[Metric]:
        """What it counted."""
        meaning = "1 while what the ledger says of rules cannot be put in force, since it is not sound on this policy."
        yield GaugeMetricFamily("ratelimit_rule_overlay_unwritten", meaning, value=bool(self.overlay.problems))
        meaning = "Canaries that went back to shadow by themselves, since they hit trusted customers."
        yield CounterMetricFamily("ratelimit_rule_canary_rolled_back", meaning, value=self.canaries.rolled_back)

    async def _samples(self) -> list[Sample]:
        return [(name, labels, value) for metric in await self._figures() for name, labels, value, *_ in metric.samples]
