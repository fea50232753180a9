"""Accounts on a real ledger and a real store, with a clock that is set and passwords that are hashed quickly."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from ratelimit.core.principal import OPERATOR, Principal, Role
from ratelimit.core.store_key import StoreKeys
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.account import Invited, Where
from ratelimit.review.accounts import Accounts
from ratelimit.review.api_tokens import ApiTokens
from ratelimit.review.audit import AuditEntry, AuditFilter, entries
from ratelimit.review.entry import Entry
from ratelimit.review.principals import FRESH_S, Principals
from ratelimit.service.attempts import Attempts
from ratelimit.service.passwords import Passwords
from ratelimit.service.sessions import Sessions
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.embedded import EmbeddedStore
from tests.stores.asker import clock

NOW = 1_790_000_000.0
HERE = Where("192.0.2.7", "192.0.2.0/24", "Firefox on Linux")
GOOD = "kettle ovid gravel moth"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class Front:
    """All that lets people in."""

    def __init__(self, ledger: Ledger, store: RedisStore) -> None:
        self.now = NOW
        self.ledger, self.store = ledger, store
        self.passwords = Passwords(QUICK)
        self.sessions = Sessions(store, self._wall)
        self.attempts = Attempts(store, StoreKeys(bytes(32)), self._wall)
        self.principals = Principals(ledger, self.sessions, self._wall)
        self.entry = Entry(ledger, self.sessions, self.attempts, self.passwords, self.principals, self._wall)
        self.accounts = Accounts(ledger, self.sessions, self.attempts, self.principals, self._wall)
        self.tokens = ApiTokens(ledger, self.principals, self._wall)

    def _wall(self) -> float:
        return self.now

    async def person(self, login: str, role: Role = "analyst", password: str = GOOD) -> tuple[str, Principal]:
        """A new person, who is logged in: the session's secret, and who it is."""
        made = await self.accounts.invite(OPERATOR, Invited(login, login.title(), role))
        secret = await self.entry.use_link(made.link, password, HERE)
        return secret, await self.known(secret)

    async def known(self, secret: str) -> Principal:
        found = await self.principals.of_session(secret)
        assert found is not None
        return found

    async def later(self) -> None:
        """What another process changed is seen by now."""
        self.now += FRESH_S + 0.1

    async def audit(self, **wanted: Any) -> list[AuditEntry]:
        async with self.ledger.read() as connection:
            return await entries(connection, AuditFilter(**wanted), 100)


@asynccontextmanager
async def front_on(ledger: Ledger, folder: Path) -> AsyncIterator[Front]:
    embedded = await EmbeddedStore.start(folder / "store")
    store = RedisStore(Options(embedded.url, clock, 5.0, StoreKeys(bytes(32)).check_value))
    await store.open()
    front = Front(ledger, store)
    yield front
    front.passwords.close()
    await store.close()
    await embedded.stop()
