"""Lets people and automation in: sessions, passwords and tokens put together, and the door of the operator lane."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

from ratelimit.books import Books
from ratelimit.console.account import AccountPages
from ratelimit.console.audit import AuditPages
from ratelimit.console.login import WELCOME, LoginPages
from ratelimit.console.render import Console
from ratelimit.console.users import UsersPages
from ratelimit.core.policy import Policy
from ratelimit.core.store_key import StoreKeys
from ratelimit.loop import keep_running
from ratelimit.review.accounts import Accounts
from ratelimit.review.api_tokens import ApiTokens
from ratelimit.review.audit_watch import AuditWatch
from ratelimit.review.entry import Entry
from ratelimit.review.principals import Principals
from ratelimit.service.attempts import Attempts
from ratelimit.service.passwords import Passwords
from ratelimit.service.sessions import Sessions
from ratelimit.setting_value import Address, TcpAddress
from ratelimit.settings import Settings
from ratelimit.sidecar import Terms, open_asked
from ratelimit.stores.client import RedisStore
from ratelimit.web.audit import AuditCalls
from ratelimit.web.door import Door
from ratelimit.web.origin import Origin
from ratelimit.web.people import PeopleCalls
from ratelimit.web.route import Route

_DEADLINE_S: Final = 1.0
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  a comparison


class Reception:
    """What is opened goes onto the `stack`."""

    def __init__(self, store: RedisStore, store_key: bytes, ledger: Books, settings: Settings) -> None:
        self._settings, self._ledger = settings, ledger
        self.sessions: Final = Sessions(store, time.time)
        self.attempts: Final = Attempts(store, StoreKeys(store_key), time.time)
        self.passwords: Final = Passwords()
        self.principals: Final = Principals(ledger, self.sessions, time.time)
        self.entry: Final = Entry(ledger, self.sessions, self.attempts, self.passwords, self.principals, time.time)
        self.accounts: Final = Accounts(ledger, self.sessions, self.attempts, self.principals, time.time)
        self.tokens: Final = ApiTokens(ledger, self.principals, time.time)
        self.audit: Final = AuditWatch(ledger, time.time)

    @classmethod
    async def open(cls, terms: Terms, ledger: Books, settings: Settings, stack: AsyncExitStack) -> "Reception":
        """Reach the store, or begin to try."""
        made = cls(await open_asked(terms, stack, _DEADLINE_S), terms.store_key, ledger, settings)
        stack.callback(made.passwords.close)
        keep_running(made.audit.run, stack)
        return made

    def routes(self, console: Console, door: Door) -> list[Route]:
        """Calls and pages of accounts and of the audit."""
        return [
            *PeopleCalls(self.accounts, self.entry, self.tokens, door).routes(),
            *AuditCalls(self._ledger, self.audit).routes(),
            *LoginPages(console, self.entry, door).routes(),
            *UsersPages(console, self.accounts, self.tokens, door).routes(),
            *AccountPages(console, self.accounts, self.entry, door).routes(),
            *AuditPages(console, self._ledger, self.audit).routes(),
        ]

    async def first_link(self, lane: Address) -> str | None:
        """The link for the first admin, once the ledger is there; None: there are people already."""
        await self._ledger.opened.wait()
        token = await self.entry.first_link()
        if token is None:
            return None
        return f"{console_origin(self._settings, lane)}{WELCOME}?token={token}"

    def door(self, policy: Callable[[], Policy]) -> Door:
        """The door of the operator lane; `policy` gives the one in force."""
        settings = self._settings
        strict = not settings.operator.beyond_loopback
        origin = Origin(settings.console_url, strict=strict, trusted=lambda: policy().trusted)
        return Door(settings.operator_token, self.principals, origin)


def console_origin(settings: Settings, lane: Address) -> str:
    """Where a browser on this machine finds the console, unless the settings say where people open it."""
    if settings.console_url is not None:
        return settings.console_url
    if not isinstance(lane, TcpAddress):
        return "http://localhost"
    return f"http://{TcpAddress('127.0.0.1', lane.port) if lane.host in _EVERYWHERE else lane}"
