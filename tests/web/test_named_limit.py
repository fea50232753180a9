"""Which limit a refusal names, of several that refuse; and what is counted of one in shadow. On a real limiter and a real store."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

Start = Callable[..., Awaitable[Any]]

SHORT = {"name": "short", "per": ["ip"], "bucket": {"capacity": 1, "refill": "1/min"}}
LONG = [
    {"name": "long", "per": ["ip"], "match": {"path": ["/b"]}, "bucket": {"capacity": 1, "refill": "1/h"}},
    {"name": "long", "per": ["ip"], "match": {"path": ["/b"]}, "quota": {"amount": 1, "every": "year"}},
]


@pytest.mark.parametrize("long", LONG, ids=["bucket", "quota"])
async def test_longest_wait_is_named(start: Start, long: dict[str, Any]) -> None:
    """The limit that is named is the one with the longest wait, also where another's refusal is remembered and nobody asks it."""
    gateway = await start([SHORT, long])
    named = [(await gateway.check(ip="203.0.113.7", path=path)).json["limit"] for path in ("/b", "/a", "/b")]
    assert named[1:] == ["short", "long"]


async def test_limit_that_has_room_is_not_named(start: Start) -> None:
    """A limit that would let the request pass is not the one that refused it."""
    gateway = await start([SHORT, {**LONG[0], "bucket": {"capacity": 2, "refill": "1/h"}}])
    named = [(await gateway.check(ip="203.0.113.7", path=path)).json["limit"] for path in ("/b", "/a", "/b")]
    assert named[1:] == ["short", "short"]


async def test_shadow_is_counted(start: Start) -> None:
    """What passed and would not have, were the limit not in shadow, is counted; what another limit refused is not."""
    gateway = await start([{**SHORT, "bucket": {"capacity": 3, "refill": "1/h"}}, {**LONG[0], "mode": "shadow"}])
    for _ in range(5):
        await gateway.check(ip="203.0.113.7", path="/b")
    assert gateway.limiter.answers.shadowed == {"long": 2}
