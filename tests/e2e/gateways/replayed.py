"""What a limit refused, as the sidecar counted it live, and as `ratelimit replay` finds it in the gateway's log of the same requests."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.e2e.gateways.process import Sidecar


class Counts(NamedTuple):
    """Requests asked about and allowed, what each limit refused, and what each in shadow would have refused of the allowed."""

    asked: int
    allowed: int
    refused: dict[str, int]
    shadowed: dict[str, int]


def live(sidecar: Sidecar, limits: list[str], shadows: list[str]) -> Counts:
    """By the sidecar's metrics."""
    return Counts(
        sidecar.count("ratelimit_decisions_total"),
        sidecar.count("ratelimit_decisions_total", decision="allow"),
        {name: sidecar.count("ratelimit_refused_total", limit=name) for name in limits},
        {name: sidecar.count("ratelimit_shadow_refused_total", limit=name) for name in shadows},
    )


def replayed(log: Path, policy: Path, limits: list[str], shadows: list[str]) -> Counts:
    """By the log. Each limit in shadow has to be one that every request meets."""
    command: list[str | Path] = [sys.executable, "-m", "ratelimit", "replay", "--json", "--sort", "--quiet", "--policy", policy, log]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = msgspec.json.decode(done.stdout)
    assert [file["broken"] for file in report["files"]] == [0]
    admitted = report["requests"]["admitted"]
    by_name = {limit["name"]: limit for limit in report["limits"]}
    return Counts(
        report["requests"]["seen"],
        admitted,
        {name: by_name[name]["refused"] for name in limits},
        {name: admitted - by_name[name]["admitted"] for name in shadows},
    )
