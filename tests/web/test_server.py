"""What a connection does beyond aiohttp's: nothing that came is left lying."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

Start = Callable[..., Awaitable[Any]]

LIMIT = {"name": "key", "per": ["api_key"], "bucket": {"capacity": 1_000, "refill": "1/h"}}
BODY = b'{"method":"GET","path":"/","api_key":"k"}'
TOGETHER = 100  # requests; aiohttp lets 32 of a connection wait, and parses no more


def head(path: bytes, *more: bytes) -> bytes:
    return b"\r\n".join([b"POST " + path + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(BODY), *more, b"", b""])


@pytest.mark.parametrize("path", [b"/v1/check", b"/v1/check?ordinary"])
@pytest.mark.parametrize("at_once", [False, True])
async def test_after_a_body_that_came_late(start: Start, path: bytes, at_once: bool) -> None:
    """More requests together than aiohttp lets wait are all answered, also behind one whose body came in a piece of its own."""
    gateway = await start([LIMIT])
    connection = await gateway.connect()
    others = (head(path) + BODY) * TOGETHER
    await connection.send(head(path, b"Expect: 100-continue"))
    assert (await connection.answer()).status == 100  # so it is being answered, and waits for its body
    await connection.send(BODY + others if at_once else BODY)
    assert (await connection.answer()).status == 200
    await connection.send(b"" if at_once else others)
    answers = [await asyncio.wait_for(connection.answer(), 60) for _ in range(TOGETHER)]
    assert [answer.json["remaining"] for answer in answers] == list(range(998, 998 - TOGETHER, -1))
    await connection.close()
