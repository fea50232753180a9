"""One call of the operator lane: which it is, who may ask, and who answers."""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from aiohttp import web

from ratelimit.core.principal import Principal, Role

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Still(NamedTuple):
    """Asks whether who was let in some time ago would be let in now, for what takes long."""

    ask: Callable[[], Awaitable[bool]]


PRINCIPAL: Final = web.RequestKey("principal", Principal)  # of a request whose route has a role
STILL: Final = web.RequestKey("still", Still)
ANY_SCOPE: Final = "*"  # what every token has


class Route(NamedTuple):
    """`free`: RATELIMIT_OPERATOR_TOKEN is not asked for, since the call has a proof of its own, or needs none.

    `role`: who asks must be known, and have at least that role; then `request[PRINCIPAL]` says who it is. `scope` is what a token must
    have beside it; None: it may not ask at all. `early`: as long as nobody has a password and no operator token is set, anybody may; then
    `request[PRINCIPAL]` is the operator. `page`: a person reads the answer, so whoever is not known is sent to log in, and problems are
    pages too. `by_itself`: an open page asks this again and again, which keeps nobody's session from ending.
    """

    method: str
    path: str
    handle: Handle
    free: bool = False
    role: Role | None = None
    scope: str | None = None
    page: bool = False
    early: bool = False
    by_itself: bool = False
