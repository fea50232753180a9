"""What was measured on and with: a number without its machine says nothing."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from bench.install import peer_versions
from bench.plan import Plan
from ratelimit.core.errors import RatelimitError
from ratelimit.stores.server import find_server

_PACKAGES: Final = ("aiohttp", "uvloop", "redis", "hiredis", "msgspec", "ratelimit-sidecar")


def machine(plan: Plan, command: list[str]) -> dict[str, str]:
    """Machine, versions, date and command, as they are shown and written."""
    cores = plan.cores
    pins = "nothing is pinned" if cores is None else f"servers and stores on core {cores.server}, load on core {cores.client}"
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(command),
        "cpu": _cpu(),
        "cores": f"{os.cpu_count()}; {pins}",
        "load": f"{os.getloadavg()[0]:.2f} in the minute before",
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        "valkey": _said(_valkey(), r"v=(\S+)"),
        "wrk": _said(["wrk", "-v"], r"wrk \S*?(\d[\w.-]*)"),
        "node": _said(["node", "--version"], r"v(\S+)"),
        "peers": peer_versions(),
    }


def _cpu() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _valkey() -> list[str]:
    try:
        return [str(find_server()), "--version"]
    except RatelimitError:
        return []


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _said(command: list[str], pattern: str) -> str:
    """The version that a program says of itself."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, IndexError, ValueError):
        return "missing"
    found = re.search(pattern, run.stdout + run.stderr)
    return found[1] if found else "unknown"
