"""Who comes in at the operator lane: a person by the cookie of a session, automation by a token, or whoever has RATELIMIT_OPERATOR_TOKEN.

As long as nobody has a password and no operator token is set, calls that are marked `early` are open, as for tools on this machine alone.
"""

from hmac import compare_digest
from typing import Final

from aiohttp import web

from ratelimit.core.principal import OPERATOR, Principal, Role
from ratelimit.review.principals import TOKEN_PREFIX, Principals
from ratelimit.setting_value import Secret
from ratelimit.web.origin import Origin
from ratelimit.web.problems import ClientError
from ratelimit.web.route import ANY_SCOPE, PRINCIPAL, Route

_PLAIN: Final = "ratelimit_session"
_SECURE: Final = "__Host-ratelimit_session"  # which no other host, and nothing that came in the clear, can set
_KEPT_S: Final = 7 * 86_400


class Door:
    """`principals` None: there are no accounts. `token` None: RATELIMIT_OPERATOR_TOKEN is not set."""

    def __init__(self, token: Secret[str] | None = None, principals: Principals | None = None, origin: Origin | None = None) -> None:
        self._token = token.reveal().encode() if token is not None else None
        self._principals = principals
        self.origin: Final = origin or Origin()

    async def who(self, request: web.Request, *, seen: bool = True) -> Principal | None:
        """Who asks; None: nobody who says so, or whose session has ended. Raises ClientError for a token that is wrong."""
        given = request.headers.get("Authorization")
        if given is not None:
            return await self._by_token(given)
        secret = self.cookie(request)
        if secret is None or self._principals is None:
            return None
        return await self._principals.of_session(secret, seen=seen)

    async def admit(self, request: web.Request, route: Route) -> Principal | None:
        """Who asks, where this route lets them; raises ClientError where it does not. None: it asks nobody, or it is to be asked of a
        person, who has to log in.
        """
        if route.free:
            return None
        if route.role is None and self._token is None:
            return None  # metrics and documentation of this machine
        principal = await self.who(request, seen=not route.by_itself)
        if principal is None:
            if route.early and self._token is None and not await self._anybody():
                return OPERATOR
            if route.page:
                return None
            raise _unknown("say who asks", self._token is not None)
        request[PRINCIPAL] = principal  # also of whoever may not: the page that says so is theirs
        if route.role is not None and not _may(principal, route.role, route.scope):
            raise _too_little(principal, route)
        return principal

    async def still(self, principal: Principal) -> bool:
        """Whether who was let in some time ago would be let in now."""
        return self._principals is None or await self._principals.still(principal)

    def cookie(self, request: web.Request) -> str | None:
        """The secret of the session that the browser has."""
        return request.cookies.get(self._name(request))

    def keep(self, request: web.Request, secret: str) -> str:
        """The Set-Cookie of a session that begins."""
        return self._cookie(request, secret, _KEPT_S)

    def drop(self, request: web.Request) -> str:
        """The Set-Cookie of one that ends."""
        return self._cookie(request, "", 0)

    def _cookie(self, request: web.Request, value: str, kept_s: int) -> str:
        secure = "; Secure" if self.origin.secure(request) else ""
        return f"{self._name(request)}={value}; Path=/; Max-Age={kept_s}; HttpOnly; SameSite=Lax{secure}"

    def _name(self, request: web.Request) -> str:
        return _SECURE if self.origin.secure(request) else _PLAIN

    async def _anybody(self) -> bool:
        return self._principals is not None and await self._principals.anybody()

    async def _by_token(self, given: str) -> Principal:
        scheme, _, token = given.partition(" ")
        token = token.strip()
        if scheme.lower() == "bearer":
            if self._token is not None and compare_digest(token.encode("utf-8", "surrogateescape"), self._token):
                return OPERATOR
            if self._principals is not None and token.startswith(TOKEN_PREFIX):
                found = await self._principals.of_token(token)
                if found is not None:
                    return found
        raise _unknown("the token is not one that works", self._token is not None)


def _may(principal: Principal, role: Role, scope: str | None) -> bool:
    if scope is None and principal.via == "token":
        return False
    return principal.may(role, None if scope == ANY_SCOPE else scope)


def _unknown(what: str, operator: bool) -> ClientError:
    advice = "send Authorization: Bearer and a token" + (", or what RATELIMIT_OPERATOR_TOKEN says" if operator else "")
    return ClientError(401, f"{what}; {advice}", headers={"WWW-Authenticate": "Bearer"})


def _too_little(principal: Principal, route: Route) -> ClientError:
    if route.role is not None and not principal.may(route.role):
        return ClientError(403, f"this needs the role {route.role}, and {principal.login} is {principal.role}; an admin can give it")
    if route.scope is None:
        return ClientError(403, "this is for people, and not for tokens")
    return ClientError(403, f"this needs the scope {route.scope}, which this token does not have; make one that has it")
