"""What an operator's process needs for deeds of people: words, holds and webhooks behind them, and what finishes what a crash left."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

from ratelimit.core.policy import Policy
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.loop import keep_running
from ratelimit.review.actions import Actions
from ratelimit.review.appeal import Appeals
from ratelimit.review.bulk import Bulks
from ratelimit.review.cases import Cases
from ratelimit.review.dispute_pack import Packs
from ratelimit.review.doing import Doing
from ratelimit.review.dossiers import Dossiers
from ratelimit.review.effect import Effects
from ratelimit.review.preview import Previews
from ratelimit.review.search import Search
from ratelimit.review.seen import Seen
from ratelimit.review.weighing import Weigher
from ratelimit.service.holds import Holds
from ratelimit.service.overrides import Overrides
from ratelimit.service.stripe_inbox import StripeInbox
from ratelimit.service.webhook_queue import WebhookQueue
from ratelimit.web.appeals import AppealCalls
from ratelimit.web.bulk import BulkCalls
from ratelimit.web.deeds import DeedCalls
from ratelimit.web.labels import LabelCalls
from ratelimit.web.packs import PackCalls
from ratelimit.web.route import Route


class DeedDesk:
    """`told` is where webhooks go, by host; empty: there is nobody to tell. `policy` gives the one in force.

    `sample` is the share of allowed requests that are recorded.
    """

    def __init__(  # noqa: PLR0913  what deeds go through, by name
        self,
        ledger: Ledger,
        subjects: Subjects,
        *,
        overrides: Overrides,
        holds: Holds,
        inbox: StripeInbox,
        webhooks: WebhookQueue,
        told: tuple[str, ...],
        policy: Callable[[], Policy],
        sample: float,
    ) -> None:
        effects = Effects(overrides, holds, inbox, webhooks if told else None, time.time)
        doing = Doing(ledger, subjects, effects, time.time, told)
        self.actions: Final = Actions(doing)
        self.previews: Final = Previews(doing, sample)
        self.bulks: Final = Bulks(self.actions, self.previews)
        self.appeals: Final = Appeals(self.actions)
        self.packs: Final = Packs(ledger, time.time)
        self._ledger = ledger
        self.weigher: Final = Weigher(policy)
        self.dossiers: Final = Dossiers(ledger, self.weigher, overrides, time.time, lambda: policy().file.retention)
        self.search: Final = Search(ledger, subjects, overrides.target)
        self.seen: Final = Seen(ledger, time.time)

    def routes(self, cases: Cases) -> list[Route]:
        """What it answers on the operator lane."""
        return [
            *DeedCalls(self.actions, self.previews, cases).routes(),
            *BulkCalls(self.bulks).routes(),
            *AppealCalls(self.appeals).routes(),
            *LabelCalls(self._ledger).routes(),
            *PackCalls(cases, self.packs).routes(),
        ]

    def begin(self, stack: AsyncExitStack) -> None:
        """Finish what was left, for ever."""
        keep_running(self.actions.reconcile.run, stack)
        keep_running(self.appeals.run, stack)
