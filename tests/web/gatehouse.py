"""An operator lane with accounts on a real ledger and a real store, asked by browsers and programs over real sockets."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import ClientSession, DummyCookieJar, web

from ratelimit.console.account import AccountPages
from ratelimit.console.audit import AuditPages
from ratelimit.console.error import error_page
from ratelimit.console.login import LoginPages
from ratelimit.console.render import Console
from ratelimit.console.users import UsersPages
from ratelimit.core.address import Networks
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.audit_watch import AuditWatch
from ratelimit.setting_value import Secret
from ratelimit.web.audit import AuditCalls
from ratelimit.web.counts import Counts
from ratelimit.web.door import Door
from ratelimit.web.guard import guard
from ratelimit.web.origin import Origin
from ratelimit.web.people import PeopleCalls
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, json_reply, lines
from ratelimit.web.route import PRINCIPAL, Route
from tests.review.front import Front, front_on
from tests.web.server import Server

OPERATOR_TOKEN = "the-operators-own-token"
OURS = {"Sec-Fetch-Site": "same-origin"}


class Told(NamedTuple):
    """An answer."""

    status: int
    text: str
    headers: Any

    @property
    def location(self) -> str | None:
        found: str | None = self.headers.get("Location")
        return found

    @property
    def cookie(self) -> str:
        return str(self.headers.get("Set-Cookie", ""))


class Lane:
    """A running lane. What is asked carries no cookie but the one that is given."""

    def __init__(self, front: Front, base: str, session: ClientSession, counts: Counts) -> None:
        self.front, self.base, self._session, self.counts = front, base, session, counts

    async def ask(self, method: str, path: str, *, session: str | None = None, token: str | None = None, **more: Any) -> Told:
        """`session` is a session's secret, `token` a bearer's; a session comes from a page of ours unless headers say otherwise."""
        headers = dict(more.pop("headers", {}))
        if session is not None:
            headers = {"Cookie": f"ratelimit_session={session}", **OURS, **headers}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        async with self._session.request(method, self.base + path, headers=headers, allow_redirects=False, **more) as answer:
            return Told(answer.status, await answer.text(), answer.headers)

    async def get(self, path: str, **more: Any) -> Told:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, **more: Any) -> Told:
        return await self.ask("POST", path, **more)


async def who(request: web.Request) -> Reply:
    """Says who asks."""
    principal = request.get(PRINCIPAL)
    return json_reply(200, {"who": None if principal is None else principal.login})


async def page(_request: web.Request) -> Reply:
    """A page."""
    return Reply(200, lines({"Content-Type": "text/html"}), b"<h1>A page")


async def bug(_request: web.Request) -> Reply:
    """Fails."""
    raise ZeroDivisionError


PROBES = [
    Route("GET", "/free", who, free=True),
    Route("GET", "/plain", who),
    Route("GET", "/early", who, role="analyst", scope="overrides:read", early=True),
    Route("POST", "/early", who, role="analyst", scope="overrides:write", early=True),
    Route("GET", "/viewer", who, role="viewer", scope="cases:read"),
    Route("GET", "/again", who, role="viewer", scope="cases:read", by_itself=True),
    Route("GET", "/admin", who, role="admin", scope="users:write"),
    Route("POST", "/people-only", who, role="analyst"),
    Route("GET", "/page", page, role="viewer", page=True),
    Route("POST", "/page", page, role="viewer", page=True),
    Route("GET", "/page/{id}", page, role="viewer", page=True),
    Route("GET", "/admins-page", page, role="admin", page=True),
    Route("GET", "/bug", bug, role="viewer", page=True),
]


@asynccontextmanager
async def lane_on(
    ledger: Ledger,
    folder: Path,
    *,
    operator: bool = False,
    url: str | None = None,
    strict: bool = False,
    trusted: Iterable[str] = (),
) -> AsyncIterator[Lane]:
    networks = Networks(trusted)
    async with front_on(ledger, folder) as front:
        console, counts, known = Console(clock=lambda: front.now), Counts(), dict[tuple[str, str], Route]()
        origin = Origin(url, strict=strict, trusted=lambda: networks)
        door = Door(Secret(OPERATOR_TOKEN) if operator else None, front.principals, origin)
        watch = AuditWatch(ledger, lambda: front.now)

        async def trouble(request: web.Request, error: ClientError) -> web.StreamResponse:
            return await error_page(console, request, error.problem.status, str(error), headers=dict(error.headers))

        application = web.Application(middlewares=[guard(counts, door, known, trouble)])
        routes = [
            *PROBES,
            *PeopleCalls(front.accounts, front.entry, front.tokens, door).routes(),
            *AuditCalls(ledger, watch).routes(),
            *LoginPages(console, front.entry, door).routes(),
            *UsersPages(console, front.accounts, front.tokens, door).routes(),
            *AccountPages(console, front.accounts, front.entry, door).routes(),
            *AuditPages(console, ledger, watch).routes(),
        ]
        for route in routes:
            resource = application.router.add_route(route.method, route.path, route.handle).resource
            assert resource is not None
            known[route.method, resource.canonical] = route
        server = Server(application)
        await server.start_server()
        async with ClientSession(cookie_jar=DummyCookieJar()) as session:
            yield Lane(front, f"http://127.0.0.1:{server.port}", session, counts)
        await server.close()
