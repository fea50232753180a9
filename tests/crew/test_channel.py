"""What supervisor and worker tell one another arrives whole and in order, and the end is told."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from msgspec.msgpack import Decoder

from ratelimit.crew.channel import Channel

Ends = tuple[Channel[object], Channel[object]]


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    decoder: Decoder[object] = Decoder(object)
    left, right = [await Channel.over(sock, decoder) for sock in socket.socketpair()]
    yield left, right
    await left.close()
    await right.close()


async def test_messages(ends: Ends) -> None:
    """Small and large messages, sent at once, come in their order."""
    left, right = ends
    messages = ["", {"a": [1, None]}, "x" * 1_000_000, "last"]
    for message in messages:
        left.send(message)
    assert [await right.receive() for _ in messages] == messages


async def test_the_end(ends: Ends) -> None:
    """What was sent before the end still arrives; then there is None, and whatever is sent goes nowhere."""
    left, right = ends
    left.send("last")
    await left.close()
    assert [await right.receive() for _ in range(3)] == ["last", None, None]
    for _ in range(3):
        right.send("to nobody")
        await asyncio.sleep(0)


async def test_half_a_message_is_none(ends: Ends) -> None:
    """A process that is killed while it speaks has said nothing."""
    left, right = ends
    left._writer.write(b"\0\0\0\x09half")
    await left.close()
    assert await right.receive() is None
