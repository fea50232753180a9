"""Lets people and automation in: sessions, passwords and tokens put together, and the door of the operator lane."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

from ratelimit.books import Books
from ratelimit.core.policy import Policy
from ratelimit.core.store_key import StoreKeys
from ratelimit.review.principals import Principals
from ratelimit.service.attempts import Attempts
from ratelimit.service.passwords import Passwords
from ratelimit.service.sessions import Sessions
from ratelimit.settings import Settings
from ratelimit.sidecar import Terms, open_asked
from ratelimit.stores.client import RedisStore
from ratelimit.web.door import Door
from ratelimit.web.origin import Origin

_DEADLINE_S: Final = 1.0


class Reception:
    """What is opened goes onto the `stack`."""

    def __init__(self, store: RedisStore, store_key: bytes, ledger: Books, settings: Settings) -> None:
        self._settings = settings
        self.sessions: Final = Sessions(store, time.time)
        self.attempts: Final = Attempts(store, StoreKeys(store_key), time.time)
        self.passwords: Final = Passwords()
        self.principals: Final = Principals(ledger, self.sessions, time.time)

    @classmethod
    async def open(cls, terms: Terms, ledger: Books, settings: Settings, stack: AsyncExitStack) -> "Reception":
        """Reach the store, or begin to try."""
        made = cls(await open_asked(terms, stack, _DEADLINE_S), terms.store_key, ledger, settings)
        stack.callback(made.passwords.close)
        return made

    def door(self, policy: Callable[[], Policy]) -> Door:
        """The door of the operator lane; `policy` gives the one in force."""
        settings = self._settings
        strict = not settings.operator.beyond_loopback
        origin = Origin(settings.console_url, strict=strict, trusted=lambda: policy().trusted)
        return Door(settings.operator_token, self.principals, origin)
