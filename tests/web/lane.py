"""A few routes on a real socket, asked by whoever the test says."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, web

from ratelimit.core.principal import Principal, Role
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import error_reply
from ratelimit.web.route import PRINCIPAL, Handle, Route
from tests.web.server import Server


def person(id: int, role: Role) -> Principal:
    return Principal(id=id, login=f"p{id}", name=f"Person {id}", role=role, via="session")


class Lane:
    """Asks as `who`."""

    def __init__(self, server: Server, session: ClientSession) -> None:
        self.who = person(1, "analyst")
        self._server, self.session = server, session

    def url(self, path: str) -> str:
        return str(self._server.make_url(path))

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        async with self.session.request(method, self.url(path), data=data) as answer:
            content = await answer.read()
            return answer.status, json.loads(content) if content else None


@asynccontextmanager
async def serving(routes: Iterable[Route]) -> AsyncIterator[Lane]:
    """A lane with these routes; roles are the guard's, and not asked for here."""
    lane: Lane

    @web.middleware
    async def known(request: web.Request, handler: Handle) -> web.StreamResponse:
        request[PRINCIPAL] = lane.who
        try:
            return await handler(request)
        except ClientError as error:
            return error_reply(error)

    application = web.Application(middlewares=[known])
    for route in routes:
        application.router.add_route(route.method, route.path, route.handle)
    server = Server(application)
    async with server, ClientSession() as session:
        lane = Lane(server, session)
        yield lane
