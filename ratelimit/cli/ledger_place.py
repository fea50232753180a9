"""Where a command finds the ledger: at the URL that it is given, else where `ratelimit serve` has it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ratelimit.core.errors import ConfigError, DependencyError
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.migrate import migrate
from ratelimit.setting_value import RefusedError, database_url
from ratelimit.settings import read_settings
from ratelimit.stores.key_file import load_or_create_key


@asynccontextmanager
async def open_ledger(url: str | None = None) -> AsyncIterator[Ledger]:
    """The ledger, with the schema of this program; raises ConfigError and DependencyError."""
    ledger = Ledger(_url(url))
    try:
        await migrate(ledger)
        yield ledger
    except LedgerAwayError as error:
        raise DependencyError(f"the ledger cannot be reached: {error}") from None
    finally:
        await ledger.close()


def _url(url: str | None) -> str:
    if url is not None:
        try:
            return database_url(url).reveal()
        except RefusedError as error:
            raise ConfigError([f"the ledger's URL is not allowed; expected {error}"]) from None
    settings = read_settings(os.environ)
    if settings.database_url is not None:
        return settings.database_url.reveal()
    path = (settings.data / "ledger.db").absolute()
    if not Path(path).exists():
        raise ConfigError(
            [f"there is no ledger in {settings.data}; expected RATELIMIT_DATA or RATELIMIT_DATABASE_URL of a service that ran"]
        )
    return f"sqlite://{path}"


def store_key() -> bytes:
    """By which the service turned API keys into digests; raises ConfigError where there was none."""
    settings = read_settings(os.environ)
    if settings.store_key is not None:
        return settings.store_key.reveal()
    if not (settings.data / "store.key").exists():
        raise ConfigError(
            [f"there is no store.key in {settings.data}; expected RATELIMIT_DATA or RATELIMIT_STORE_KEY of a service that ran"]
        )
    return load_or_create_key(settings.data, "store")
