"""What an operator's process needs for requests of people about their data, put together from store and ledger."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

from ratelimit.core.retention import Retention
from ratelimit.core.store_key import StoreKeys
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.loop import keep_running
from ratelimit.review.erasing import Erasing
from ratelimit.review.exporting import Exporting
from ratelimit.review.live import LiveTail
from ratelimit.review.place import Place
from ratelimit.review.privacy import Privacy
from ratelimit.service.spared import Spared
from ratelimit.service.standings import Standings
from ratelimit.service.webhook_queue import WebhookQueue
from ratelimit.stores.client import RedisStore
from ratelimit.web.privacy import PrivacyCalls
from ratelimit.web.route import Route


class PrivacyDesk:
    """`told` is the queue of webhooks, None where nobody is told."""

    def __init__(  # noqa: PLR0913, PLR0917  what it is put together from
        self,
        ledger: Ledger,
        subjects: Subjects,
        store: RedisStore,
        standings: Standings,
        keys: StoreKeys,
        told: Callable[[], WebhookQueue | None],
        live: LiveTail,
        retained: Callable[[], Retention],
    ) -> None:
        place = Place(ledger, subjects, store, standings, keys)
        self._retained = retained
        self.privacy: Final = Privacy(
            ledger,
            subjects,
            erasing=Erasing(place, time.time, live.forget, retained),
            exporting=Exporting(place, retained),
            spared=Spared(standings, time.time),
            told=told,
            wall=time.time,
            retained=retained,
        )

    def begin(self, stack: AsyncExitStack) -> None:
        """Carry on what is under way, and erase again what comes back, for ever."""
        keep_running(self.privacy.run, stack)

    def routes(self) -> list[Route]:
        """What it answers on the operator lane."""
        return PrivacyCalls(self.privacy, self._retained).routes()
