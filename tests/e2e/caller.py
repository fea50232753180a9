"""Clients of a gateway lane that keep their connection, note when they asked and were answered, and ask again when they are cut off."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from bench.traffic.ledger import Admitted, Rate, overdraft
from tests.e2e.ledger import CLOCKS_US

BODY = b'{"api_key":"hot","method":"GET","path":"/"}'
REQUEST = b"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
BETWEEN_S = 0.02  # two clients that connect: at once, one worker that gets no turn for a moment may get none of them


class Asked(NamedTuple):
    """One request, with instants in microseconds; `decision` is None if no answer came."""

    sent: int
    received: int
    decision: dict[str, Any] | None

    @property
    def allowed(self) -> bool:
        return self.decision is not None and self.decision["decision"] == "allow"


def sidecar_of(asked: Asked) -> str:
    """Which sidecar decided: the first part of an id is its own."""
    assert asked.decision is not None
    return str(asked.decision["id"]).partition("-")[0]


def clock_us() -> int:
    return time.monotonic_ns() // 1_000


def opener(address: str) -> Callable[[], Any]:
    """How to connect to an address as `serve` prints it."""
    if address.startswith("unix:"):
        return lambda: asyncio.open_unix_connection(address.removeprefix("unix:"))
    host, _, port = address.rpartition(":")
    return lambda: asyncio.open_connection(host, int(port))


async def _answer(reader: asyncio.StreamReader) -> dict[str, Any]:
    head = await reader.readuntil(b"\r\n\r\n")
    (length,) = (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    decision: dict[str, Any] = json.loads(await reader.readexactly(length))
    return decision


async def keep_asking(connect: Callable[[], Any], asked: list[Asked], pause_s: float, begin_s: float) -> None:
    """One client, until it is cancelled; it writes down what became of each request."""
    await asyncio.sleep(begin_s)
    while True:
        try:
            reader, writer = await connect()
        except OSError:
            await asyncio.sleep(0.02)
            continue
        sent = clock_us()
        try:
            while True:
                sent = clock_us()
                writer.write(REQUEST)
                decision = await _answer(reader)
                asked.append(Asked(sent, clock_us(), decision))
                await asyncio.sleep(pause_s)
        except (OSError, asyncio.IncompleteReadError):
            asked.append(Asked(sent, clock_us(), None))
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def callers(address: str, count: int, pause_s: float = 0.0) -> AsyncIterator[list[Asked]]:
    """So many clients while the block runs, one after another; yields what they asked, in the order of the ends."""
    asked: list[Asked] = []
    asking = [asyncio.create_task(keep_asking(opener(address), asked, pause_s, number * BETWEEN_S)) for number in range(count)]
    try:
        yield asked
    finally:
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)


def over(asked: list[Asked], rate: Rate) -> float:
    """By how many tokens the worst window exceeds the rate, as far as can be told from outside; below 0 is room to spare."""
    return overdraft([Admitted(one.sent, one.received + CLOCKS_US, 1) for one in asked if one.allowed], rate)
