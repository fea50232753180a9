"""`ratelimit serve` as a process: started in a folder with settings of its own, asked, and ended."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

CHECK = {"api_key": "secret-of-the-caller", "ip": "203.0.113.7", "method": "GET", "path": "/v1/images?card=4242"}
PATIENCE_S = 60  # a machine that others use is slow, and no test asserts how slow
POLICY = "version: 1\nlimits:\n  - {name: key, per: [api_key], bucket: {capacity: 3, refill: 1/h}}\n"


class Serving:
    """A running `serve`, and what it printed at its start."""

    def __init__(self, process: subprocess.Popen[str], lines: list[str]) -> None:
        self.process, self.lines = process, lines
        found = re.search(r"gateway lane +(\S+).*operator lane +(\S+)", "".join(lines), re.DOTALL)
        assert found is not None
        self.gateway, self.operator = f"http://{found[1]}", f"http://{found[2]}"

    def check(self, **asked: object) -> dict[str, Any]:
        """Ask for a decision."""
        request = Request(f"{self.gateway}/v1/check", json.dumps({**CHECK, **asked}).encode())  # noqa: S310  our own server
        with urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            decision: dict[str, Any] = json.loads(answer.read())
            return decision

    def operate(self, path: str) -> tuple[int, str]:
        """Ask the operator lane."""
        try:
            with urlopen(f"{self.operator}{path}", timeout=PATIENCE_S) as answer:  # noqa: S310  our own server
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Serving]:
    """A `serve` that has said where it listens; it is stopped at the end."""
    with begun(folder, **settings) as process:
        lines: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if line.strip().startswith("curl"):
                break
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        try:
            yield Serving(process, lines)
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_S)


def popen(folder: Path, **settings: str) -> "subprocess.Popen[str]":
    """A `serve` of its own environment, on free ports; its store may be slow, which is not to be away."""
    ours = {"GATEWAY": "127.0.0.1:0", "OPERATOR": "127.0.0.1:0", "DEADLINE_MS": "1000", **settings}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RATELIMIT_")}
    return subprocess.Popen(
        [sys.executable, "-m", "ratelimit", "serve"],
        cwd=folder,
        env=environment | {f"RATELIMIT_{name}": value for name, value in ours.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def begun(folder: Path, **settings: str) -> Iterator["subprocess.Popen[str]"]:
    """A `serve` that may not come to serve; whatever it does, nothing is left of it."""
    with popen(folder, **settings) as process:
        try:
            yield process
        finally:
            process.kill()


def until(condition: Callable[[], bool], seconds: int = PATIENCE_S) -> None:
    """Wait for what must come, for no longer than it can take."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail("it did not come to be")
        time.sleep(0.02)
