"""The ledger's database: SQLite in one file (WAL), or PostgreSQL. Opens it and gives transactions; queries stand in the modules beside.

SQLite has one writer at a time: `write` takes its turn here, before it takes the file's lock, so that nobody waits in a busy loop.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from sqlalchemy import event
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

Dialect = Literal["sqlite", "postgresql"]

_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=NORMAL",  # a power cut may lose the last commits, and never breaks the file; the stream tells them again
    "foreign_keys=ON",
    "busy_timeout=5000",  # ms; other processes write too
    "cache_size=-65536",  # KiB
    "mmap_size=268435456",  # bytes
    "temp_store=MEMORY",
    "secure_delete=ON",  # what is deleted is overwritten: erasure and retention mean it
)
_CONNECTIONS: Final = 5
_CONNECT_S: Final = 5.0
_STATEMENT_MS: Final = 30_000
_ENTANGLED: Final = frozenset({"40P01", "40001"})  # deadlocked, or not in one order with others: nothing was made, and again it may be
# the server ends the connection, shuts down, starts, or has no connection left
_AWAY: Final = frozenset({"57P01", "57P02", "57P03", "53300"})
_NO_TEXT: Final = frozenset({"22021", "22P05"})  # PostgreSQL has no NUL, neither in a text nor in a tree


class LedgerAwayError(Exception):
    """The database cannot be reached, or did not answer; a transaction that was under way may or may not have been made."""


class NoTextError(ValueError):
    """The database takes no such text; nothing was made."""


class Ledger:
    """A database. `url` is as RATELIMIT_DATABASE_URL has it."""

    def __init__(self, url: str) -> None:
        self.url: Final = driver_url(url)
        self.dialect: Final[Dialect] = "sqlite" if self.url.startswith("sqlite") else "postgresql"
        self.engine: Final = _engine(self.url, self.dialect)
        self._turn = asyncio.Lock() if self.dialect == "sqlite" else nullcontext()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection whose statements see one state of the database; raises LedgerAwayError and NoTextError."""
        with _away():
            async with self.engine.connect() as connection:
                if self.dialect == "postgresql":
                    await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, made if nothing is raised in it; raises LedgerAwayError and NoTextError. Inside wait for nothing but SQL."""
        with _away():
            async with self._turn, self.engine.connect() as connection:
                if self.dialect == "sqlite":
                    await connection.execution_options(begin="IMMEDIATE")
                async with connection.begin():
                    yield connection

    async def close(self) -> None:
        """Let go of all connections."""
        await self.engine.dispose()


class _away:  # noqa: N801  reads as what it is: a context in which the driver's errors become ours
    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (OperationalError, InterfaceError, OSError, TimeoutError)):
            raise LedgerAwayError(_said(error)) from error
        state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
        if isinstance(error, DBAPIError) and (error.connection_invalidated or state in _ENTANGLED | _AWAY):
            raise LedgerAwayError(_said(error)) from error
        if state in _NO_TEXT:
            raise NoTextError("a text has the character U+0000, which the database does not take") from error
        if isinstance(error, DatabaseError) and type(error.orig) is sqlite3.DatabaseError:  # no database, or a damaged one
            raise LedgerAwayError(_said(error)) from error


def _said(error: BaseException) -> str:
    """What the database said, without the statement and what stood in it: that is about people, and this goes to the log."""
    return str(error.orig if isinstance(error, DBAPIError) else error)


def driver_url(url: str) -> str:
    """The URL that names the driver as well, which it may do already."""
    parts = urlsplit(url)
    if "+" in parts.scheme:
        return url
    if parts.scheme == "sqlite":
        return f"sqlite+aiosqlite:///{parts.path}"
    return parts._replace(scheme="postgresql+asyncpg").geturl()


def _engine(url: str, dialect: Dialect) -> AsyncEngine:
    if dialect == "postgresql":
        settings = {"timeout": _CONNECT_S, "server_settings": {"statement_timeout": str(_STATEMENT_MS), "application_name": "ratelimit"}}
        return create_async_engine(url, pool_size=_CONNECTIONS, max_overflow=_CONNECTIONS, pool_timeout=_CONNECT_S, connect_args=settings)
    engine = create_async_engine(url, pool_size=_CONNECTIONS, max_overflow=_CONNECTIONS, pool_timeout=_CONNECT_S)
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins no transactions by itself: `_begin` does
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Any) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'DEFERRED')}")
