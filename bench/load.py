"""The load: wrk on the core that asks, one thread, with a script that is told which callers come and how the server wants to be asked."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from bench.callers import Callers, order_file
from bench.plan import CannotMeasure, Plan, clean_environment
from bench.server import Server

WRK_MISSING: Final = "wrk not found; apt-get install wrk"
MOST_PER_LOAD: Final = 1_000_000  # requests; loads that begin this far apart share no caller that comes once
_SCRIPT: Final = Path(__file__).with_name("load.lua")
_MARK: Final = "BENCH "
_PATIENCE_S: Final = 30


class Ask(NamedTuple):
    """How to ask: who comes, over how many connections, for how long. `first` is where the callers begin; `looking`: into answers."""

    callers: Callers
    connections: int
    seconds: int
    first: int = 0
    looking: bool = False


class Load(NamedTuple):
    """What a load brought. `not_ok` answers had a status of 400 or more; `counted`, `refused` and `broken` are 0 unless counted."""

    requests: int
    us: int
    failed: int
    not_ok: int
    p50_us: int
    p99_us: int
    client_cpu_us: int
    counted: int
    refused: int
    broken: int

    @property
    def rate(self) -> float:
        """Requests answered per second."""
        return self.requests / self.us * 1e6

    @property
    def client_busy(self) -> float:
        """How much of its core wrk used: near 1 it is wrk that was measured."""
        return self.client_cpu_us / self.us

    @property
    def admitted_per_s(self) -> float:
        """Of a load that was counted: what was not refused, per second."""
        return (self.counted - self.refused) / self.us * 1e6


def missing() -> str | None:
    """Why no load can be made, or None."""
    return None if shutil.which("wrk") else WRK_MISSING


def drive(plan: Plan, server: Server, ask: Ask) -> Load:
    """One load; raises CannotMeasure if wrk does not run, or more than one in a hundred requests failed. A 429 is no failure."""
    command = ["wrk", "-t1", f"-c{ask.connections}", f"-d{ask.seconds}s", "-s", str(_SCRIPT), f"http://127.0.0.1:{server.port}"]
    run = subprocess.run(
        plan.on_client_core(command),
        capture_output=True,
        text=True,
        timeout=ask.seconds + _PATIENCE_S,
        check=False,
        env=clean_environment(_settings(plan, server, ask)),
    )
    line = next((line for line in run.stdout.splitlines() if line.startswith(_MARK)), None)
    if line is None:
        raise CannotMeasure(f"wrk against {server.name} ended with {run.returncode}: {(run.stderr or run.stdout)[-300:]}")
    load = Load(**json.loads(line.removeprefix(_MARK)))
    if load.failed + load.broken > load.requests / 100 or not load.requests:
        raise CannotMeasure(f"{load.failed + load.broken} of {load.requests} requests to {server.name} failed")
    return load


def _settings(plan: Plan, server: Server, ask: Ask) -> dict[str, str]:
    """What the script reads."""
    order = order_file(plan.folder, ask.callers)
    settings = {"BENCH_PATH": server.path, "BENCH_TEMPLATE": server.template, "BENCH_FIRST": str(ask.first)}
    return settings | ({"BENCH_CALLERS": str(order)} if order else {}) | _flags(server, ask)


def _flags(server: Server, ask: Ask) -> dict[str, str]:
    return {name: "1" for name, on in {"BENCH_COUNT": ask.looking, "BENCH_HEADERS": server.ask == "headers"}.items() if on}
