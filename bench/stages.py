"""What each stage of a check costs, in this process, without a network: the product's own functions on one real request, timed one by one.

A stage is called in chunks, between which the event loop runs, so that leases are renewed as in life; a chunk in which the store had to be
asked does not count. A round's figure is the median of its chunks, in ns per call, the 30 ns or so of calling included. What is left of the
CPU time that a served request takes is the rest: the event loop, the kernel's reads and writes, and the renewal of leases.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import uvloop
from aiohttp.web import BaseRequest

from bench.callers import HOT
from bench.contenders import ordinary, policy, us
from bench.load import Ask, drive
from bench.plan import CannotMeasure, Plan
from bench.process import cpu_us
from bench.row import Row
from bench.server import BODY, NEVER
from ratelimit.core.decision import Decision
from ratelimit.core.identity import ApiKeys, Caller
from ratelimit.core.request import CheckRequest
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.limiter import Limiter
from ratelimit.service.policy_source import make_policy
from ratelimit.sidecar import clock_us
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.embedded import EmbeddedStore
from ratelimit.web import check as web_check
from ratelimit.web.counts import Counts
from ratelimit.web.headers import RateLimitHeaders
from ratelimit.web.reply import JSON, Reply, written
from ratelimit.web.server import LaneServer

GROUP: Final = "stages"
PARTS: Final = ("decode", "identity", "lease", "policy", "headers", "encode", "reply")  # in the order of a request; they add up
SPARED: Final = "parse"
REST: Final = "rest"
WHOLE: Final = "whole"
WHOLE_ORDINARY: Final = "whole, ordinary path"
_REQUEST: Final = (
    b"POST /v1/check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
)
_KEY: Final = b"k" * 32
_CHUNK: Final = 100  # calls
_PATIENT_S: Final = 5.0  # nothing here is to be answered without the store
_TRIES: Final = 50
_NOTES: Final = {
    SPARED: "aiohttp's parser in C: head and body; the shortcut spares it for heads that it knows, so it is no part of the whole",
    "decode": "JSON of the body, typed",
    "identity": "digest of the key, packed address",
    "lease": "the decision: two limits with leases in hand, looked at and spent",
    "policy": "the limits of the route, for the headers",
    "headers": "seven lines",
    "encode": "JSON of the decision",
    "reply": "head and body as bytes",
    "answer": "from decode to reply, in one call of the shortcut: what those stages should add up to",
    "refused": "the decision: a limit that remembers its refusal",
    "cold": f"callers never seen, {HOT} at once, by the clock: one pipeline to the store, which works on the same core",
}


class Times(NamedTuple):
    """Figures of all rounds by stage, in ns."""

    ns: dict[str, list[float]]

    def row(self, name: str) -> Row:
        """Its row."""
        return Row(group=GROUP, name=name, unit="ns", values=tuple(self.ns[name]), note=_NOTES[name])


def stages(plan: Plan) -> Iterator[Row]:
    """Each stage, the whole that a served request takes, and the rest; then decisions of other kinds."""
    plan.say("stages")
    times = Times(uvloop.run(_timed(plan.folder / "stages-data", *plan.pick((7, 60), (2, 20)))))
    for name in PARTS:
        yield times.row(name)
    whole, whole_ordinary = _served(plan)
    parts = sum(median(times.ns[name]) for name in PARTS)
    note = "CPU time of the sidecar per request, hot, 32 connections"
    yield Row(
        group=GROUP, name=REST, unit="ns", values=(median(whole) - parts,), note="of the whole: event loop, kernel, renewal of leases"
    )
    yield Row(group=GROUP, name=WHOLE, unit="ns", values=whole, note=note)
    yield Row(group=GROUP, name=WHOLE_ORDINARY, unit="ns", values=whole_ordinary, note=f"{note}; aiohttp's request and tasks in addition")
    for name in (SPARED, "answer", "refused", "cold"):
        yield times.row(name)


def _served(plan: Plan) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """CPU time of a sidecar per request under load, in ns: by the shortcut, by the ordinary path."""
    found: tuple[list[float], list[float]] = [], []
    inner = plan.inner("stages-served")
    with us(inner, NEVER) as server, ordinary(inner, NEVER) as by_ordinary:
        for number in range(plan.pick(5, 1)):
            for values, asked in zip(found, (server, by_ordinary), strict=True):
                before = cpu_us(asked.pid)
                load = drive(plan, asked, Ask("hot", 32, 1, number))
                values.append((cpu_us(asked.pid) - before) * 1e3 / load.requests)
    return tuple(found[0]), tuple(found[1])


async def _timed(folder: Path, rounds: int, chunks: int) -> dict[str, list[float]]:
    """Every stage in every round."""
    async with AsyncExitStack() as stack:
        embedded = await EmbeddedStore.start(folder)
        stack.push_async_callback(embedded.stop)
        store = RedisStore(Options(embedded.url, clock_us, _PATIENT_S))
        stack.push_async_callback(store.close)
        await store.open()
        request = await stack.enter_async_context(_request())
        free, tight = (Limiter(make_policy(policy(rate).encode(), "bench"), store, StoreKeys(_KEY), clock_us) for rate in (NEVER, 1))
        calls = await _calls(request, free) | {"refused": partial(tight.check, _caller(free), "GET", "/v1/images", 1)}
        found: dict[str, list[float]] = {name: [] for name in [*calls, "cold"]}
        for number in range(rounds):
            for name, call in calls.items():
                found[name].append(median([await _chunk(name, call, calls["lease"]) for _ in range(chunks)]))
            found["cold"].append(await _cold(free, range(number * 1_000_000, number * 1_000_000 + HOT * chunks)))
        return found


@asynccontextmanager
async def _request() -> AsyncIterator[BaseRequest]:
    """A real request over a real connection to a lane, until the block ends; only then it is answered."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    came: asyncio.Future[BaseRequest] = loop.create_future()

    async def hold(request: BaseRequest) -> Reply:
        came.set_result(request)
        await over.wait()
        return Reply(200, close=True)

    lane = LaneServer(hold, Counts())
    server = await loop.create_server(lane, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()) as client:
        client.setblocking(False)
        await loop.sock_sendall(client, _REQUEST)
        yield await came
        over.set()
    server.close()
    await lane.shutdown(_PATIENT_S)


