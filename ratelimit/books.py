"""The ledger of a process that serves: opened in the background, so that the gateway is answered before it, and while it is away.

Until its schema is that of this program, whoever reads or writes waits for the first try to open it, and after that is told that the
ledger is away, and why.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.errors import ConfigError
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.migrate import migrate
from ratelimit.ledger.subjects import may_be_by
from ratelimit.loop import keep_running
from ratelimit.setting_value import place_of
from ratelimit.settings import Settings
from ratelimit.stores.folder import make_folder
from ratelimit.stores.key_file import load_or_create_key

_AGAIN_S: Final = 2.0
_PATIENCE_S: Final = 5.0

_OTHER_KEY: Final = (
    "RATELIMIT_LEDGER_KEY, or ledger.key in the data folder, is not what the ledger was written with: nobody in it would be found, and no "
    "erasure be known; bring that key back"
)

_log = structlog.get_logger()


class Books(Ledger):
    """A ledger that may not be there yet. `keys` turn callers into digests, the first is the current one.

    `away_since` is when it was last found to be away, None while it is there; `why` is why it could not be opened yet.
    """

    def __init__(self, url: str, keys: tuple[bytes, ...]) -> None:
        super().__init__(url)
        self.keys: Final = keys
        self._url = url
        self.away_since: float | None = time.time()
        self.why: str | None = "it is being opened"
        self.opened: Final = asyncio.Event()  # once its schema is ours
        self._tried = asyncio.Event()
        self._trying: asyncio.Task[None] | None = None

    @classmethod
    def begin(cls, settings: Settings, stack: AsyncExitStack) -> "Books":
        """Begin to open the one that the settings name; raises ConfigError where the data folder cannot be used."""
        if settings.database_url is not None:
            url = settings.database_url.reveal()
        else:
            url = f"sqlite://{make_folder(settings.data) / 'ledger.db'}"
        keys = settings.ledger_key.reveal() if settings.ledger_key is not None else (load_or_create_key(settings.data, "ledger"),)
        books = cls(url, keys)
        stack.push_async_callback(books.close)
        keep_running(books._open, stack)
        return books

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """As a ledger does."""
        with await self._watched():
            async with super().read() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """As a ledger does."""
        with await self._watched():
            async with super().write() as connection:
                yield connection

    async def close(self) -> None:
        """Let go of all connections, after a try to open it has come to its end: one that is cut off leaves its connection hanging."""
        if self._trying is not None:
            await asyncio.wait({self._trying}, timeout=_PATIENCE_S)
        await super().close()

    async def _watched(self) -> "_Watch":
        if not self._tried.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._tried.wait(), _PATIENCE_S)
        if not self.opened.is_set():
            raise LedgerAwayError(self.why)
        return _Watch(self)

    async def _open(self) -> None:
        while not self.opened.is_set():
            self._trying = asyncio.create_task(self._try())
            await asyncio.shield(self._trying)  # told to stop, it comes to its end all the same: see close
            await asyncio.sleep(0 if self.opened.is_set() else _AGAIN_S)
        await asyncio.Event().wait()

    async def _try(self) -> None:
        plain = Ledger(self._url)  # which asks nobody whether it may
        try:
            await migrate(plain)
            await self._check_key(plain)
        except (LedgerAwayError, ConfigError) as error:
            if str(error) != self.why:
                _log.error("the ledger cannot be opened, and is tried again", ledger=place_of(self._url), why=str(error))
            self.why = str(error)
        else:
            self.opened.set()
            self.away_since = self.why = None
        finally:
            self._tried.set()
            await plain.close()

    async def _check_key(self, plain: Ledger) -> None:
        async with plain.read() as connection:
            if not await may_be_by(connection, self.keys):
                raise ConfigError([_OTHER_KEY])


class _Watch:
    def __init__(self, books: Books) -> None:
        self._books = books

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        books = self._books
        if not isinstance(error, LedgerAwayError):
            books.away_since = None
        elif books.away_since is None:
            books.away_since = time.time()
