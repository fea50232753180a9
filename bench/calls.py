"""How often the store is asked, by its own command statistics, while 5,000 requests a second come for a bucket of 1,000 at 1,000/s.

The load is open: what is due is sent, whether answers have come or not. One sidecar is a real `ratelimit serve` over HTTP. The 64 are 64
limiters, each with a connection of its own to one store, in this process: the store sees what 64 processes would send it.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from itertools import cycle
from pathlib import Path
from typing import Any, Final, NamedTuple

import uvloop

from bench.latency import is_whole
from bench.plan import Plan
from bench.row import Row, at_most
from bench.server import BODY, product
from bench.store import script_calls, valkey
from ratelimit.core.decision import Decision
from ratelimit.core.identity import Caller
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.limiter import Limiter
from ratelimit.service.policy_source import make_policy
from ratelimit.sidecar import clock_us
from ratelimit.stores.client import Options, RedisStore

GROUP: Final = "store calls"
POLICY: Final = "version: 1\nlimits:\n  - {name: key, per: [api_key], bucket: {capacity: 1000, refill: 1000/s}}\n"
RATE: Final = 5_000
SIDECARS: Final = 64
_CONNECTIONS: Final = 32
_TICK_S: Final = 0.001
_DEADLINE_S: Final = 0.01


class Count(NamedTuple):
    """What came of a load: calls that the store executed, and what was decided."""

    calls: int
    asked: int
    allowed: int
    seconds: float

    def row(self, name: str, budget: float, note: str) -> Row:
        """Its row."""
        rates = f"{self.asked / self.seconds:,.0f} requests/s, {self.allowed / self.seconds:,.0f}/s allowed"
        return Row(
            group=GROUP, name=name, unit="per decision", values=(self.calls / self.asked,), budget=at_most(budget), note=rates + note
        )


def calls(plan: Plan) -> Iterator[Row]:
    """One sidecar, and 64."""
    seconds = plan.pick((2.0, 8.0), (1.0, 3.0))
    plan.say("store calls, one sidecar")
    with product(plan, "calls", POLICY) as server:
        assert server.store is not None
        one = uvloop.run(_over_http(server.port, server.store, *seconds))
    yield one.row("one sidecar", 0.01, "")
    plan.say(f"store calls, {SIDECARS} sidecars")
    with valkey(plan, "calls-data") as store:
        many = uvloop.run(_by_many(store.url, store.socket, *seconds))
    yield many.row(f"{SIDECARS} sidecars, one bucket", 0.15, f"; {SIDECARS} limiters and connections in one process")


class _Tally:
    """What is decided while it counts."""

    def __init__(self) -> None:
        self.asked = self.allowed = 0

    def add(self, *, allowed: bool) -> None:
        self.asked += 1
        self.allowed += allowed


async def _measured(send: Callable[[], bool], tally: _Tally, store: Path, warm_s: float, measured_s: float) -> Count:
    await _offer(send, warm_s)
    before, asked, allowed, since = script_calls(store), tally.asked, tally.allowed, time.perf_counter()
    await _offer(send, measured_s)
    return Count(script_calls(store) - before, tally.asked - asked, tally.allowed - allowed, time.perf_counter() - since)


async def _offer(send: Callable[[], bool], seconds: float) -> None:
    """Send at the rate, in small steps; `send` says False when it has no connection free, and then it is tried with the next step."""
    sent, since = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - since) < seconds:
        due = int(elapsed * RATE)
        while sent < due and send():
            sent += 1
        await asyncio.sleep(_TICK_S)


class _Client(asyncio.Protocol):
    """A connection that asks one question at a time."""

    _request = b"POST /v1/check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY

    def __init__(self, free: list["_Client"], tally: _Tally) -> None:
        self._free, self._tally, self._answer = free, tally, b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._free.append(self)

    def ask(self) -> None:
        self._transport.write(self._request)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if is_whole(self._answer):
            self._tally.add(allowed=b'"decision":"allow"' in self._answer)
            self._answer = b""
            self._free.append(self)


async def _over_http(port: int, store: Path, warm_s: float, measured_s: float) -> Count:
    free: list[_Client] = []
    tally = _Tally()
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: _Client(free, tally), "127.0.0.1", port) for _ in range(_CONNECTIONS)]

    def send() -> bool:
        if not free:
            return False
        free.pop().ask()
        return True

    count = await _measured(send, tally, store, warm_s, measured_s)
    for _, client in made:
        client.close()
    return count


async def _by_many(url: str, store: Path, warm_s: float, measured_s: float) -> Count:
    tally = _Tally()
    async with AsyncExitStack() as stack:
        limiters = cycle([await _limiter(url, stack) for _ in range(SIDECARS)])
        tasks: set[asyncio.Task[None]] = set()
        caller = Caller(api_key="one")

        def send() -> bool:
            found = next(limiters).check(caller, "GET", "/v1/images", 1)
            if isinstance(found, Decision):
                tally.add(allowed=found.decision == "allow")
            else:
                task = asyncio.get_running_loop().create_task(_wait_for(found, tally))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            return True

        count = await _measured(send, tally, store, warm_s, measured_s)
        await asyncio.gather(*tasks)
        return count


async def _limiter(url: str, stack: AsyncExitStack) -> Limiter:
    """A sidecar without its lanes."""
    store = RedisStore(Options(url, clock_us, _DEADLINE_S))
    stack.push_async_callback(store.close)
    await store.open()
    limiter = Limiter(make_policy(POLICY.encode(), tempfile.gettempdir()), store, StoreKeys(b"k" * 32), clock_us)
    sweep = asyncio.get_running_loop().create_task(_forever(limiter.run()))
    stack.callback(sweep.cancel)
    return limiter


async def _forever(work: Coroutine[Any, Any, None]) -> None:
    await work


async def _wait_for(found: Any, tally: _Tally) -> None:
    tally.add(allowed=(await found).decision == "allow")
