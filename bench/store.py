"""A store for what is measured: the embedded Valkey's binary with the very options that the product starts it with, on a Unix socket."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import redis

from bench.plan import Plan
from bench.process import running, wait_until
from ratelimit.stores.folder import DataFolder
from ratelimit.stores.server import find_server, server_options


class Store(NamedTuple):
    """A running store: its process and its socket."""

    pid: int
    socket: Path

    @property
    def url(self) -> str:
        """For clients."""
        return f"unix://{self.socket}"


@contextmanager
def valkey(plan: Plan, name: str) -> Iterator[Store]:
    """A store on the serving core, empty, until the block ends."""
    path = plan.folder / name
    path.mkdir()
    folder = DataFolder(path, -1, path / "valkey.sock")
    with running(plan, f"{name}-store", [str(find_server()), *server_options(folder)]) as served:
        wait_until(served, lambda: _answers(folder.socket))
        yield Store(served.pid, folder.socket)


def _answers(socket: Path) -> bool:
    try:
        return bool(redis.Redis(unix_socket_path=str(socket)).ping())
    except redis.ConnectionError:
        return False


def ask_info(socket: Path, section: str) -> dict[str, Any]:
    """A section of what the store says of itself."""
    with redis.Redis(unix_socket_path=str(socket)) as client:
        return cast("dict[str, Any]", client.info(section))


def script_calls(socket: Path) -> int:
    """Script calls executed since the store's start, by its own count."""
    return int(ask_info(socket, "commandstats").get("cmdstat_evalsha", {}).get("calls", 0))


def cpu_s(socket: Path) -> float:
    """The store's own CPU time so far, user and system."""
    cpu = ask_info(socket, "cpu")
    return float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])


def reads(socket: Path) -> int:
    """How often the store found something to read on a connection: a call, or a pipeline of many. Asking counts as well."""
    return int(ask_info(socket, "stats")["total_reads_processed"])
