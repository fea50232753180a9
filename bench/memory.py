"""What a caller costs: bytes in the store for a quiet bucket, all told, and bytes in the sidecar for a subject of a limit.

The store's are the difference of its `used_memory` over many buckets made by the script, its tables and expiries included. The sidecar's
are taken in a process of its own (subjects.py), by tracemalloc, and by resident memory in the note.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

import uvloop

from bench.plan import CannotMeasure, Plan, clean_environment
from bench.row import Row, at_most
from bench.script import FULL, exchange, new_pipeline, used_memory
from bench.store import Store, ask_info, valkey
from ratelimit.core.bucket import Acquire, Terms
from ratelimit.stores.frame import command
from ratelimit.stores.link import Link

GROUP: Final = "memory"
QUIET: Final = Terms(capacity=40, num=1, per=90_000_000)  # 40 per hour: nothing expires while we look
_SETTLE_S: Final = 1.5  # the append-only file's buffer is written once a second, tables are moved in the background
_SUBJECTS: Final = Path(__file__).with_name("subjects.py")


def memory(plan: Plan) -> Iterator[Row]:
    """The store, then the sidecar."""
    buckets = plan.pick(200_000, 100_000)
    plan.say(f"memory, {buckets:,} buckets in the store")
    with valkey(plan, "memory-data") as store:
        made, used = uvloop.run(_fill(store, buckets))
    yield Row(
        group=GROUP, name="store, per quiet bucket", unit="bytes", values=(used / made,), budget=at_most(180), note=f"{made:,} buckets"
    )
    yield from _sidecar(plan)


async def _fill(store: Store, buckets: int) -> tuple[int, int]:
    """How many buckets are there, and by how many bytes the store grew."""
    link = Link(store.url)
    await link.open()
    before, numbers = used_memory(store.socket), count(1)
    for _ in range(-(-buckets // (FULL.calls * FULL.keys))):
        await exchange(link, [command(frame) for frame in new_pipeline(numbers, QUIET, Acquire(needs=(1,)))])
    await link.close()
    time.sleep(_SETTLE_S)  # noqa: ASYNC251  nothing else runs in this loop
    return int(ask_info(store.socket, "keyspace")["db0"]["keys"]), used_memory(store.socket) - before


def _sidecar(plan: Plan) -> Iterator[Row]:
    subjects = plan.pick(100_000, 10_000)
    plan.say(f"memory, {subjects:,} subjects in the sidecar")
    traced, resident = _subjects(plan, subjects, "traced"), _subjects(plan, subjects, "resident")
    note = f"{subjects:,} subjects of one limit"
    name = "sidecar, per subject and limit"
    seen_note = f"{note}; resident memory grew by {resident['quiet']:,.0f} each"
    yield Row(group=GROUP, name=f"{name}, seen once", unit="bytes", values=(traced["quiet"],), budget=at_most(1_024), note=seen_note)
    yield Row(group=GROUP, name=f"{name}, with a lease", unit="bytes", values=(traced["leased"],), budget=at_most(1_024), note=note)


def _subjects(plan: Plan, subjects: int, how: str) -> dict[str, float]:
    command_line = plan.on_client_core([sys.executable, str(_SUBJECTS), str(subjects), how])
    run = subprocess.run(command_line, capture_output=True, text=True, timeout=120, check=False, env=clean_environment())
    if run.returncode:
        raise CannotMeasure(f"{_SUBJECTS.name} ended with {run.returncode}: {run.stderr[-500:]}")
    found: dict[str, float] = json.loads(run.stdout)
    return found
