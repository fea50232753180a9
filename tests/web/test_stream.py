"""Streams of events: what is written, who may follow, and that each ends."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from ratelimit.web.route import STILL, Route, Still
from ratelimit.web.stream import Streams, event
from tests.web.lane import serving


async def words(*said: str, then: asyncio.Event | None = None) -> AsyncIterator[bytes]:
    for word in said:
        yield event("word", word)
    if then is not None:
        await then.wait()


def test_an_event() -> None:
    """Lines of its data stay lines, and no data can begin another event."""
    assert event("x", "a\nevent: evil\r\ndata") == b"event: x\ndata: a\ndata: event: evil\ndata: data\n\n"
    assert event("x", "") == b"event: x\ndata: \n\n"


async def test_it_ends_and_is_bounded() -> None:
    """One more than may follow is refused; who has gone makes room; a stream ends by itself."""
    streams, forever = Streams(most=1), asyncio.Event()

    async def short(request: web.Request) -> web.StreamResponse:
        return await streams.follow(request, words("a", "b"))

    async def long(request: web.Request) -> web.StreamResponse:
        return await streams.follow(request, words("a", then=forever), life_s=0.05)

    async def endless(request: web.Request) -> web.StreamResponse:
        return await streams.follow(request, words("a", then=forever))

    routes = [Route("GET", "/short", short), Route("GET", "/long", long), Route("GET", "/endless", endless)]
    async with serving(routes) as lane:
        for path, count in (("/short", 2), ("/long", 1)):
            async with lane.session.get(lane.url(path)) as answer:
                assert answer.headers["Content-Type"].startswith("text/event-stream")
                assert (await answer.text()).count("event: word") == count
        assert streams.open == 0
        async with lane.session.get(lane.url("/endless")) as held:
            await held.content.readline()
            assert streams.open == 1
            streams.close()
            await held.text()
        streams = Streams(most=1)
        async with lane.session.get(lane.url("/long")) as held:
            await held.content.readline()
            async with lane.session.get(lane.url("/short")) as refused:
                assert (refused.status, "Retry-After" in refused.headers) == (503, True)
    assert streams.open == 0


async def test_it_ends_with_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may not look any more sees nothing more, though there would be more to see."""
    monkeypatch.setattr("ratelimit.web.stream.LOOK_S", 0.0)
    streams, told = Streams(), [True, True, False]

    async def still() -> bool:
        return told.pop(0)

    async def follow(request: web.Request) -> web.StreamResponse:
        request[STILL] = Still(still)
        return await streams.follow(request, words(*"abcdef"))

    async with serving([Route("GET", "/follow", follow)]) as lane, lane.session.get(lane.url("/follow")) as answer:
        assert (await answer.text()).count("event: word") == 2
    assert streams.open == 0
