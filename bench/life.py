"""The start of a sidecar in a new data folder, to its first answer; and `ratelimit replay` of a log that is made for it."""

import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from bench.plan import CannotMeasure, Plan, clean_environment
from bench.row import Row, at_least, at_most
from bench.server import NEVER_REFUSES, RATELIMIT, product

START: Final = "start"
REPLAY: Final = "replay"
_POLICY: Final = """version: 1
limits:
  - {name: ip, per: [ip], bucket: {capacity: 60, refill: 1/s}}
  - {name: search, per: [ip], match: {path: ["/search*"]}, bucket: {capacity: 10, refill: 10/min}}
"""
_SEED: Final = 7
_ADDRESSES: Final = 5_000
_PER_SECOND: Final = 200
_MODEL: Final = Path(__file__).parents[1] / "models" / "requests"
_PATHS: Final = ("/", "/search?q=cat", "/images/12345.png", "/downloads/pack.zip", "/v1/generate", "/about")


def start(plan: Plan) -> Iterator[Row]:
    """From the command to the first decision."""
    took = []
    for number in range(plan.pick(5, 3)):
        plan.say(f"start {number + 1}")
        since = time.perf_counter()
        with product(plan, f"start-{number}", NEVER_REFUSES):
            took.append(time.perf_counter() - since)
    note = "new data folder, embedded store; dependencies installed, their bytecode compiled"
    yield Row(group=START, name="ratelimit serve to its first answer", unit="s", values=tuple(took), budget=at_most(2), note=note)


def replay(plan: Plan) -> Iterator[Row]:
    """A log in combined format through two limits, and through signals and a model as well; the start of the command included."""
    lines = plan.pick(500_000, 100_000)
    plan.say(f"replay, writing {lines:,} lines")
    log, policy = plan.folder / "access.log", plan.folder / "replay.yaml"
    policy.write_text(_POLICY)
    _write(log, lines)
    command = [RATELIMIT, "replay", "--quiet", "--json", "--policy", str(policy), str(log)]
    note = f"{lines:,} lines, {_ADDRESSES:,} addresses, two limits; the start of the command included"
    yield Row(
        group=REPLAY, name="ratelimit replay", unit="lines/s", values=_rates(plan, command, lines), budget=at_least(50_000), note=note
    )
    rates = _rates(plan, [*command, "--model", str(_MODEL)], lines)
    note = f"the same with models/{_MODEL.name}; the store of the profiles works on the same core"
    yield Row(group=REPLAY, name="ratelimit replay --model", unit="lines/s", values=rates, budget=at_least(15_000), note=note)


def _rates(plan: Plan, command: list[str], lines: int) -> tuple[float, ...]:
    rates = []
    for number in range(plan.pick(2, 1)):
        plan.say(f"replay{' --model' * ('--model' in command)}, run {number + 1}")
        since = time.perf_counter()
        run = subprocess.run(
            plan.on_server_core(command), capture_output=True, text=True, timeout=120, check=False, env=clean_environment()
        )
        if run.returncode:
            raise CannotMeasure(f"ratelimit replay ended with {run.returncode}: {run.stderr[-500:]}")
        rates.append(lines / (time.perf_counter() - since))
    return tuple(rates)


def _write(log: Path, lines: int) -> None:
    chance = Random(_SEED)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    addresses = [f"203.{number >> 8 & 255}.{number & 255}.{number % 251}" for number in range(_ADDRESSES)]
    at = ""
    with log.open("w") as file:
        for number in range(lines):
            if number % _PER_SECOND == 0:
                at = (begin + timedelta(seconds=number // _PER_SECOND)).strftime("%d/%b/%Y:%H:%M:%S +0000")
            address = addresses[int(_ADDRESSES * chance.random() ** 3)]  # few ask much
            path = chance.choice(_PATHS)
            file.write(f'{address} - - [{at}] "GET {path} HTTP/1.1" 200 5124 "https://example.org/" "Mozilla/5.0 (X11; Linux x86_64)"\n')
