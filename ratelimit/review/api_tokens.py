"""Tokens for automation: made by admins, shown once, revoked at any time. Times are seconds since the epoch."""

import secrets
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from ratelimit.core.principal import OPERATOR_ID, ROLES, Principal
from ratelimit.ledger import api_tokens, people
from ratelimit.ledger.api_tokens import TokenRow
from ratelimit.ledger.ledger import Ledger
from ratelimit.review import audit
from ratelimit.review.account import AccountError, TokenAsked, TokenMade, TokenView
from ratelimit.review.principals import TOKEN_PREFIX, Principals, token_digest

_DAY_S: Final = 86_400.0


class ApiTokens:
    """The tokens. `wall` is seconds since the epoch. Calls raise AccountError and LedgerAwayError."""

    def __init__(self, ledger: Ledger, principals: Principals, wall: Callable[[], float]) -> None:
        self._ledger, self._principals, self._wall = ledger, principals, wall

    async def make(self, by: Principal, asked: TokenAsked) -> TokenMade:
        """A new token, which may at most what its maker may."""
        if by.via == "token":
            raise AccountError("forbidden", "a token makes no tokens; a person does")
        if ROLES.index(asked.role) > ROLES.index(by.role):
            raise AccountError("forbidden", f"a token of {by.login} has at most the role {by.role}", "role")
        token, now = TOKEN_PREFIX + secrets.token_urlsafe(32), self._wall()
        row = TokenRow(
            id=0,
            name=asked.name,
            role=asked.role,
            scopes=tuple(sorted(set(asked.scopes))),
            made_at=now,
            made_by=by.id,
            until=None if asked.days is None else now + asked.days * _DAY_S,
            used_at=None,
            revoked_at=None,
        )
        async with self._ledger.write() as connection:
            id = await api_tokens.add(connection, row, token_digest(token))
            told = {"token": id, "name": row.name, "role": row.role, "scopes": row.scopes, "until": row.until}
            await audit.append(connection, by.login, "token.made", told, at=now)
        return TokenMade(token, _view(msgspec.structs.replace(row, id=id), {by.id: by.login}, now))

    async def all(self) -> list[TokenView]:
        """All, latest first."""
        async with self._ledger.read() as connection:
            makers = {person.id: person.login for person in await people.everyone(connection)}
            return [_view(row, makers, self._wall()) for row in await api_tokens.all_tokens(connection)]

    async def revoke(self, by: Principal, id: int) -> TokenView:
        """Let one not work any more, and show it."""
        now = self._wall()
        async with self._ledger.write() as connection:
            row = await api_tokens.revoke(connection, id, now)
            if row is None:
                raise AccountError("missing", "there is no such token, or it was revoked before")
            await audit.append(connection, by.login, "token.revoked", {"token": id, "name": row.name}, at=now)
            makers = {person.id: person.login for person in await people.everyone(connection)}
        self._principals.forget()
        return _view(row, makers, now)


def _view(row: TokenRow, makers: Mapping[int, str], now: float) -> TokenView:
    ended = row.until is not None and row.until <= now
    return TokenView(
        id=row.id,
        name=row.name,
        role=row.role,
        scopes=row.scopes,
        made_at=row.made_at,
        made_by="operator" if row.made_by == OPERATOR_ID else makers.get(row.made_by, "somebody"),
        until=row.until,
        used_at=row.used_at,
        state="revoked" if row.revoked_at is not None else "ended" if ended else "works",
    )
