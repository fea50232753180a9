"""Opens what a history needs, of requests or of purchases: an embedded store of its own in a temporary folder, and the signals on it."""

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from ratelimit.core.distinct import Distinct
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.address_book import NO_SOURCES, AddressBook, Sources
from ratelimit.service.history import History
from ratelimit.service.purchase_history import PurchaseHistory
from ratelimit.service.usage import Usage
from ratelimit.service.velocity import Velocity
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.embedded import EmbeddedStore

_PATIENCE_S: Final = 60.0  # nobody waits for a decision
MOST_SUBJECTS: Final = 200_000
# names subjects in a store that is gone in the end; the same one each time, so that a log gives the same signals
SAME_EACH_TIME: Final = b"ratelimit: a past that is no secret"[:32]


def _clock_us() -> int:
    return time.monotonic_ns() // 1_000


@asynccontextmanager
async def open_history(secret: bytes, *, sources: Sources = NO_SOURCES, lag_s: int = 1, exact: bool = False) -> AsyncIterator[History]:
    """A history on an empty store; `secret` chooses pseudonyms and bits of distinct counts, so the same one gives the same signals."""
    async with _empty_store(secret) as store:
        usage = Usage(store, StoreKeys(secret), Distinct(secret), AddressBook(sources), MOST_SUBJECTS)
        yield History(usage, lag_s=lag_s, exact=exact)


@asynccontextmanager
async def open_purchase_history(secret: bytes, *, sources: Sources = NO_SOURCES) -> AsyncIterator[PurchaseHistory]:
    """The same for purchases."""
    async with _empty_store(secret) as store:
        yield PurchaseHistory(store, Velocity(StoreKeys(secret), AddressBook(sources)))


@asynccontextmanager
async def _empty_store(secret: bytes) -> AsyncIterator[RedisStore]:
    with tempfile.TemporaryDirectory(prefix="rl-history-") as folder:
        embedded = await EmbeddedStore.start(Path(folder), durable=False)
        try:
            store = RedisStore(Options(embedded.url, _clock_us, _PATIENCE_S, StoreKeys(secret).check_value))
            await store.open()
            try:
                yield store
            finally:
                await store.close()
        finally:
            await embedded.stop()
