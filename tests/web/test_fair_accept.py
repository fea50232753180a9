"""Processes that accept from one socket leave one another their part of it."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from aiohttp.web import BaseRequest

from ratelimit.web import fair_accept
from ratelimit.web.counts import Counts
from ratelimit.web.fair_accept import FairAccept
from ratelimit.web.reply import Reply
from ratelimit.web.server import LaneServer

WAITING = 11
NEVER_S = 3_600.0


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[socket.socket]:
    """A listening socket in whose queue connections wait."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(str(tmp_path / "x.sock"))
        listening.listen(WAITING)
        for _ in range(WAITING):
            stack.enter_context(socket.socket(socket.AF_UNIX)).connect(str(tmp_path / "x.sock"))
        yield listening


@pytest.fixture
async def lane() -> LaneServer:
    async def hello(_request: BaseRequest) -> Reply:
        return Reply(200, "", b"hello")

    return LaneServer(hello, Counts())


async def turn(times: int = 20) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def test_each_takes_one_at_first(queue: socket.socket, lane: LaneServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many wait, the first to be woken takes one and leaves the others a moment; at its end it turns nobody away."""
    monkeypatch.setattr(fair_accept, "PAUSE_S", NEVER_S)
    accepting = FairAccept(lane, queue.dup())
    await turn()
    assert len(lane.connections) == 1
    accepting.close()
    await turn()
    assert len(lane.connections) == WAITING
    await lane.shutdown(1.0)
    await turn()


async def test_all_are_let_in(queue: socket.socket, lane: LaneServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody else takes them, all are taken, round by round."""
    monkeypatch.setattr(fair_accept, "PAUSE_S", 0.0)
    accepting = FairAccept(lane, queue.dup())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(60):
            while len(lane.connections) < WAITING:  # noqa: ASYNC110  of which nobody tells
                await asyncio.sleep(0)
    assert len(lane.connections) == WAITING
    accepting.close()
    await lane.shutdown(1.0)
    await turn()
