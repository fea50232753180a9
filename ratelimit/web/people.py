"""Accounts on the operator lane: people, their sessions, one's own, and tokens."""

import time
from typing import Final, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from ratelimit.core.principal import Principal, Role, Via
from ratelimit.review.account import Change, Invited, LinkMade, NewPassword, PersonView, SessionView, TokenAsked, TokenView
from ratelimit.review.accounts import Accounts
from ratelimit.review.api_tokens import ApiTokens
from ratelimit.review.entry import Entry
from ratelimit.web.account_part import told, where
from ratelimit.web.body import MAX_BODY, read_body, undecodable
from ratelimit.web.door import Door
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import JSON, Reply, json_reply, lines
from ratelimit.web.route import ANY_SCOPE, PRINCIPAL, Route

PEOPLE: Final = "/v1/people"
PERSON: Final = f"{PEOPLE}/{{id}}"
ME: Final = "/v1/me"
TOKENS: Final = "/v1/tokens"
WELCOME: Final = "/welcome?token="
_NO_STORE: Final = "Cache-Control: no-store\r\n"
_MOST_DIGITS: Final = 18

T = TypeVar("T", bound=Struct)


class PeopleView(Struct, frozen=True):
    """Everybody, by login."""

    people: list[PersonView]


class SessionsView(Struct, frozen=True):
    """A person's sessions, seen last first."""

    sessions: list[SessionView]


class TokensView(Struct, frozen=True):
    """All tokens, latest first."""

    tokens: list[TokenView]


class EndedView(Struct, frozen=True):
    """How many sessions were ended."""

    ended: int


class MeView(Struct, frozen=True):
    """Who asks, as the service knows them."""

    id: int
    login: str
    name: str
    role: Role
    via: Via
    scopes: list[str]


class PeopleCalls:
    """Answers them."""

    def __init__(self, accounts: Accounts, entry: Entry, tokens: ApiTokens, door: Door) -> None:
        self._accounts, self._entry, self._tokens, self._door = accounts, entry, tokens, door

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", ME, self.me, role="viewer", scope=ANY_SCOPE),
            Route("PUT", f"{ME}/password", self.password, role="viewer"),
            Route("GET", f"{ME}/sessions", self.my_sessions, role="viewer"),
            Route("DELETE", f"{ME}/sessions", self.end_mine, role="viewer"),
            Route("DELETE", f"{ME}/sessions/{{id}}", self.end_one, role="viewer"),
            Route("GET", PEOPLE, self.people, role="admin", scope="users:write"),
            Route("POST", PEOPLE, self.invite, role="admin", scope="users:write"),
            Route("PATCH", PERSON, self.change, role="admin", scope="users:write"),
            Route("POST", f"{PERSON}/link", self.link, role="admin", scope="users:write"),
            Route("GET", f"{PERSON}/sessions", self.sessions, role="admin", scope="users:write"),
            Route("DELETE", f"{PERSON}/sessions", self.end, role="admin", scope="users:write"),
            Route("GET", TOKENS, self.tokens, role="admin", scope="users:write"),
            Route("POST", TOKENS, self.make_token, role="admin"),
            Route("DELETE", f"{TOKENS}/{{id}}", self.revoke, role="admin", scope="users:write"),
        ]

    async def me(self, request: web.Request) -> Reply:
        """Who asks."""
        return json_reply(200, _me(request))

    async def password(self, request: web.Request) -> Reply:
        """Another password for oneself; the session goes on under a new secret, all others end."""
        asked = await decoded(request, NewPassword)
        async with told(time.time):
            secret = await self._entry.change_password(request[PRINCIPAL], asked, where(request, self._door.origin))
        return Reply(200, JSON + _NO_STORE + lines({"Set-Cookie": self._door.keep(request, secret)}), msgspec.json.encode(_me(request)))

    async def my_sessions(self, request: web.Request) -> Reply:
        """One's own sessions."""
        return json_reply(200, SessionsView(await self._accounts.sessions(request[PRINCIPAL], person(request).id)))

    async def end_mine(self, request: web.Request) -> Reply:
        """End one's own sessions but this one."""
        who = person(request)
        return json_reply(200, EndedView(await self._accounts.end_sessions(who, who.id)))

    async def end_one(self, request: web.Request) -> Reply:
        """End one of one's own."""
        who = person(request)
        async with told(time.time):
            await self._accounts.end_session(who, who.id, request.match_info["id"])
        return json_reply(200, EndedView(1))

    async def people(self, _request: web.Request) -> Reply:
        """Everybody."""
        return json_reply(200, PeopleView(await self._accounts.people()))

    async def invite(self, request: web.Request) -> Reply:
        """Let somebody in, by a link that works once."""
        asked = await decoded(request, Invited)
        async with told(time.time):
            return self._linked(request, await self._accounts.invite(request[PRINCIPAL], asked))

    async def change(self, request: web.Request) -> Reply:
        """Another role or name, in or out."""
        asked = await decoded(request, Change)
        async with told(time.time):
            return json_reply(200, await self._accounts.change(request[PRINCIPAL], number(request), asked))

    async def link(self, request: web.Request) -> Reply:
        """A link by which a person sets another password."""
        async with told(time.time):
            return self._linked(request, await self._accounts.new_link(request[PRINCIPAL], number(request)))

    async def sessions(self, request: web.Request) -> Reply:
        """A person's sessions."""
        return json_reply(200, SessionsView(await self._accounts.sessions(request[PRINCIPAL], number(request))))

    async def end(self, request: web.Request) -> Reply:
        """End all of a person's sessions."""
        return json_reply(200, EndedView(await self._accounts.end_sessions(request[PRINCIPAL], number(request))))

    async def tokens(self, _request: web.Request) -> Reply:
        """All tokens, without their secrets."""
        return json_reply(200, TokensView(await self._tokens.all()))

    async def make_token(self, request: web.Request) -> Reply:
        """A new token, shown this once."""
        asked = await decoded(request, TokenAsked)
        async with told(time.time):
            made = await self._tokens.make(request[PRINCIPAL], asked)
        return Reply(201, JSON + _NO_STORE, msgspec.json.encode(made))

    async def revoke(self, request: web.Request) -> Reply:
        """Let one not work any more."""
        async with told(time.time):
            return json_reply(200, await self._tokens.revoke(request[PRINCIPAL], number(request)))

    def _linked(self, request: web.Request, made: LinkMade) -> Reply:
        return Reply(201, JSON + _NO_STORE, msgspec.json.encode(whole_link(made, request, self._door)))


def _me(request: web.Request) -> MeView:
    who = request[PRINCIPAL]
    return MeView(who.id, who.login, who.name, who.role, who.via, sorted(who.scopes))


def whole_link(made: LinkMade, request: web.Request, door: Door) -> LinkMade:
    """The link as a browser opens it."""
    return msgspec.structs.replace(made, link=door.origin.link(request, WELCOME + made.link))


async def decoded(request: web.Request, shape: type[T]) -> T:
    """The body as that struct; every failure is a problem."""
    body = await read_body(request, MAX_BODY)
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise undecodable(request, body, error, shape) from None


def number(request: web.Request) -> int:
    """The number in the path."""
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise ClientError(404, "there is nobody and nothing of that number")
    return int(text)


def person(request: web.Request) -> Principal:
    """Who asks, where it is a person."""
    who = request[PRINCIPAL]
    if who.via != "session":
        raise ClientError(403, "only a person who is logged in has sessions")
    return who
