"""A real Envoy with the configuration that users copy: addresses and places are put in, and nothing else is changed."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.e2e.gateways.gateway import Gateway, put_in
from tests.e2e.gateways.process import HOST, Sidecar, answers, running, until
from tests.e2e.gateways.upstream import Upstream
from tests.port import free_port

CONFIG = Path(__file__).parents[3] / "docs" / "gateways" / "envoy.yaml"
# it writes its access log when 64 KiB are full or this time has passed; 10 s by default
OPTIONS = ["--concurrency", "1", "--use-dynamic-base-id", "--file-flush-interval-msec", "50", "--log-level", "warn"]


@contextlib.contextmanager
def envoy(program: Path, folder: Path, sidecar: Sidecar, behind: Upstream, changes: Mapping[str, str]) -> Iterator[Gateway]:
    """Envoy before `sidecar` and `behind`; `changes` are those that the file's comments speak of."""
    folder.mkdir()
    port, access_log, log = free_port(), folder / "access.log", folder / "envoy.log"
    places = {
        "path: /dev/stdout": f"path: {access_log}",
        "address: 0.0.0.0, port_value: 8000": f"address: {HOST}, port_value: {port}",
        "{socket_address: {address: 127.0.0.1, port_value: 8080}}": _endpoint(sidecar.gateway),
        "{socket_address: {address: api, port_value: 80}}": _endpoint(behind.address),
        # a busy machine is slow, and no sidecar that is gone
        "timeout: 0.25s": "timeout: 20s",
    }
    config = folder / "envoy.yaml"
    config.write_text(put_in(put_in(CONFIG.read_text(encoding="utf-8"), places), changes), encoding="utf-8")
    with running([program, "-c", config, *OPTIONS], log) as process:
        until(lambda: answers(port), process, log)
        yield Gateway(f"http://{HOST}:{port}", access_log, sidecar, behind)


def _endpoint(address: str) -> str:
    host, _, port = address.partition(":")
    return f"{{pipe: {{path: {port}}}}}" if host == "unix" else f"{{socket_address: {{address: {host}, port_value: {port}}}}}"
