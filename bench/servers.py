"""What is compared: our sidecar, a handler that answers a constant, and two well-known libraries. Each has its store on the same core.

All Python servers run on uvloop, without access logs. All stores are Valkey with the product's own options, by Unix socket.
"""

import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from bench.plan import CannotMeasure, Plan
from bench.process import free_port, running, wait_until
from bench.store import valkey

BODY: Final = b'{"api_key":"key-000001","ip":"198.51.100.1","method":"GET","path":"/v1/images"}'
PEERS: Final = Path(__file__).parent / "peers"
INSTALLED: Final = Path(__file__).parent / ".peers"
RATELIMIT: Final = str(Path(sys.executable).parent / "ratelimit")

NEVER_REFUSES: Final = """version: 1
limits:
  - {name: key, per: [api_key], bucket: {capacity: 1000000, refill: 1000000/s}}
  - {name: ip, per: [ip], bucket: {capacity: 1000000, refill: 1000000/s}}
"""


class Server(NamedTuple):
    """A server that answers POST /v1/check; `store` is the socket of its store, if it has one."""

    name: str
    port: int
    pid: int
    store: Path | None = None
    operator: int = 0

    def answer(self) -> bytes:
        """The body of an answer."""
        return post(self.port)


def post(port: int, body: bytes = BODY) -> bytes:
    """Ask once; raises OSError."""
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/v1/check", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310  the loopback
        return bytes(answer.read())


@contextmanager
def product(plan: Plan, name: str, policy: str) -> Iterator[Server]:
    """`ratelimit serve` on its embedded store."""
    data = plan.folder / name
    file = plan.folder / f"{name}.yaml"
    file.write_text(policy)
    gateway, operator = free_port(), free_port()
    settings = {"GATEWAY": f"127.0.0.1:{gateway}", "OPERATOR": f"127.0.0.1:{operator}", "DATA": str(data), "POLICY": str(file)}
    environment = {f"RATELIMIT_{key}": value for key, value in settings.items()} | {"RATELIMIT_LOG_LEVEL": "warning"}
    with running(plan, name, [RATELIMIT, "serve"], environment) as served:
        wait_until(served, lambda: _answers(gateway))
        yield Server(name, gateway, served.pid, _embedded_socket(data), operator)


@contextmanager
def constant(plan: Plan, size: int) -> Iterator[Server]:
    """An aiohttp handler that answers `size` bytes of JSON, the same each time, and looks at nothing."""
    with _peer(plan, "constant", [sys.executable, str(PEERS / "constant.py")], {"BENCH_SIZE": str(size)}) as server:
        yield server


@contextmanager
def throttled(plan: Plan) -> Iterator[Server]:
    """throttled-py on aiohttp."""
    with valkey(plan, "throttled-data") as store:
        environment = {"BENCH_STORE": store.url, "PYTHONPATH": str(INSTALLED / "python")}
        with _peer(plan, "throttled-py", [sys.executable, str(PEERS / "throttled_two.py")], environment) as server:
            yield server._replace(store=store.socket)


@contextmanager
def flexible(plan: Plan) -> Iterator[Server]:
    """rate-limiter-flexible on Fastify with ioredis."""
    with valkey(plan, "flexible-data") as store:
        environment = {"BENCH_STORE": str(store.socket), "NODE_PATH": str(INSTALLED / "node" / "node_modules"), "NODE_ENV": "production"}
        with _peer(plan, "rate-limiter-flexible", ["node", str(PEERS / "flexible.cjs")], environment) as server:
            yield server._replace(store=store.socket)


@contextmanager
def _peer(plan: Plan, name: str, command: list[str], more: dict[str, str]) -> Iterator[Server]:
    port = free_port()
    with running(plan, name, command, more | {"BENCH_PORT": str(port)}) as served:
        wait_until(served, lambda: _answers(port))
        yield Server(name, port, served.pid)


def _answers(port: int) -> bool:
    try:
        return bool(post(port))
    except urllib.error.HTTPError as error:
        raise CannotMeasure(f"127.0.0.1:{port} answers {error.code}: {error.read()[:300]!r}") from None
    except OSError:
        return False


def _embedded_socket(data: Path) -> Path:
    return Path((data / "lock").read_text().splitlines()[1])
