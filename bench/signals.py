"""What signals cost beside decisions: CPU time of a sidecar per request with them and without, and how long their work holds the loop.

Both sidecars serve the same policy on embedded stores of their own; the one with signals has its model. The store's own work is in neither.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Final

import uvloop

from bench.callers import HOT, Callers
from bench.load import Ask, drive
from bench.plan import Plan
from bench.process import cpu_us
from bench.row import Row, at_most, ratios
from bench.server import NEVER_REFUSES, Server, product
from ratelimit.core.distinct import Distinct
from ratelimit.core.identity import Caller
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.address_book import AddressBook
from ratelimit.service.usage import Usage
from ratelimit.sidecar import clock_us
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.embedded import EmbeddedStore

GROUP: Final = "signals"
_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_TEMPLATE: Final = f'{{"api_key":"{{key}}","ip":"{{ip}}","method":"GET","path":"/v1/images","user_agent":"{_AGENT}"}}'
_CALLERS: Final[tuple[Callers, ...]] = ("hot", "zipf", "once")
_MOST_ADDED: Final = 1.10  # of the CPU time of a decision
_MOST_HELD_MS: Final = 1.0
_KEY: Final = b"k" * 32


def signals(plan: Plan) -> Iterator[Row]:
    """Signals on over off, for callers of each kind; then the longest turns."""
    plan.say("signals")
    inner = plan.inner("signals")
    with _serving(inner, "on") as on, _serving(inner, "off") as off:
        for callers in _CALLERS:
            spent = _spent(plan, callers, on, off)
            note = f"CPU time of the sidecar per request, 32 connections, {callers}: with signals over without"
            yield Row(group=GROUP, name=callers, unit="x", values=ratios(*spent), budget=at_most(_MOST_ADDED), note=note)
    turns = uvloop.run(_turns(plan.folder / "signals-data", plan.pick(20, 3)))
    note = f"longest turn of the loop in a second of {_SUBJECTS:,} subjects that all ask: counting, telling, scoring; without a model"
    yield Row(group=GROUP, name="longest turn", unit="ms", values=turns, budget=at_most(_MOST_HELD_MS), note=note)


@contextmanager
def _serving(plan: Plan, signals: str) -> Iterator[Server]:
    with product(plan, f"signals {signals}", NEVER_REFUSES, {"RATELIMIT_SIGNALS": signals}) as server:
        yield server._replace(template=_TEMPLATE)


def _spent(plan: Plan, callers: Callers, *servers: Server) -> list[list[float]]:
    """CPU time of each sidecar per request in each round, in ns."""
    found: list[list[float]] = [[] for _ in servers]
    for number in range(plan.pick(7, 1)):
        for values, server in zip(found, servers, strict=True):
            before = cpu_us(server.pid)
            load = drive(plan, server, Ask(callers, 32, 2, number))
            values.append((cpu_us(server.pid) - before) * 1e3 / load.requests)
    return found


_SUBJECTS: Final = 20 * HOT


async def _turns(folder: Path, seconds: int) -> tuple[float, ...]:
    """The longest turn of each second, in ms."""
    async with AsyncExitStack() as stack:
        embedded = await EmbeddedStore.start(folder)
        stack.push_async_callback(embedded.stop)
        store = RedisStore(Options(embedded.url, clock_us, 5.0))
        stack.push_async_callback(store.close)
        await store.open()
        usage = Usage(store, StoreKeys(_KEY), Distinct(_KEY), AddressBook())
        callers = [Caller(f"key-{number}", number.to_bytes(4), f"account-{number}") for number in range(_SUBJECTS)]
        return tuple([await _second(usage, callers, 1_790_000_000 + number) for number in range(seconds)])


async def _second(usage: Usage, callers: list[Caller], tick: int) -> float:
    for number, caller in enumerate(callers):
        for _ in range(10):
            usage.note(caller, f"/v1/files/{(tick + number) % 997}", _AGENT, 1, passed=True)
    longest, since = 0.0, time.perf_counter()
    for _ in usage.turn(tick):
        longest = max(longest, time.perf_counter() - since)
        await asyncio.sleep(0)
        since = time.perf_counter()
    while usage.flush() or usage.outbox.under_way or len(usage.scoring):
        since = time.perf_counter()
        usage.score()
        longest = max(longest, time.perf_counter() - since)
        await asyncio.sleep(0)
    return longest * 1e3
