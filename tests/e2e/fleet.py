"""Sidecars as processes: started together, ended on purpose or by SIGKILL, and read afterwards."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from tests.e2e.diary import Admission, Pages, Request, clock_us
from tests.e2e.sidecar import Plan, Report

ROOT = Path(__file__).parents[2]
LEAD_US = 200_000  # between telling all when to start and the start


def wait_until(instant: int) -> None:
    time.sleep(max(0, instant - clock_us()) / 1e6)


class Member:
    """One process. `report` stays None if it was killed."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.report: Report | None = None
        self.process = _python("tests.e2e.sidecar", msgspec.json.encode(plan).decode())

    def ready(self) -> None:
        line = _pipe(self.process.stdout).readline()
        assert line == "ready\n", f"a sidecar said {line!r} instead of ready"

    def start(self, instant: int) -> None:
        stdin = _pipe(self.process.stdin)
        stdin.write(f"{instant}\n")
        stdin.flush()

    def signal(self, *numbers: int) -> None:
        for number in numbers:
            self.process.send_signal(number)

    def wait(self) -> None:
        out, _ = self.process.communicate(timeout=120)
        if self.process.returncode != -signal.SIGKILL:
            assert self.process.returncode == 0, "a sidecar failed; its traceback stands above"
            self.report = msgspec.json.decode(out, type=Report)

    @property
    def pages(self) -> Pages:
        return Pages.read(Path(self.plan.diary))


class Fleet(NamedTuple):
    """Processes that ran together."""

    members: list[Member]

    @property
    def reports(self) -> list[Report]:
        return [member.report for member in self.members if member.report]

    def admissions(self) -> list[Admission]:
        return sorted((line for member in self.members for line in member.pages.admissions), key=lambda line: line.at)

    def requests(self) -> list[Request]:
        return sorted((line for member in self.members for line in member.pages.requests), key=lambda line: line.at)

    def start(self) -> int:
        """All at the same instant, which is returned when it has come."""
        instant = clock_us() + LEAD_US
        for member in self.members:
            member.start(instant)
        wait_until(instant)
        return instant

    def wait(self) -> None:
        for member in self.members:
            member.wait()


@contextlib.contextmanager
def fleet(plans: Sequence[Plan]) -> Iterator[Fleet]:
    """Processes that have reached the store and wait for `start`; whatever still runs at the end is killed."""
    members: list[Member] = []
    try:
        members.extend(Member(plan) for plan in plans)
        for member in members:
            member.ready()
        yield Fleet(members)
    finally:
        for member in members:
            member.process.kill()
            with member.process:
                pass


@contextlib.contextmanager
def proxied(ports: Sequence[int], seed: int) -> Iterator[dict[int, int]]:
    """Which port to take instead of each, to come through a network that misbehaves."""
    with _python("tests.e2e.proxy", str(seed), *map(str, ports)) as process:
        try:
            yield dict(zip(ports, map(int, _pipe(process.stdout).readline().split()), strict=True))
        finally:
            process.kill()


def _python(module: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
