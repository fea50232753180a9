"""The load: wrk on the core that asks, 32 connections, one thread, with a script that says which callers ask."""

import json
import shutil
import subprocess
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

from bench.plan import CannotMeasure, Plan, clean_environment
from bench.server import Server

CONNECTIONS: Final = 32
WRK_MISSING: Final = "wrk not found; apt-get install wrk"
HOT: Final = "hot.lua"
ONCE: Final = "once.lua"
_MARK: Final = "BENCH "
_MOST_PER_ROUND: Final = 500_000  # callers between two rounds, so that no caller comes twice
_rounds = count()


class Load(NamedTuple):
    """What a round brought."""

    requests: int
    seconds: float
    failed: int

    @property
    def rate(self) -> float:
        """Requests answered per second."""
        return self.requests / self.seconds


def missing() -> str | None:
    """Why no load can be made, or None."""
    return None if shutil.which("wrk") else WRK_MISSING


def warm_up(plan: Plan, server: Server, script: str) -> None:
    """A load that is not counted."""
    drive(plan, server, script, 1)


def drive(plan: Plan, server: Server, script: str, seconds: int) -> Load:
    """One load; raises CannotMeasure if wrk does not run, or most requests failed."""
    path = Path(__file__).with_name(script)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(path), f"http://127.0.0.1:{server.port}"]
    more = {"BENCH_FIRST": str(next(_rounds) * _MOST_PER_ROUND % (1 << 24))}
    run = subprocess.run(
        plan.on_client_core(command), capture_output=True, text=True, timeout=seconds + 20, check=False, env=clean_environment(more)
    )
    line = next((line for line in run.stdout.splitlines() if line.startswith(_MARK)), None)
    if line is None:
        raise CannotMeasure(f"wrk against {server.name} ended with {run.returncode}: {(run.stderr or run.stdout)[-300:]}")
    said = json.loads(line.removeprefix(_MARK))
    load = Load(said["requests"], said["us"] / 1e6, said["failed"])
    if load.failed > load.requests / 100:
        raise CannotMeasure(f"{load.failed} of {load.requests} requests to {server.name} failed")
    return load
