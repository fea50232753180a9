"""Gateways that limit in their own process, with their own memory: nginx and HAProxy. They read the caller from headers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from bench.installation import PEERS, find_daemon
from bench.plan import CannotMeasure, Plan
from bench.process import free_port
from bench.server import NEVER, Server, serving

NGINX: Final = "nginx limit_req"
HAPROXY: Final = "HAProxy stick table"


@contextmanager
def nginx(plan: Plan, rate_per_s: int = NEVER) -> Iterator[Server]:
    """nginx with one process."""
    server = Server(NGINX, free_port(), ask="headers")
    config = _configured(plan, "nginx.conf", server.port, rate_per_s)
    with serving(plan, server, [_found("nginx"), "-p", str(config.parent), "-c", str(config)], {}) as running:
        yield running


@contextmanager
def haproxy(plan: Plan, rate_per_s: int = NEVER) -> Iterator[Server]:
    """HAProxy with one thread."""
    server = Server(HAPROXY, free_port(), ask="headers")
    config = _configured(plan, "haproxy.cfg", server.port, rate_per_s)
    with serving(plan, server, [_found("haproxy"), "-db", "-f", str(config)], {}) as running:
        yield running


def _configured(plan: Plan, name: str, port: int, rate_per_s: int) -> Path:
    """The configuration of that name, filled in, in a folder of its own."""
    folder = Path(mkdtemp(dir=plan.folder))
    text = (PEERS / name).read_text()
    for field, value in {"port": port, "rate": rate_per_s, "folder": folder}.items():
        text = text.replace(f"@{field}@", str(value))
    config = folder / name
    config.write_text(text)
    return config


def _found(name: str) -> str:
    found = find_daemon(name)
    if found is None:
        raise CannotMeasure(f"{name} not found; make deps")
    return str(found)
