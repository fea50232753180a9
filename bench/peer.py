"""What one would use instead, and two constants that show what HTTP alone costs. All Python servers run on uvloop, without access logs."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, NamedTuple, Protocol

from bench import gateway, library, service
from bench.installation import PEERS as SCRIPTS
from bench.installation import install_daemon, install_gubernator, install_limitador, install_node, install_python, install_ratelimit
from bench.plan import Plan
from bench.process import free_port
from bench.server import NEVER, Server, serving


class Serve(Protocol):
    """Serves two limits per request until the block ends: `rate_per_s` for each key, and one for each address that never refuses."""

    def __call__(self, plan: Plan, rate_per_s: int = NEVER) -> AbstractContextManager[Server]:
        """Start it; the server answers when the block begins."""


class Peer(NamedTuple):
    """One that we are compared with. `install` says why it is missing, or None; `note` is what it does less or more than we do."""

    name: str
    install: Callable[[Callable[[str], None]], str | None]
    serve: Serve
    note: str


PEERS: Final = (
    Peer("throttled-py", install_python, library.throttled, "token buckets; two calls of the store per request, one after the other"),
    Peer("limits", install_python, library.limits, "fixed windows; two calls of the store per request, one after the other"),
    Peer("rate-limiter-flexible", install_node, library.flexible, "fixed windows; two calls of the store per request, together"),
    Peer(gateway.NGINX, install_daemon("nginx"), gateway.nginx, "leaky buckets in one process, shared with nobody; no body is parsed"),
    Peer(
        gateway.HAPROXY, install_daemon("haproxy"), gateway.haproxy, "sliding rates in one process, shared with nobody; no body is parsed"
    ),
    Peer(service.RATELIMIT, install_ratelimit, service.ratelimit, "fixed windows; its HTTP, which is not the gRPC that Envoy uses"),
    Peer(service.GUBERNATOR, install_gubernator, service.gubernator, "windows in one process's memory; its HTTP goes through its own gRPC"),
    Peer("limitador", install_limitador, library.limitador, "fixed windows; the library on axum, since limitador-server is no crate"),
)


@contextmanager
def constant(plan: Plan, size: int) -> Iterator[Server]:
    """An aiohttp handler that answers `size` bytes of JSON, the same each time, and looks at nothing."""
    with _constant(plan, "constant", "constant.py", size) as server:
        yield server


@contextmanager
def protocol(plan: Plan, size: int) -> Iterator[Server]:
    """An asyncio protocol that parses with httptools and answers `size` bytes of JSON, the same each time."""
    with _constant(plan, "protocol", "protocol.py", size) as server:
        yield server


@contextmanager
def _constant(plan: Plan, name: str, script: str, size: int) -> Iterator[Server]:
    with serving(plan, Server(name, free_port()), [sys.executable, str(SCRIPTS / script)], {"BENCH_SIZE": str(size)}) as server:
        yield server
