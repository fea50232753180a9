"""Who asks: the person of a session, or the automation of a token, as the ledger has them now.

Roles, and whether somebody may come in at all, are read anew after FRESH_S, and at once where they were changed in this process.
Times are seconds since the epoch.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final, NamedTuple

import structlog

from ratelimit.core.principal import OPERATOR_ID, ROLES, Principal, Role
from ratelimit.ledger import api_tokens, people
from ratelimit.ledger.api_tokens import TokenRow
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.people import PersonRow
from ratelimit.service.sessions import Sessions

FRESH_S: Final = 2.0
TOKEN_PREFIX: Final = "rlt_"  # noqa: S105  by which people and scanners of secrets know a token
_MOST_KEPT: Final = 1_000
_USED_EVERY_S: Final = 60.0
_LONGEST: Final = 200  # characters that are looked at

_log = structlog.get_logger()


class _Token(NamedTuple):
    row: TokenRow
    maker: PersonRow | None


def token_digest(token: str) -> bytes:
    """What the ledger knows a token by."""
    return blake2b(token.encode(), digest_size=32, person=b"api token").digest()


class Principals:
    """Finds them; `wall` is seconds since the epoch. Calls raise LedgerAwayError and StoreAwayError."""

    def __init__(self, ledger: Ledger, sessions: Sessions, wall: Callable[[], float]) -> None:
        self._ledger, self._sessions, self._wall = ledger, sessions, wall
        self._people: dict[int, tuple[float, PersonRow | None]] = {}
        self._tokens: dict[bytes, tuple[float, _Token | None]] = {}
        self._used: dict[int, float] = {}
        self._anybody, self._anybody_at = False, float("-inf")

    async def anybody(self) -> bool:
        """Whether there is a person who could come in: from then on all must say who they are."""
        now = self._wall()
        if not self._anybody and now - self._anybody_at > FRESH_S:
            try:
                async with self._ledger.read() as connection:
                    self._anybody, self._anybody_at = await people.anybody(connection), now
            except LedgerAwayError:
                if self._anybody_at < 0:  # nobody knows yet
                    raise
        return self._anybody

    async def of_session(self, secret: str, *, seen: bool = True) -> Principal | None:
        """Whose session it is, if it lasts and the person may come in; `seen` as sessions have it."""
        session = await self._sessions.find(secret, seen=seen)
        person = None if session is None else await self._person(session.person)
        if session is None or person is None or not person.active:
            return None
        return Principal(id=person.id, login=person.login, name=person.name, role=person.role, via="session", session=session.id)

    async def of_token(self, text: str) -> Principal | None:
        """Whose token it is, if it works: it ends with whoever made it, and has no larger role than they have."""
        if not text.startswith(TOKEN_PREFIX) or len(text) > _LONGEST or not text.isascii():
            return None
        token, now = await self._token(token_digest(text)), self._wall()
        if token is None or not _works(token, now):
            return None
        row = token.row
        await self._note_use(row.id, now)
        role = row.role if token.maker is None else _smaller(row.role, token.maker.role)
        return Principal(id=-row.id, login=f"token:{row.name}", name=row.name, role=role, via="token", scopes=frozenset(row.scopes))

    async def still(self, principal: Principal) -> bool:
        """Whether what was found some time ago would be found now, for whoever is answered for long."""
        if principal.via == "operator":
            return True
        if principal.via == "token":
            async with self._ledger.read() as connection:
                row = await api_tokens.by_id(connection, -principal.id)
                maker = None if row is None else await people.find(connection, row.made_by)
            return row is not None and _works(_Token(row, maker), self._wall())
        person = await self._person(principal.id)
        there = principal.session is not None and await self._sessions.lasts(principal.session)
        return there and person is not None and person.active and person.role == principal.role

    def forget(self) -> None:
        """Something was changed: read all anew."""
        self._people.clear()
        self._tokens.clear()
        self._anybody_at = float("-inf")

    async def _person(self, id: int) -> PersonRow | None:
        now = self._wall()
        read_at, person = self._people.get(id, (float("-inf"), None))
        if not 0 <= now - read_at <= FRESH_S:
            async with self._ledger.read() as connection:
                person = await people.find(connection, id)
            _bound(self._people)
            self._people[id] = (now, person)
        return person

    async def _token(self, digest: bytes) -> _Token | None:
        now = self._wall()
        read_at, token = self._tokens.get(digest, (float("-inf"), None))
        if not 0 <= now - read_at <= FRESH_S:
            async with self._ledger.read() as connection:
                row = await api_tokens.by_digest(connection, digest)
                maker = await people.find(connection, row.made_by) if row is not None else None
            token = None if row is None else _Token(row, maker)
            _bound(self._tokens)
            self._tokens[digest] = (now, token)
        return token

    async def _note_use(self, id: int, now: float) -> None:
        if now - self._used.get(id, float("-inf")) < _USED_EVERY_S:
            return
        self._used[id] = now
        try:
            async with self._ledger.write() as connection:
                await api_tokens.used(connection, id, now)
        except LedgerAwayError:
            _log.warning("when a token was used could not be written", token=id)


def _works(token: _Token, now: float) -> bool:
    row, maker = token
    ended = row.revoked_at is not None or (row.until is not None and row.until <= now)
    return not ended and (row.made_by == OPERATOR_ID or (maker is not None and maker.active))


def _smaller(role: Role, other: Role) -> Role:
    return min(role, other, key=ROLES.index)


def _bound(kept: dict[int, tuple[float, PersonRow | None]] | dict[bytes, tuple[float, _Token | None]]) -> None:
    if len(kept) >= _MOST_KEPT:
        kept.clear()
