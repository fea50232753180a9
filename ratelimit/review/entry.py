"""How people come in: by password, or by a link that works once and sets one. Times are seconds since the epoch.

Whoever is refused does not learn whether the login exists: it takes as long, is locked as soon, and is told the same.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from typing import Final

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.login import RESERVED, RULE, login_of, name_of
from ratelimit.core.password import normal, weakness
from ratelimit.core.principal import Principal, Role
from ratelimit.ledger import people
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.people import InvitationRow, PersonRow
from ratelimit.review import audit
from ratelimit.review.account import AccountError, LinkView, NewPassword, Where
from ratelimit.review.principals import Principals
from ratelimit.service.attempts import Attempts, Begun
from ratelimit.service.passwords import Passwords
from ratelimit.service.sessions import Sessions

LINK_S: Final = 86_400.0
_REFUSED: Final = "the login or the password is wrong"

_log = structlog.get_logger()


def link_digest(token: str) -> bytes:
    """What the ledger knows a link by."""
    return blake2b(token.encode("utf-8", "replace"), digest_size=32, person=b"console link").digest()


class Entry:
    """Logs in and out. `wall` is seconds since the epoch. Calls raise AccountError, LedgerAwayError, StoreAwayError and BusyError."""

    def __init__(
        self,
        ledger: Ledger,
        sessions: Sessions,
        attempts: Attempts,
        passwords: Passwords,
        principals: Principals,
        wall: Callable[[], float],
    ) -> None:
        self._ledger, self._sessions, self._attempts = ledger, sessions, attempts
        self._passwords, self._principals, self._wall = passwords, principals, wall

    async def first_link(self) -> str | None:
        """A link for the first admin, as long as nobody has a password."""
        token, now = secrets.token_urlsafe(32), self._wall()
        async with self._ledger.write() as connection:
            if await people.anybody(connection):
                return None
            await people.invite(connection, link_digest(token), None, "admin", now=now, until=now + LINK_S)
        return token

    async def log_in(self, text: str, password: str, where: Where) -> str:
        """The secret of a new session."""
        login = login_of(text)
        begun = await self._begin(login or f"?{text[:64]}", where)
        person = await self._find(login)
        active = person is not None and person.active
        right = await self._passwords.verify(person.password if person is not None and active else None, password)
        if person is None or person.password is None or not right:
            await self._failed(login or "", begun, where)
            raise AccountError("refused", _REFUSED)
        await self._attempts.succeed(person.login, where.address)
        hashed = await self._passwords.hash(password) if self._passwords.outdated(person.password) else person.password
        async with self._ledger.write() as connection:
            await people.change(connection, person.id, seen_at=self._wall(), password=hashed)
            await self._write(connection, person.login, "login", network=where.network, browser=where.browser)
        return await self._open(person.id, where)

    async def log_out(self, principal: Principal) -> None:
        """End the session that it came by."""
        if principal.session is not None:
            await self._sessions.end(principal.id, principal.session)
            with suppress(LedgerAwayError):  # nobody stays logged in for that
                async with self._ledger.write() as connection:
                    await self._write(connection, principal.login, "logout")

    async def link(self, token: str) -> LinkView:
        """What a link is for."""
        async with self._ledger.read() as connection:
            found = await self._invitation(connection, token)
            person = await people.find(connection, found.person) if found.person is not None else None
        return LinkView(None, None, found.role) if person is None else LinkView(person.login, person.name, person.role)

    async def use_link(self, token: str, password: str, where: Where, login: str | None = None, name: str | None = None) -> str:
        """Set the password that a link is for, and log in: the secret of a new session. The first admin says `login` and `name`."""
        view = await self.link(token)
        named = _login(login) if view.login is None else view.login
        called = shown_name(name or named) if view.login is None else ""
        hashed = await self._hash(password, named)
        async with self._ledger.write() as connection:
            found = await self._invitation(connection, token)
            if not await people.use(connection, found, self._wall()):
                raise _no_link()
            person = await self._admit(connection, found, named, called, hashed)
        self._principals.forget()
        await self._sessions.end_all(person)
        await self._attempts.forgive(named)
        return await self._open(person, where)

    async def change_password(self, principal: Principal, asked: NewPassword, where: Where) -> str:
        """Another password for oneself; all sessions end, and the secret is that of a new one."""
        if principal.via != "session":
            raise AccountError("forbidden", "only a person who is logged in has a password")
        begun = await self._begin(principal.login, where)
        person = await self._find(principal.login)
        if person is None or not await self._passwords.verify(person.password, asked.current):
            await self._failed(principal.login, begun, where)
            raise AccountError("invalid", "this is not your password", "current")
        await self._attempts.succeed(principal.login, where.address)
        hashed = await self._hash(asked.wanted, person.login, "wanted")
        async with self._ledger.write() as connection:
            await people.change(connection, person.id, password=hashed)
            await self._write(connection, person.login, "password.changed", network=where.network)
        await self._sessions.end_all(person.id)
        return await self._open(person.id, where)

    async def _begin(self, login: str, where: Where) -> Begun:
        begun = await self._attempts.begin(login, where.address)
        if not begun.allowed:
            raise AccountError("locked", "too many tries; wait before the next one", until=begun.until)
        return begun

    async def _failed(self, login: str, begun: Begun, where: Where) -> None:
        if begun.until is None:
            return
        async with self._ledger.write() as connection:
            await self._write(connection, "console", "login.locked", login=login, network=where.network, until=begun.until)
        _log.warning("too many logins in vain; the login or the address waits", until=begun.until)

    async def _find(self, login: str | None) -> PersonRow | None:
        if login is None:
            return None
        async with self._ledger.read() as connection:
            return await people.by_login(connection, login)

    async def _hash(self, password: str, login: str, path: str = "password") -> str:
        wrong = weakness(normal(password), login)
        if wrong is not None:
            raise AccountError("invalid", wrong, path)
        return await self._passwords.hash(password)

    async def _invitation(self, connection: AsyncConnection, token: str) -> InvitationRow:
        found = await people.invitation(connection, link_digest(token), self._wall())
        if found is None:
            raise _no_link()
        return found

    async def _admit(self, connection: AsyncConnection, found: InvitationRow, login: str, name: str, hashed: str) -> int:
        now = self._wall()
        if found.person is not None:
            row = await people.find(connection, found.person)
            if row is None or row.disabled_at is not None:
                raise _no_link()
            await people.change(connection, found.person, password=hashed, seen_at=now)
            await self._write(connection, login, "password.set", person=found.person)
            return found.person
        if await people.anybody(connection):
            raise _no_link()
        id = await added(connection, login, name, found.role, by="the link of the start", now=now, password=hashed)
        await people.change(connection, id, seen_at=now)
        await self._write(connection, login, "person.first", person=id, login=login, role=found.role)
        return id

    async def _open(self, person: int, where: Where) -> str:
        return (await self._sessions.open(person, where.network, where.browser))[0]

    async def _write(self, connection: AsyncConnection, actor: str, kind: str, **content: object) -> None:
        await audit.append(connection, actor, kind, content, at=self._wall())


async def added(  # noqa: PLR0913  a person's columns
    connection: AsyncConnection, login: str, name: str, role: Role, *, by: str, now: float, password: str | None = None
) -> int:
    """A new person's id; raises AccountError where the login is taken, or is how something is named that is no person."""
    if login in RESERVED:
        raise AccountError("conflict", f"{login} is how a part of the program is named; expected another login", "login")
    try:
        return await people.add(connection, login, name, role, password=password, by=by, now=now)
    except IntegrityError:
        raise AccountError("conflict", f"{login} is somebody's login already", "login") from None


def shown_name(text: str) -> str:
    """The name as it is kept; raises AccountError."""
    found = name_of(text)
    if found is None:
        raise AccountError("invalid", "expected a name without characters that cannot be seen", "name")
    return found


def _login(login: str | None) -> str:
    found = login_of(login or "")
    if found is None:
        raise AccountError("invalid", f"expected {RULE}", "login")
    return found


def _no_link() -> AccountError:
    return AccountError("missing", "this link does not work any more, or never did; ask an admin for another")
