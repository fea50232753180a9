"""Rate limit services, asked over the HTTP that they have beside gRPC, each with a body of its own: envoyproxy/ratelimit and gubernator."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from bench.installation import GO, PEERS, find_gubernator
from bench.plan import CannotMeasure, Plan
from bench.process import free_port
from bench.server import NEVER, Server, serving
from bench.store import valkey

RATELIMIT: Final = "envoyproxy/ratelimit"
GUBERNATOR: Final = "gubernator"
_LOOPBACK: Final = "127.0.0.1"
_DESCRIPTORS: Final = (
    '{"domain":"bench","descriptors":[{"entries":[{"key":"api_key","value":"{key}"}]},{"entries":[{"key":"ip","value":"{ip}"}]}]}'
)
_ONE_CORE: Final = {"GOMAXPROCS": "1"}


@contextmanager
def ratelimit(plan: Plan, rate_per_s: int = NEVER) -> Iterator[Server]:
    """envoyproxy/ratelimit with its store by Unix socket."""
    folder = Path(mkdtemp(dir=plan.folder))
    (folder / "config").mkdir()
    (folder / "config" / "bench.yaml").write_text((PEERS / "ratelimit.yaml").read_text().replace("@rate@", str(rate_per_s)))
    with valkey(plan, f"{folder.name}-store") as store:
        server = Server(RATELIMIT, free_port(), store=store.socket, path="/json", template=_DESCRIPTORS)
        addresses = {"HOST": _LOOPBACK, "PORT": str(server.port)}
        for lane in ("GRPC", "DEBUG"):
            addresses |= {f"{lane}_HOST": _LOOPBACK, f"{lane}_PORT": str(free_port())}
        redis = {"REDIS_SOCKET_TYPE": "unix", "REDIS_URL": str(store.socket), "REDIS_POOL_SIZE": "10"}
        files = {"RUNTIME_ROOT": str(folder), "RUNTIME_SUBDIRECTORY": "", "RUNTIME_WATCH_ROOT": "false", "RUNTIME_APPDIRECTORY": "config"}
        quiet = {"LOG_LEVEL": "error", "USE_STATSD": "false", "DISABLE_STATS": "true"}
        with serving(plan, server, [str(GO / "service_cmd")], addresses | redis | files | quiet | _ONE_CORE) as running:
            yield running


@contextmanager
def gubernator(plan: Plan, rate_per_s: int = NEVER) -> Iterator[Server]:
    """gubernator, a node alone, with its own memory; each request brings its limits along."""
    program = find_gubernator()
    if program is None:
        raise CannotMeasure("gubernator not found")
    limits = [_limit("key", "{key}", rate_per_s), _limit("ip", "{ip}", NEVER)]
    server = Server(GUBERNATOR, free_port(), path="/v1/GetRateLimits", template='{"requests":[%s]}' % ",".join(limits))  # noqa: UP031
    node, gossip = f"{_LOOPBACK}:{free_port()}", f"{_LOOPBACK}:{free_port()}"
    addresses = {"HTTP_ADDRESS": f"{_LOOPBACK}:{server.port}", "GRPC_ADDRESS": node, "ADVERTISE_ADDRESS": node}
    alone = {"PEER_DISCOVERY_TYPE": "member-list", "MEMBERLIST_ADDRESS": gossip, "MEMBERLIST_BIND_ADDRESS": gossip}
    settings = addresses | alone | {"CACHE_SIZE": "1000000", "LOG_LEVEL": "error"}
    with serving(plan, server, [str(program)], {f"GUBER_{key}": value for key, value in settings.items()} | _ONE_CORE) as running:
        yield running


def _limit(name: str, unique_key: str, per_s: int) -> str:
    return f'{{"name":"{name}","uniqueKey":"{unique_key}","hits":"1","limit":"{per_s}","duration":"1000"}}'
