"""Processes that serve while something is measured: started on their core, ready before anybody asks, ended whatever happens.

Each is bound to our life by the product's own watchdog, so that even `kill -9` of a run leaves nothing behind.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from bench.plan import CannotMeasure, Plan, clean_environment
from ratelimit.stores import watchdog

READY_S: Final = 60.0
_STOP_S: Final = 10.0
_POLL_S: Final = 0.002


class Served(subprocess.Popen[bytes]):
    """A process with a name and a log."""

    name: str
    log: Path

    def failed(self, what: str) -> CannotMeasure:
        """The error of this process, with the end of its log."""
        tail = "".join(f"\n  {line}" for line in self.log.read_text(errors="replace").splitlines()[-8:])
        return CannotMeasure(f"{self.name} {what}; its log {self.log} ends with:{tail or ' nothing'}")


@contextmanager
def running(plan: Plan, name: str, command: list[str], more: Mapping[str, str] | None = None) -> Iterator[Served]:
    """The command on the serving core until the block ends; `more` is added to its environment."""
    served = start(plan, name, command, more)
    try:
        yield served
    finally:
        stop(served)


def start(plan: Plan, name: str, command: list[str], more: Mapping[str, str] | None = None) -> Served:
    """Start the command on the serving core; whoever calls this calls `stop`."""
    log = plan.folder / f"{name}.log"
    absolute = [shutil.which(command[0]) or command[0], *command[1:]]
    bound = [sys.executable, "-I", "-S", watchdog.__file__, str(os.getpid()), "--", *absolute]
    with log.open("ab") as output:
        served = Served(
            plan.on_server_core(bound), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=clean_environment(more),
            start_new_session=True, cwd=plan.folder,
        )  # fmt: skip
    served.name, served.log = name, log
    return served


def stop(served: Served) -> None:
    """SIGTERM, and SIGKILL for whatever is left of its group."""
    served.terminate()
    with suppress(subprocess.TimeoutExpired):
        served.wait(_STOP_S)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(served.pid, signal.SIGKILL)
    served.wait()


def wait_until(served: Served, ready: Callable[[], bool]) -> None:
    """Return when `ready` says so; raises CannotMeasure."""
    until = time.monotonic() + READY_S
    while not ready():
        if served.poll() is not None:
            raise served.failed(f"ended with code {served.returncode} while starting")
        if time.monotonic() > until:
            raise served.failed(f"was not ready within {READY_S:g} s")
        time.sleep(_POLL_S)


def free_port() -> int:
    """A port of the loopback interface that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_us(group: int) -> float:
    """CPU time so far of a process that `start` started and of its workers, user and system; the kernel counts it in steps of 10 ms.

    The group is the one that the process leads. The product's embedded store has a session of its own, and so is not in it.
    """
    return sum(ticks for of, ticks in _processes() if of == group) * 1e6 / os.sysconf("SC_CLK_TCK")


def _processes() -> Iterator[tuple[int, int]]:
    """The group of each process, and how long it ran, in ticks."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()
            yield int(fields[2]), int(fields[11]) + int(fields[12])


def busy_us(core: int) -> float:
    """How long a core has worked so far, for whomever; the kernel counts it in steps of 10 ms."""
    line = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith(f"cpu{core} "))
    user, nice, system, _idle, _waiting, *rest = map(int, line.split()[1:9])  # what guests use is in user already
    return (user + nice + system + sum(rest)) * 1e6 / os.sysconf("SC_CLK_TCK")
