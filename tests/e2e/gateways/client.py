"""Asks through a gateway, as the load balancer before it would: each request says in X-Forwarded-For whose it is.

It connects from an address of its own, 127.0.0.2, which the policies trust: in place of 127.0.0.1 Envoy writes the machine's own address.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tests.e2e.gateways.upstream import LINE

LOAD_BALANCER = "127.0.0.2"
TRUSTED = "127.0.0.0/8"
AT_ONCE = 16
_PATIENCE = ClientTimeout(total=60.0)
_NOT_SENT = ["Accept", "Accept-Encoding", "User-Agent"]


class Request(NamedTuple):
    """One request; `ip` None has no X-Forwarded-For. `line` is unique among those that one upstream is to tell apart."""

    line: str
    method: str
    target: str
    ip: str | None
    headers: tuple[tuple[str, str], ...] = ()


class Answer(NamedTuple):
    """What the client got."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


def drive(url: str, requests: Iterable[Request]) -> list[Answer]:
    """Ask for all, in their order and AT_ONCE at a time, as fast as they are answered; an address has one answer before it asks again."""
    return asyncio.run(_drive(url, list(requests)))


def ask(url: str, target: str, ip: str, *headers: tuple[str, str], method: str = "GET") -> Answer:
    """Ask once."""
    (answer,) = drive(url, [Request("once", method, target, ip, headers)])
    return answer


async def _drive(url: str, requests: list[Request]) -> list[Answer]:
    answers: list[Answer | None] = [None] * len(requests)
    queue = iter(enumerate(requests))
    turns: defaultdict[str | None, asyncio.Lock] = defaultdict(asyncio.Lock)
    connector = TCPConnector(limit=AT_ONCE, local_addr=(LOAD_BALANCER, 0))
    async with ClientSession(connector=connector, timeout=_PATIENCE, cookie_jar=DummyCookieJar(), skip_auto_headers=_NOT_SENT) as session:

        async def work() -> None:
            for number, request in queue:
                async with turns[request.ip]:
                    answers[number] = await _ask(session, url, request)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return [answer for answer in answers if answer is not None]


async def _ask(session: ClientSession, url: str, request: Request) -> Answer:
    headers = CIMultiDict([(LINE, request.line), *request.headers])
    if request.ip is not None:
        headers.add("X-Forwarded-For", request.ip)
    target = URL(url + request.target, encoded=True)
    async with session.request(request.method, target, headers=headers, allow_redirects=False) as answer:
        return Answer(answer.status, answer.headers, await answer.read())
