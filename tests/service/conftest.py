"""A real limiter on the real embedded store, with a clock that a test can hold."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ratelimit.core.decision import Decision
from ratelimit.core.identity import Caller
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.store_key import StoreKeys
from ratelimit.service import shelf
from ratelimit.service.limiter import Limiter
from ratelimit.service.meter import Meter
from ratelimit.service.shelf import Shelf
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.embedded import EmbeddedStore
from ratelimit.stores.server import find_server
from tests.stores.asker import until
from tests.stores.conftest import Node

PATIENCE_S = 5.0  # a slow machine is no store that is away
ALICE = Caller(api_key="alice", ip=b"\xcb\x00\x71\x07", account="a1")


def clock() -> int:
    return time.monotonic_ns() // 1_000


def policy(*limits: dict[str, Any], mode: str = "enforce") -> Policy:
    """A policy as a file would say it."""
    return Policy(parse_policy({"version": 1, "mode": mode, "limits": list(limits)}, "test"))


def bucket(name: str, capacity: int, refill: str = "1/h", *, per: str = "api_key", **more: Any) -> dict[str, Any]:
    """A limit with a bucket; by default one that does not refill while a test runs."""
    return {"name": name, "per": [per], "bucket": {"capacity": capacity, "refill": refill}, **more}


class Sidecar(NamedTuple):
    """A limiter and the store that it asks."""

    limiter: Limiter
    store: RedisStore

    async def check(self, cost: int = 1, caller: Caller = ALICE, path: str = "/") -> Decision:
        """The decision, whenever it comes."""
        decided = self.limiter.check(caller, "GET", path, cost)
        return decided if isinstance(decided, Decision) else await decided

    async def at_once(self, number: int, cost: int = 1) -> list[Decision]:
        """That many requests in one turn of the loop."""
        return list(await asyncio.gather(*(self.check(cost) for _ in range(number))))

    @property
    def asked(self) -> int:
        """Buckets and quotas that the store was asked for."""
        return sum(lane.counts.buckets for lane in self.store.lanes)

    def shelf(self, name: str) -> Shelf:
        return next(shelf for shelf in self.limiter.shelves if shelf.limit.name == name)

    def meter(self, name: str) -> Meter:
        """The only meter of a limit."""
        (meter,) = self.shelf(name).meters()
        return meter

    async def settled(self) -> None:
        """Wait until nothing is owed to the store."""
        await until(lambda: not any(meter.busy() or meter.share.owes() for shelf in self.limiter.shelves for meter in shelf.meters()))


Start = Callable[..., Awaitable[Sidecar]]


@pytest.fixture
def long_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that outlive a slow machine."""
    monkeypatch.setattr(shelf, "LIFE_US", 60_000_000)


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    """A store of this test alone."""
    store = await EmbeddedStore.start(tmp_path / "data")
    yield store
    await store.stop()


@pytest.fixture
async def start(embedded: EmbeddedStore) -> AsyncIterator[Start]:
    """Start a sidecar with limits; several share the store, and `run` lets it give back by its timer."""
    async with AsyncExitStack() as stack:

        async def make(
            *limits: dict[str, Any], url: str = "", run: bool = False, deadline_s: float = PATIENCE_S, **options: Any
        ) -> Sidecar:
            store = RedisStore(Options(url or embedded.url, clock, deadline_s))
            stack.push_async_callback(store.close)
            await store.open()
            limiter = Limiter(policy(*limits), store, StoreKeys(bytes(32)), clock, **options)
            if run:
                task = asyncio.get_running_loop().create_task(limiter.run())
                stack.callback(task.cancel)
            return Sidecar(limiter, store)

        yield make


@pytest.fixture
def own_node() -> Iterator[Node]:
    """A Valkey for one test."""
    with contextlib.closing(Node(find_server())) as node:
        yield node


@pytest.fixture
async def store(own_node: Node) -> AsyncIterator[RedisStore]:
    """An empty store of its own."""
    opened = RedisStore(Options(own_node.url, clock, PATIENCE_S, "check"))
    await opened.open()
    yield opened
    await opened.close()
