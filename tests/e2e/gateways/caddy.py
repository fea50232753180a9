"""A real Caddy with the configuration that users copy: addresses and places are put in, and nothing else is changed."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.e2e.gateways.client import TRUSTED
from tests.e2e.gateways.gateway import Gateway, put_in
from tests.e2e.gateways.process import HOST, Sidecar, answers, running, until
from tests.e2e.gateways.upstream import Upstream
from tests.port import free_port

CONFIG = Path(__file__).parents[3] / "docs" / "gateways" / "Caddyfile"


@contextlib.contextmanager
def caddy(program: Path, folder: Path, sidecar: Sidecar, behind: Upstream, changes: Mapping[str, str]) -> Iterator[Gateway]:
    """Caddy before `sidecar` and `behind`; `changes` are those that the file's comments speak of."""
    folder.mkdir()
    port, access_log, log = free_port(), folder / "access.log", folder / "caddy.log"
    places = {
        "/var/log/caddy/access.log": str(access_log),
        "static 10.0.0.0/8": f"static {TRUSTED}",
        ":8000 {\n": f"http://:{port} {{\n\tbind {HOST}\n",
        "reverse_proxy 127.0.0.1:8080": f"reverse_proxy {sidecar.gateway.replace('unix:', 'unix/')}",
        "reverse_proxy api:80": f"reverse_proxy {behind.address}",
        # a busy machine is slow, and no sidecar that is gone
        "response_header_timeout 500ms": "response_header_timeout 20s",
        # the port of its administration is one for the whole machine
        "\n{\n": "\n{\n\tadmin off\n",
    }
    config = folder / "Caddyfile"
    config.write_text(put_in(put_in(CONFIG.read_text(encoding="utf-8"), places), changes), encoding="utf-8")
    environment = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with running([program, "run", "--config", config, "--adapter", "caddyfile"], log, environment) as process:
        until(lambda: answers(port), process, log)
        yield Gateway(f"http://{HOST}:{port}", access_log, sidecar, behind)
