"""A program of its own, so that nothing else is counted: fills a real limiter with subjects and prints the bytes that each of them takes.

`subjects.py COUNT traced|resident`. First every subject asks once; then every subject asks until it holds a lease.
"""

import asyncio
import gc
import json
import os
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Final

import uvloop

from ratelimit.core.decision import Decision
from ratelimit.core.identity import Caller
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.limiter import Limiter
from ratelimit.service.policy_source import make_policy
from ratelimit.sidecar import clock_us
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.embedded import EmbeddedStore

POLICY: Final = b"version: 1\nlimits:\n  - {name: ip, per: [ip], bucket: {capacity: 1000000, refill: 1000000/s}}\n"
_TOGETHER: Final = 256
_FEW: Final = 16
_HOT: Final = 12  # questions at once of one caller: more than four in the life of a lease
_PASSES: Final = 2
_PATIENT_S: Final = 10.0  # tracemalloc makes us slow; nothing here is to be answered without the store


def main() -> None:
    """Measure and print."""
    count, how = int(sys.argv[1]), sys.argv[2]
    if how == "traced":
        tracemalloc.start()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        print(json.dumps(uvloop.run(_measured(count, Path(folder), _TAKEN[how]))))


async def _measured(count: int, folder: Path, taken: Callable[[], int]) -> dict[str, float]:
    embedded = await EmbeddedStore.start(folder)
    store = RedisStore(Options(embedded.url, clock_us, _PATIENT_S))
    try:
        await store.open()
        limiter = Limiter(make_policy(POLICY, "subjects.py"), store, StoreKeys(b"k" * 32), clock_us, most_subjects=2 * count)
        await _ask_once(limiter, range(1 << 24, (1 << 24) + 1_000))
        await _make_hot(limiter, range(1 << 24, (1 << 24) + 200))  # whatever is made only once is made now
        before = taken()
        await _ask_once(limiter, range(count))
        quiet = taken()
        hot = range(count // 20)  # leases stay in hand after their end, since nobody sweeps here
        await _make_hot(limiter, hot)
        leased = taken()
        holding = sum(meter.share.hand is not None for shelf in limiter.shelves for meter in shelf.meters()[-len(hot) :])
        assert holding > len(hot) * 0.9, f"{holding} of {len(hot)} hold a lease"
        return {"subjects": count, "quiet": (quiet - before) / count, "leased": (quiet - before) / count + (leased - quiet) / holding}
    finally:
        await store.close()
        await embedded.stop()


async def _ask_once(limiter: Limiter, numbers: range) -> None:
    for start in range(0, len(numbers), _TOGETHER):
        await _decide(limiter, numbers[start : start + _TOGETHER], 1)


async def _make_hot(limiter: Limiter, numbers: range) -> None:
    """The first questions tell how many there are, those after them bring a lease."""
    for start in range(0, len(numbers), _FEW):
        for _ in range(_PASSES):
            await _decide(limiter, numbers[start : start + _FEW], _HOT)


async def _decide(limiter: Limiter, numbers: range, times: int) -> None:
    found = [limiter.check(Caller(ip=number.to_bytes(4)), "GET", "/", 1) for number in numbers for _ in range(times)]
    decided = await asyncio.gather(*(one for one in found if not isinstance(one, Decision)))
    assert all(decision.reason == "ok" for decision in decided), decided


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


_TAKEN: Final = {"traced": _traced, "resident": _resident}

if __name__ == "__main__":
    main()
