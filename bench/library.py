"""Libraries, each behind a thin HTTP server: throttled-py, limits, rate-limiter-flexible, limitador. Their stores are Valkey with the
product's own options, by Unix socket. A `rate_per_s` is that of each key; addresses are never refused.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Final

from bench.installation import NODE, PEERS, PYTHON, RUST
from bench.plan import Plan
from bench.process import free_port
from bench.server import NEVER, Server, file_name, serving
from bench.store import valkey

_runs: Final = count(1)  # of one plan, each with a folder of its own


@contextmanager
def throttled(plan: Plan, rate_per_s: int = NEVER) -> Iterator[Server]:
    """throttled-py on aiohttp."""
    with _on_valkey(plan, "throttled-py", rate_per_s, _python("throttled_two.py"), {"PYTHONPATH": str(PYTHON)}) as server:
        yield server


@contextmanager
def limits(plan: Plan, rate_per_s: int = NEVER) -> Iterator[Server]:
    """limits on Starlette and uvicorn."""
    with _on_valkey(plan, "limits", rate_per_s, _python("limits_two.py"), {"PYTHONPATH": str(PYTHON)}) as server:
        yield server


@contextmanager
def flexible(plan: Plan, rate_per_s: int = NEVER) -> Iterator[Server]:
    """rate-limiter-flexible on Fastify with ioredis."""
    more = {"NODE_PATH": str(NODE / "node_modules"), "NODE_ENV": "production"}
    with _on_valkey(plan, "rate-limiter-flexible", rate_per_s, ["node", str(PEERS / "flexible.cjs")], more) as server:
        yield server


@contextmanager
def limitador(plan: Plan, rate_per_s: int = NEVER) -> Iterator[Server]:
    """limitador on axum."""
    with _on_valkey(plan, "limitador", rate_per_s, [str(RUST / "release" / "limitador-two")], {}) as server:
        yield server


def _python(script: str) -> list[str]:
    return [sys.executable, str(PEERS / script)]


@contextmanager
def _on_valkey(plan: Plan, name: str, rate_per_s: int, command: list[str], more: Mapping[str, str]) -> Iterator[Server]:
    with valkey(plan, f"{file_name(name)}-{next(_runs)}") as store:
        environment = {"BENCH_STORE": store.url, "BENCH_RATE": str(rate_per_s), **more}
        with serving(plan, Server(name, free_port(), store=store.socket), command, environment) as server:
            yield server
