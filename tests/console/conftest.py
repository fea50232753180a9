"""A console of its own on a real socket, for tests of pages: whoever asks is the person that the test says."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar, web

from ratelimit.console.error import error_page
from ratelimit.console.render import Console, Counts
from ratelimit.core.principal import Principal
from ratelimit.ledger.ledger import Ledger
from ratelimit.stores.server import find_server
from ratelimit.web.problems import ClientError
from ratelimit.web.route import PRINCIPAL, Handle, Route
from tests.console.case_desk import CaseDesk, case_desk
from tests.ledger.database import opened, sqlite_url
from tests.stores.conftest import Node
from tests.web.server import Server

NOW = 1_795_959_127.0  # Sun 29 Nov 2026 14:32:07 in Berlin
MIRA = Principal(id=7, login="mira", name="Mira Keller", role="analyst", via="session", session="s1")

Serve = Callable[..., Awaitable["Browser"]]


class Browser:
    """Asks the console as a browser would."""

    def __init__(self, session: ClientSession, base: str) -> None:
        self.session, self.base = session, base

    async def get(self, path: str, **headers: str) -> tuple[int, str, Mapping[str, str]]:
        async with self.session.get(self.base + path, headers=_named(headers), allow_redirects=False) as answer:
            return answer.status, await answer.text(errors="replace"), answer.headers

    async def post(self, path: str, fields: dict[str, str] | list[tuple[str, str]], **headers: str) -> tuple[int, str, Mapping[str, str]]:
        async with self.session.post(self.base + path, data=fields, headers=_named(headers), allow_redirects=False) as answer:
            return answer.status, await answer.text(), answer.headers


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


async def counts(_principal: Principal) -> Counts:
    return Counts(queue=37, privacy=1)


@pytest.fixture
def console() -> Console:
    """A console that stands still in time."""
    return Console("Europe/Berlin", counts, lambda: NOW)


@pytest.fixture
async def serve(console: Console) -> AsyncIterator[Serve]:
    """What serves routes to a person, and gives the browser that asks for them."""
    servers: list[Server] = []
    sessions: list[ClientSession] = []

    async def start(routes: Iterable[Route], who: Principal | None = MIRA) -> Browser:
        @web.middleware
        async def known(request: web.Request, handler: Handle) -> web.StreamResponse:
            if who is not None:
                request[PRINCIPAL] = who
            try:
                return await handler(request)
            except ClientError as error:
                return await error_page(console, request, error.problem.status, str(error))

        application = web.Application(middlewares=[known])
        for route in routes:
            application.router.add_route(route.method, route.path, route.handle)
        server = Server(application)
        await server.start_server()
        servers.append(server)
        sessions.append(ClientSession(cookie_jar=DummyCookieJar()))
        return Browser(sessions[-1], f"http://127.0.0.1:{server.port}")

    yield start
    for session in sessions:
        await session.close()
    for server in servers:
        await server.close()


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """An empty ledger on SQLite: what is asked of a database is tested on both in tests/ledger and tests/review."""
    async with opened(sqlite_url(tmp_path)) as made:
        yield made


@pytest.fixture
def own_node() -> Iterator[Node]:
    """A Valkey for one test."""
    with closing(Node(find_server())) as node:
        yield node


@pytest.fixture
async def desk(ledger: Ledger, own_node: Node, console: Console) -> AsyncIterator[CaseDesk]:
    """A desk with a case."""
    async with case_desk(ledger, own_node.url, console) as made:
        yield made
