"""What `POST /v1/purchases` costs beside a bare round trip to the store: the sidecar on one core, its store and whoever asks on the other.

Accounts, their cards, devices and addresses come again, so their logs have a past; all signals are computed for each, and the rules of the
policy that comes with the product are asked. The round trip is an `EVALSHA` that reads one key, on the connection that the sidecar itself
has, from the core that serves, with the sidecar at rest: the budget is in multiples of its median, of the same round.
"""

import asyncio
import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from itertools import count
from typing import Final

import uvloop

from bench.latency import is_whole
from bench.plan import CannotMeasure, Cores, Plan
from bench.process import cpu_us
from bench.row import Row, at_least, at_most, ratios
from bench.server import Server, product
from bench.store import Store, valkey
from ratelimit.core.purchase_entry import reading
from ratelimit.core.store_key import BOOK
from ratelimit.stores.link import SCRIPTS, Link

GROUP: Final = "purchases"
_POLICY: Final = files("ratelimit") / "default-policy.yaml"
_MOST_TRIPS: Final = 10.0
_LEAST_A_SECOND: Final = 500.0
_KNOWN: Final = 5_000  # accounts, and as many cards, addresses and devices
_CONNECTIONS: Final = 16
_numbers: Final = count(1)


def purchases(plan: Plan) -> Iterator[Row]:
    """The round trip, the call one at a time, and as many as a core can."""
    inner = plan.inner("purchases")
    beside = inner._replace(cores=Cores(plan.cores.client, plan.cores.server) if plan.cores is not None else None)
    with valkey(beside, "purchases") as store, product(inner, "purchases", _POLICY.read_text(), _settings(store)) as server:
        plan.say("purchases, a past for them")
        uvloop.run(_load(server, plan.pick(15_000, 2_000), _CONNECTIONS))
        rounds = [_round(plan, server, store, number) for number in range(plan.pick(7, 3))]
    trips, p50, p99, rate, cpu = (tuple(values) for values in zip(*rounds, strict=True))
    yield Row(group=GROUP, name="p50 of a round trip to the store", unit="µs", values=trips)
    yield Row(group=GROUP, name="p50", unit="ms", values=p50, note="one connection, one at a time")
    yield Row(group=GROUP, name="p99", unit="ms", values=p99)
    in_trips = ratios([value * 1e3 for value in p99], trips)
    yield Row(group=GROUP, name="p99 in round trips", unit="x", values=in_trips, budget=at_most(_MOST_TRIPS))
    note = f"{_CONNECTIONS} connections"
    yield Row(group=GROUP, name="purchases on one core", unit="/s", values=rate, budget=at_least(_LEAST_A_SECOND), note=note)
    yield Row(group=GROUP, name="CPU of the sidecar", unit="ms", values=cpu, note="per purchase of that load")


def _settings(store: Store) -> dict[str, str]:
    return {"RATELIMIT_REDIS_URL": store.url, "RATELIMIT_STORE_KEY": "6b" * 32, "RATELIMIT_SIGNALS": "off"}


def _round(plan: Plan, server: Server, store: Store, number: int) -> tuple[float, float, float, float, float]:
    """Median of a round trip in us; median and 99th percentile of the call in ms; purchases a second, and CPU time of each in ms."""
    plan.say(f"purchases, round {number + 1}")
    with _on_server_core(plan):
        trip_us = uvloop.run(_trip_us(store, plan.pick(3_000, 1_000)))
    times = sorted(uvloop.run(_load(server, plan.pick(2_000, 500), 1)))
    calls, before, began = plan.pick(5_000, 1_000), cpu_us(server.pid), time.perf_counter()
    uvloop.run(_load(server, calls, _CONNECTIONS))
    rate = calls / (time.perf_counter() - began)
    return trip_us, times[len(times) // 2], times[len(times) * 99 // 100], rate, (cpu_us(server.pid) - before) / calls / 1e3


@contextmanager
def _on_server_core(plan: Plan) -> Iterator[None]:
    """This process on the core that serves, for so long."""
    if plan.cores is None:
        yield
        return
    os.sched_setaffinity(0, {plan.cores.server})
    try:
        yield
    finally:
        os.sched_setaffinity(0, {plan.cores.client})


async def _trip_us(store: Store, trips: int) -> float:
    link = Link(store.url)
    await link.open()
    call = reading(f"{BOOK}nothing")
    command = ("EVALSHA", SCRIPTS["book"].sha, 1, call.key, call.argument)
    times = []
    for _ in range(trips):
        began = time.perf_counter_ns()
        await link.exchange([command])
        times.append(time.perf_counter_ns() - began)
    await link.close()
    return sorted(times)[trips // 2] / 1e3


async def _load(server: Server, calls: int, connections: int) -> list[float]:
    """How long each of so many purchases took, in ms, over so many connections that each ask one after the other."""
    left, times = iter(range(calls)), list[float]()

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for _ in left:
            request = _request()
            began = time.perf_counter_ns()
            writer.write(request)
            answer = await reader.read(65_536)
            while not is_whole(answer):
                more = await reader.read(65_536)
                if not more:
                    raise CannotMeasure(f"the connection was closed after {answer[:200]!r}")
                answer += more
            times.append((time.perf_counter_ns() - began) / 1e6)
            if b'"store_unavailable"' in answer or not answer.startswith(b"HTTP/1.1 200 "):
                raise CannotMeasure(f"a purchase was answered {answer[-300:]!r}")
        writer.close()

    await asyncio.gather(*(ask() for _ in range(connections)))
    return times


def _request() -> bytes:
    number = next(_numbers)
    chance = random.Random(number)
    account, address = chance.randrange(_KNOWN), chance.randrange(_KNOWN)
    body = {
        "id": f"order_{number}",
        "attempt": 1,
        "account": f"account-{account}",
        "ip": f"198.18.{address >> 8}.{address & 255}",
        "amount": chance.choice((500, 1_000, 4_900)),
        "currency": "EUR",
        "tokens": 1_000,
        "email": f"somebody{account}@example{account % 50}.com",
        "card": {
            "fingerprint": f"card-{account if chance.random() < 0.9 else number}",
            "last4": "4242",
            "exp_month": 12,
            "exp_year": 2030,
            "country": chance.choice(("DE", "FR", "US")),
            "funding": "credit",
            "brand": "visa",
        },
        "device": f"device-{account}",
        "account_created_at": 1_700_000_000,
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    }
    content = json.dumps(body).encode()
    return b"POST /v1/purchases HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)
