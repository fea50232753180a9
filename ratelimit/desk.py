"""What an operator's process needs on the store: words that stand, and what people and payment services change about them.

There is one in every `serve`, however many workers answer the gateway.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from prometheus_client.core import Metric

from ratelimit.core.policy import Policy
from ratelimit.core.store_key import StoreKeys
from ratelimit.loop import keep_running
from ratelimit.review.witness import Witness
from ratelimit.service.address_book import NO_SOURCES, AddressBook
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.flags import Flags
from ratelimit.service.hold_counter import HoldCounter
from ratelimit.service.hold_sweep import HoldSweep
from ratelimit.service.holds import Holds
from ratelimit.service.overrides import Overrides
from ratelimit.service.reach import ReachBook
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
from ratelimit.web.gate_metrics import standing_figures
from ratelimit.web.hold_metrics import hold_figures
from ratelimit.web.holds import HoldCalls
from ratelimit.web.outgoing import Poster
from ratelimit.web.route import Route
from ratelimit.web.stripe import StripeDoor
from ratelimit.web.stripe_metrics import stripe_figures
from ratelimit.web.stripe_signature import Verify, verifier
from ratelimit.web.webhooks import WebhookCalls

_CLEAN_EVERY_S: Final = 60.0
WORK_DEADLINE_S: Final = 1.0  # nobody waits for what is worked on

StripeSecrets = Secret[tuple[str, ...]]


class WebhookTerms(NamedTuple):
    """Whom to tell, and what to sign with."""

    url: Secret[str]
    secrets: Secret[tuple[str, ...]]


class Desk:
    """What is opened goes onto the `stack`. `standings` are those of this process, for a sidecar in it as well.

    `work` is a connection for what nobody waits for. `told` is where webhooks go, by host; empty: the site is told nothing.
    """

    def __init__(self, standings: Standings, store: RedisStore, work: RedisStore, store_key: bytes) -> None:
        self.standings: Final = standings
        self.work: Final = work
        self.keys: Final = StoreKeys(store_key)
        self.told: tuple[str, ...] = ()
        self._store_key = store_key
        self._counter = HoldCounter(store, self.keys, time.time)
        self.reach: Final = ReachBook(store, lambda: standings.made)
        self.holds: Final = Holds(standings, self._counter, time.time)
        self.webhooks: Final = WebhookQueue(store, time.time)
        self._sender: WebhookSender | None = None
        self.inbox: Final = StripeInbox(work, time.time)  # Stripe waits for longer than a checkout
        warned = Recorder(work, time.time)  # of its own, since it is waited for
        flags, logs = Flags(warned.put, self.keys), Velocity(self.keys, AddressBook(NO_SOURCES))  # addresses are of no use to it
        self._effects = StripeEffects(work, logs, self.holds, flags, warned.flush)
        self._worker = StripeWorker(work, self.keys, self.inbox, self._effects, time.time)
        self._verify: Verify | None = None

    @classmethod
    async def open(cls, terms: Terms, webhook: WebhookTerms | None, stripe: StripeSecrets | None, stack: AsyncExitStack) -> "Desk":
        """Reach the store, or begin to try; `webhook` None: the site is told nothing; `stripe` None: no events are taken in."""
        standings, asked = await open_standings(terms, stack), await open_asked(terms, stack)
        desk = cls(standings, asked, await open_asked(terms, stack, WORK_DEADLINE_S), terms.store_key)
        await desk._open_webhooks(webhook, stack)
        if stripe is not None:
            desk._verify = verifier(stripe.reveal())
        desk._effects.conclude = (await open_recorder(terms, stack)).put
        keep_running(desk._worker.run, stack)
        keep_running(desk._clean, stack)
        return desk

    @property
    def told_queue(self) -> WebhookQueue | None:
        """What the site is told by; None: nobody is told."""
        return self.webhooks if self.told else None

    def overrides(self, policy: Callable[[], Policy]) -> Overrides:
        """What people say about subjects, judged by the policy in force."""
        return Overrides(self.standings, self._store_key, policy, time.time, self.told_queue)

    def routes(self, witness: Witness) -> list[Route]:
        """What it answers on the operator lane; `witness` writes into the audit what people did."""
        return [
            *HoldCalls(self.holds, witness).routes(),
            *WebhookCalls(self.webhooks, witness).routes(),
            *StripeDoor(self.inbox, self._verify, time.time, witness).routes(),
        ]

    def figures(self) -> Iterable[Metric]:
        """What it counted."""
        yield from standing_figures(self.standings)
        yield from hold_figures(self.holds, self._sender)
        yield from stripe_figures(self.inbox, self._worker)

    async def _open_webhooks(self, terms: WebhookTerms | None, stack: AsyncExitStack) -> None:
        if terms is not None:
            self.told = (urlsplit(terms.url.reveal()).hostname or "",)
            post = await Poster.open(terms.url, stack)
            self._sender = WebhookSender(self.webhooks, post, terms.secrets.reveal(), time.time)
            keep_running(self._sender.run, stack)
        sweep = HoldSweep(self.standings, self._counter, self.told_queue, time.time)
        keep_running(sweep.run, stack)

    async def _clean(self) -> None:
        while True:
            await asyncio.sleep(_CLEAN_EVERY_S)
            try:
                await self.standings.clean()
            except StoreAwayError:
                continue
