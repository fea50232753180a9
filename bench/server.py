"""A server that is measured: how it is asked, how it is started, and ours. Its store, if it has one, is on the same core.

Whoever asks sends a POST to its `path` with a JSON body made from its `template`, and to those that read no bodies the caller also as the
headers `X-Api-Key` and `X-Caller-Ip`.
"""

import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from bench.plan import CannotMeasure, Plan
from bench.process import free_port, running, wait_until

KEY: Final = "key-000001"
IP: Final = "198.51.100.1"
TEMPLATE: Final = '{"api_key":"{key}","ip":"{ip}","method":"GET","path":"/v1/images"}'
BODY: Final = TEMPLATE.replace("{key}", KEY).replace("{ip}", IP).encode()
RATELIMIT: Final = str(Path(sys.executable).parent / "ratelimit")
NEVER: Final = 1_000_000  # per second; what no load here reaches
NEVER_REFUSES: Final = """version: 1
limits:
  - {name: key, per: [api_key], bucket: {capacity: 1000000, refill: 1000000/s}}
  - {name: ip, per: [ip], bucket: {capacity: 1000000, refill: 1000000/s}}
"""
_REFUSALS: Final = (b'"throttle"', b'"OVER_LIMIT"')  # in the body of an answer 200


class Server(NamedTuple):
    """A server that says of a request whether it may pass. Some refuse with status 429, the others in the body of a 200.

    `pid` is 0 until it runs; `store` is the socket of its store; `ask` is where it reads the caller from; `template` has `{key}`, `{ip}`.
    """

    name: str
    port: int
    pid: int = 0
    store: Path | None = None
    operator: int = 0
    ask: Literal["body", "headers"] = "body"
    path: str = "/v1/check"
    template: str = TEMPLATE

    def answer(self) -> bytes:
        """The body of an answer."""
        return self.post()[1]

    def allows(self, key: str, ip: str) -> bool:
        """Whether a request of this caller may pass."""
        status, body = self.post(key, ip)
        return status == 200 and not any(refusal in body for refusal in _REFUSALS)

    def post(self, key: str = KEY, ip: str = IP) -> tuple[int, bytes]:
        """Ask once: status and body; raises OSError."""
        body = self.template.replace("{key}", key).replace("{ip}", ip).encode()
        headers = {"Content-Type": "application/json", "X-Api-Key": key, "X-Caller-Ip": ip}
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{self.path}", body, headers)
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310  the loopback
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


@contextmanager
def serving(plan: Plan, server: Server, command: list[str], more: Mapping[str, str]) -> Iterator[Server]:
    """The server, started by the command with `more` in its environment, from its first answer until the block ends."""
    with running(plan, file_name(server.name), command, {"BENCH_PORT": str(server.port), **more}) as served:
        wait_until(served, lambda: _answers(server))
        yield server._replace(pid=served.pid)


def file_name(name: str) -> str:
    """A server's name as that of a file."""
    return re.sub(r"\W+", "-", name)


@contextmanager
def product(plan: Plan, name: str, policy: str, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[Server]:
    """`ratelimit serve`, on its embedded store if no other is in `more`, which is in its environment."""
    data = plan.folder / name
    file = plan.folder / f"{name}.yaml"
    file.write_text(policy)
    ours = Server(name, free_port(), operator=free_port())
    addresses = {"GATEWAY": f"127.0.0.1:{ours.port}", "OPERATOR": f"127.0.0.1:{ours.operator}"}
    settings = addresses | {"DATA": str(data), "POLICY": str(file), "LOG_LEVEL": "warning"}
    environment = {f"RATELIMIT_{key}": value for key, value in settings.items()} | dict(more)
    with serving(plan, ours, [RATELIMIT, "serve"], environment) as server:
        yield server._replace(store=_embedded_socket(data))


def _answers(server: Server) -> bool:
    try:
        status, body = server.post()
    except OSError:
        return False
    if status != 200:
        raise CannotMeasure(f"{server.name} on 127.0.0.1:{server.port} answers {status}: {body[:300]!r}")
    return True


def _embedded_socket(data: Path) -> Path | None:
    """That of the embedded store; None where another one is used."""
    lock = data / "lock"
    return Path(lock.read_text().splitlines()[1]) if lock.exists() else None