def _caller(limiter: Limiter) -> Caller:
    return _lane(limiter)._caller(_asked(), limiter.policy.identity.ipv6_prefix, "$")


def _parse(parser: Any) -> bytes:
    """The body of the next request on a connection."""
    messages, _, _ = parser.feed_data(_REQUEST)
    parser.message_consumed()
    body: bytes = messages[0][1].read_nowait(-1)
    return body


def _lane(limiter: Limiter) -> web_check.Check:
    return web_check.Check(limiter, ApiKeys(_KEY), RateLimitHeaders())


def _asked() -> CheckRequest:
    return web_check._decode_check(BODY)


async def _calls(request: BaseRequest, limiter: Limiter) -> dict[str, Callable[[], Any]]:
    """Each stage as a call, with what the stage before it brought."""
    asked, caller, headers = _asked(), _caller(limiter), RateLimitHeaders()
    decision = await _decided(limiter.check(caller, asked.method, asked.path, asked.cost))
    limits = limiter.policy.match(asked.method, asked.path, asked.plan)
    lines, body = headers.lines(limits, decision), web_check.encode_decision(decision)
    return {
        SPARED: partial(_parse, request.protocol._parser),
        "decode": partial(web_check._decode_check, BODY),
        "identity": partial(_lane(limiter)._caller, asked, limiter.policy.identity.ipv6_prefix, "$"),
        "lease": partial(limiter.check, caller, asked.method, asked.path, asked.cost),
        "policy": partial(limiter.policy.match, asked.method, asked.path, asked.plan),
        "headers": partial(headers.lines, limits, decision),
        "encode": partial(web_check.encode_decision, decision),
        "reply": partial(written, 200, JSON + lines, body),
        "answer": partial(_lane(limiter).answer, BODY),
    }


async def _chunk(name: str, call: Callable[[], Any], lease: Callable[[], Any]) -> float:
    """A chunk of calls, in ns each; if the store has to be asked that is done, with `lease`, and then the chunk is done again."""
    for _ in range(_TRIES):
        since = time.perf_counter_ns()
        found = [call() for _ in range(_CHUNK)]
        took = time.perf_counter_ns() - since
        await asyncio.sleep(0)
        if not any(one is None or asyncio.iscoroutine(one) for one in found):
            return took / _CHUNK
        found += [lease() for _ in range(_CHUNK)]
        await asyncio.gather(*(one for one in found if asyncio.iscoroutine(one)))
    raise CannotMeasure(f"stage {name}: the store was asked in each of {_TRIES} chunks")


async def _cold(limiter: Limiter, numbers: range) -> float:
    """Callers that were never seen, as many at once as are hot, in ns each."""
    since = time.perf_counter_ns()
    for start in range(0, len(numbers), HOT):
        callers = [Caller(f"cold-{number}", number.to_bytes(4)) for number in numbers[start : start + HOT]]
        await asyncio.gather(*(_decided(limiter.check(caller, "GET", "/v1/images", 1)) for caller in callers))
    return (time.perf_counter_ns() - since) / len(numbers)


async def _decided(found: Any) -> Decision:
    decision: Decision = found if isinstance(found, Decision) else await found
    return decision
