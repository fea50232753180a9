"""What an operator's process needs beside the operator lane: words that stand, and what people and payment services change about them.

There is one in every `serve`, however many workers answer the gateway.
"""

import asyncio
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Final, NamedTuple

from prometheus_client.core import Metric

from ratelimit.core.store_key import StoreKeys
from ratelimit.loop import keep_running
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.hold_counter import HoldCounter
from ratelimit.service.hold_sweep import HoldSweep
from ratelimit.service.holds import Holds
from ratelimit.service.standings import Standings
from ratelimit.service.webhook_queue import WebhookQueue
from ratelimit.service.webhook_sender import WebhookSender
from ratelimit.settings import Secret
from ratelimit.sidecar import Terms, open_asked, open_standings
from ratelimit.stores.client import RedisStore
from ratelimit.web.hold_metrics import hold_figures
from ratelimit.web.holds import HoldCalls
from ratelimit.web.outgoing import Poster
from ratelimit.web.route import Route
from ratelimit.web.webhooks import WebhookCalls

_CLEAN_EVERY_S: Final = 60.0


class WebhookTerms(NamedTuple):
    """Whom to tell, and what to sign with."""

    url: Secret[str]
    secrets: Secret[tuple[str, ...]]


class Desk:
    """What is opened goes onto the `stack`. `standings` are those of this process, for a sidecar in it as well."""

    def __init__(self, standings: Standings, store: RedisStore, keys: StoreKeys) -> None:
        self.standings: Final = standings
        self.keys: Final = keys
        self._counter = HoldCounter(store, keys, time.time)
        self.holds: Final = Holds(standings, self._counter, time.time)
        self._webhooks = WebhookQueue(store, time.time)
        self._sender: WebhookSender | None = None

    @classmethod
    async def open(cls, terms: Terms, webhook: WebhookTerms | None, stack: AsyncExitStack) -> "Desk":
        """Reach the store, or begin to try; `webhook` None: the site is told nothing."""
        desk = cls(await open_standings(terms, stack), await open_asked(terms, stack), StoreKeys(terms.store_key))
        await desk._open_webhooks(webhook, stack)
        keep_running(desk._clean, stack)
        return desk

    def routes(self) -> list[Route]:
        """What it answers on the operator lane."""
        return [*HoldCalls(self.holds).routes(), *WebhookCalls(self._webhooks).routes()]

    def figures(self) -> Iterable[Metric]:
        """What it counted."""
        yield from hold_figures(self.holds, self._sender)

    async def _open_webhooks(self, terms: WebhookTerms | None, stack: AsyncExitStack) -> None:
        if terms is not None:
            post = await Poster.open(terms.url, stack)
            self._sender = WebhookSender(self._webhooks, post, terms.secrets.reveal(), time.time)
            keep_running(self._sender.run, stack)
        sweep = HoldSweep(self.standings, self._counter, self._webhooks if terms is not None else None, time.time)
        keep_running(sweep.run, stack)

    async def _clean(self) -> None:
        while True:
            await asyncio.sleep(_CLEAN_EVERY_S)
            try:
                await self.standings.clean()
            except StoreAwayError:
                continue
