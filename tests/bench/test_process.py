"""CPU time is that of a server with all its workers."""

import subprocess
import time
from pathlib import Path

from bench.plan import Plan
from bench.process import cpu_us, running


def test_workers_count(tmp_path: Path) -> None:
    """What a child of the server uses is the server's; the server itself only waits here."""
    plan = Plan(tmp_path, True, None, lambda _: None)
    with running(plan, "shell", ["sh", "-c", "yes > /dev/null; true"]) as served:
        while cpu_us(served.pid) < 50_000:
            time.sleep(0.01)
        (child,) = subprocess.run(["pgrep", "-P", str(served.pid)], capture_output=True, text=True, check=True).stdout.split()
        assert int(child) != served.pid
