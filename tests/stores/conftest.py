"""Real stores for the tests: the wheel's Valkey, Debian's Redis, and a cluster of three, each started once."""

import contextlib
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from redis import Redis
from redis.cluster import RedisCluster
from redis.exceptions import RedisError

from ratelimit.stores.lane import Lane
from ratelimit.stores.link import Link
from ratelimit.stores.server import find_server
from tests.port import free_port
from tests.stores.asker import PATIENCE_S, clock

LOOPBACK: Final = "127.0.0.1"
SLOTS: Final = 16_384
_PATIENCE_S: Final = 60.0

Open = Callable[..., Awaitable[Lane]]


class Node:
    """One server in a folder of its own, on a Unix socket or, with a `port`, on loopback. It can be stopped, killed and started again."""

    def __init__(self, binary: Path, *options: str, port: int = 0) -> None:
        self.port = port
        self._folder = tempfile.TemporaryDirectory(prefix="rl-")
        socket_path = Path(self._folder.name) / "s"
        self.socket_url = f"unix://{socket_path}"
        self.url = f"redis://{LOOPBACK}:{port}" if port else self.socket_url
        self._command = [str(binary), "--port", str(port), "--bind", LOOPBACK, "--unixsocket", str(socket_path), "--save", ""]
        self._command += ["--dir", self._folder.name, "--enable-debug-command", "yes", *options]
        self.client: Any = Redis.from_url(self.url)
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        until(lambda: bool(self.client.ping()), "the server to answer")

    def pause(self) -> None:
        """It keeps its connections and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.resume()
        self.client.close()
        self.kill()
        self._folder.cleanup()

    def executed(self) -> int:
        """How many script calls this server has executed, by its own statistics; refused ones (NOSCRIPT, MOVED) do not count."""
        stats = self.client.info("commandstats")
        found = stats.get("cmdstat_evalsha", {})
        return int(found.get("calls", 0)) - int(found.get("failed_calls", 0))


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait until a server in another process has come to a state."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        with contextlib.suppress(RedisError, OSError):
            if is_so():
                return
        if time.monotonic() > end:
            pytest.fail(f"waited in vain for {what}")
        time.sleep(0.02)


class Cluster:
    """Three primaries, a third of the slots each."""

    def __init__(self, binary: Path, *options: str) -> None:
        ports = [free_port() for _ in range(6)]
        self._options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", *options)
        self._buses = dict(zip(ports[:3], ports[3:], strict=True))
        self.nodes = [Node(binary, *self._options, "--cluster-port", str(bus), port=port) for port, bus in self._buses.items()]
        for i, node in enumerate(self.nodes):
            slots = self.slots_of(node)
            node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", slots.start, slots.stop - 1)
            node.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
        for port, bus in zip(ports[1:3], ports[4:], strict=True):
            self.nodes[0].client.execute_command("CLUSTER", "MEET", LOOPBACK, port, bus)
        until(lambda: all(self._is_ready(node) for node in self.nodes), "the cluster to come together")
        self.url = self.nodes[0].url

    def slots_of(self, node: Node) -> range:
        """The slots that a node was given at the start."""
        index = self.nodes.index(node)
        return range(index * SLOTS // 3, (index + 1) * SLOTS // 3)

    def _is_ready(self, node: Node) -> bool:
        info = node.client.cluster("INFO")
        return bool(info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "3")

    def replica_of(self, primary: Node) -> Node:
        """A fourth node that follows a primary; the caller closes it."""
        port, bus = free_port(), free_port()
        node = Node(find_server(), *self._options, "--cluster-port", str(bus), port=port)
        node.client.execute_command("CLUSTER", "MEET", LOOPBACK, primary.port, self._buses[primary.port])
        until(lambda: node.client.cluster("INFO")["cluster_known_nodes"] == "4", "the replica to be met")
        until(lambda: node.client.execute_command("CLUSTER", "REPLICATE", primary.client.cluster("MYID")) == b"OK", "a primary to follow")
        until(lambda: node.client.info("replication")["master_link_status"] == "up", "the replica to follow")
        return node

    def executed(self) -> int:
        return sum(node.executed() for node in self.nodes)

    def close(self) -> None:
        for node in self.nodes:
            node.close()


@pytest.fixture(scope="session")
def valkey() -> Iterator[Node]:
    """The wheel's Valkey, for all tests; they use keys of their own."""
    with contextlib.closing(Node(find_server())) as node:
        yield node


@pytest.fixture(scope="session")
def redis7(require: Callable[[str], Path]) -> Iterator[Node]:
    """Debian's Redis."""
    with contextlib.closing(Node(require("redis-server"))) as node:
        yield node


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Three nodes of the wheel's Valkey."""
    with contextlib.closing(Cluster(find_server())) as nodes:
        yield nodes


@pytest.fixture
def own_node() -> Iterator[Node]:
    """A Valkey for one test, which may stop and kill it."""
    with contextlib.closing(Node(find_server())) as node:
        yield node


@pytest.fixture(params=["valkey", "redis7", "cluster"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of each kind of store in turn."""
    store = request.getfixturevalue(request.param)
    found: Any = RedisCluster.from_url(store.url) if isinstance(store, Cluster) else Redis.from_url(store.url)
    with contextlib.closing(found):
        yield found


@pytest.fixture
async def connect() -> AsyncIterator[Open]:
    """Open a lane to a URL; it is closed in the end."""
    async with AsyncExitStack() as stack:

        async def make(url: str, deadline_s: float = PATIENCE_S) -> Lane:
            lane = Lane("node", Link(url), clock, deadline_s)
            await lane.open()
            stack.push_async_callback(lane.close)
            return lane

        yield make
