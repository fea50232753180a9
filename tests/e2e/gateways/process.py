"""Processes that stand in a row: a sidecar, and a gateway before it. Each ends with its `with`, and what it said is in its log."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

HOST = "127.0.0.1"
START_S = 60.0
_LANE = re.compile(r"^ +(gateway|operator) lane +(\S+)", re.MULTILINE)


class Sidecar(NamedTuple):
    """A running sidecar: its lanes' addresses as it says them, HOST:PORT or unix:/PATH, and the policy that it was started with."""

    gateway: str
    operator: str
    policy: Path
    process: subprocess.Popen[bytes]

    def count(self, metric: str, **labels: str) -> int:
        """What /metrics says: the sum over all samples that have these labels."""
        with urllib.request.urlopen(f"http://{self.operator}/metrics", timeout=START_S) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        samples = [sample for family in families for sample in family.samples if sample.name == metric]
        assert samples, f"/metrics has no {metric}"
        return int(sum(sample.value for sample in samples if labels.items() <= sample.labels.items()))

    def stop(self) -> None:
        """End it while its gateway goes on."""
        self.process.terminate()
        self.process.wait(START_S)


@contextlib.contextmanager
def running(command: list[str | Path], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process that writes to `log`."""
    with log.open("wb") as said, subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(START_S)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def sidecar(folder: Path, policy: str, **changes: str) -> Iterator[Sidecar]:
    """A sidecar on an embedded store in `folder`; `changes` are settings. It waits for the store as long as a busy machine may need."""
    folder.mkdir()
    path, log = folder / "ratelimit.yaml", folder / "sidecar.log"
    path.write_text(policy, encoding="utf-8")
    settings = {"GATEWAY": f"{HOST}:0", "OPERATOR": f"{HOST}:0", "DATA": str(folder / "data"), "POLICY": str(path), "DEADLINE_MS": "1000"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RATELIMIT_")}
    environment |= {f"RATELIMIT_{name}": value for name, value in (settings | changes).items()}
    with running([sys.executable, "-m", "ratelimit", "serve"], log, environment) as process:
        until(lambda: "Ask it" in log.read_text(), process, log)
        lanes = dict(_LANE.findall(log.read_text()))
        yield Sidecar(lanes["gateway"], lanes["operator"], path, process)


def until(true: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for something that a process is to do, for as long as it lives."""
    deadline = time.monotonic() + START_S
    while not true():
        assert process.poll() is None, f"it ended with {process.returncode}: {log.read_text()}"
        assert time.monotonic() < deadline, f"it is not ready: {log.read_text()}"
        time.sleep(0.02)


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1.0):
        return True
    return False
