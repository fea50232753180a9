"""One connection: what goes out goes out once, and errors come back as values."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest
from redis.exceptions import RedisError, ResponseError

from ratelimit.stores.frame import code
from ratelimit.stores.link import ACQUIRE, QUOTA, Link
from tests.stores.asker import until
from tests.stores.conftest import Cluster, Node
from tests.stores.proxy import Proxy

Stack = AsyncExitStack


@pytest.fixture
async def stack() -> AsyncIterator[Stack]:
    async with AsyncExitStack() as found:
        yield found


async def opened(url: str, stack: Stack) -> Link:
    link = Link(url)
    stack.push_async_callback(link.close)
    await link.open()
    return link


@pytest.mark.parametrize(("kind", "server"), [("valkey", "valkey"), ("redis7", "redis")])
async def test_facts(kind: str, server: str, request: pytest.FixtureRequest) -> None:
    """A node says what it is, and has both scripts from then on."""
    node: Node = request.getfixturevalue(kind)
    node.client.script_flush()
    link = Link(node.url)
    facts = await link.open()
    await link.close()
    assert (facts.server, facts.role, facts.cluster, facts.loading, facts.maxmemory_policy) == (
        server,
        "master",
        False,
        False,
        "noeviction",
    )
    assert facts.version == node.client.info()[f"{server}_version"]
    assert list(node.client.script_exists(ACQUIRE.sha, QUOTA.sha)) == [True, True]


async def test_facts_of_a_cluster(cluster: Cluster, stack: Stack) -> None:
    """A node of a cluster says so."""
    link = Link(cluster.url)
    stack.push_async_callback(link.close)
    assert (await link.open()).cluster


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
async def test_errors_are_values(kind: str, request: pytest.FixtureRequest, stack: Stack) -> None:
    """A command that is refused spoils no other, and its error's first word can be read."""
    link = await opened(request.getfixturevalue(kind).url, stack)
    replies = await link.exchange([("PING",), ("EVALSHA", "0" * 40, 0), ("NONSENSE",), ("ECHO", "x")])
    assert (replies[0], replies[3]) == (b"PONG", b"x")
    assert [code(reply) for reply in replies] == [None, "NOSCRIPT", "ERR", None]
    assert isinstance(replies[1], ResponseError)


async def test_moved_is_a_value(cluster: Cluster, stack: Stack) -> None:
    """A node that does not have the key says where it is, and is not asked again by the library."""
    link = await opened(cluster.url, stack)
    replies = await link.exchange([("GET", key) for key in ("a", "b", "c", "d", "e", "f")])
    assert {code(reply) for reply in replies} == {None, "MOVED"}


async def test_asking_goes_before_its_command(cluster: Cluster, stack: Stack) -> None:
    """ASKING is sent where it is meant, and its answer is nobody's."""
    link = await opened(cluster.url, stack)
    assert await link.exchange([("ECHO", "1"), ("ECHO", "2")], [True, False]) == [b"1", b"2"]


async def test_cut_connection_sends_nothing_again(own_node: Node) -> None:
    """A library that repeats what it lost would execute it twice; ours does not."""
    proxy = Proxy(own_node.url)
    link = Link(await proxy.start())
    try:
        await link.open()
        proxy.replies.clear()
        asked = proxy.asked
        call = link.exchange([("INCR", "counted")])
        with pytest.raises((RedisError, OSError)):
            await _cut_when(own_node, proxy, call)
        assert (int(own_node.client.get("counted")), proxy.asked) == (1, asked + 1)
    finally:
        await link.close()
        await proxy.close()


async def _cut_when(node: Node, proxy: Proxy, call: Coroutine[Any, Any, list[Any]]) -> None:
    task = asyncio.create_task(call)
    await until(lambda: node.client.get("counted"))
    proxy.cut()
    await task
