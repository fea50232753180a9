"""A real nginx with the configuration that users copy: addresses and places are put in, and nothing else is changed."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.e2e.gateways.gateway import Gateway, put_in
from tests.e2e.gateways.process import HOST, Sidecar, answers, running, until
from tests.e2e.gateways.upstream import Upstream
from tests.port import free_port

CONFIG = Path(__file__).parents[3] / "docs" / "gateways" / "nginx.conf"


@contextlib.contextmanager
def nginx(program: Path, folder: Path, sidecar: Sidecar, behind: Upstream, changes: Mapping[str, str]) -> Iterator[Gateway]:
    """nginx before `sidecar` and `behind`; `changes` are those that the file's comments speak of."""
    folder.mkdir()
    port, access_log, error_log = free_port(), folder / "access.log", folder / "error.log"
    places = {
        "/tmp/": f"{folder}/",
        "error_log /dev/stderr": f"error_log {error_log}",
        "access_log /dev/stdout": f"access_log {access_log}",
        "listen 8000;": f"listen {HOST}:{port};",
        "server 127.0.0.1:8080;": f"server {sidecar.gateway};",
        "server api:80;": f"server {behind.address};",
        # a busy machine is slow, and no sidecar that is gone
        "proxy_read_timeout 500ms;": "proxy_read_timeout 20s;",
    }
    config = folder / "nginx.conf"
    config.write_text(put_in(put_in(CONFIG.read_text(encoding="utf-8"), places), changes), encoding="utf-8")
    # workers of a master that root starts would be another user, who may enter neither the folder nor a Unix socket
    user = "user root; " if os.geteuid() == 0 else ""
    command: list[str | Path] = [program, "-e", error_log, "-p", folder, "-c", config, "-g", f"daemon off; {user}"]
    with running(command, folder / "nginx.log") as process:
        until(lambda: answers(port), process, error_log)
        yield Gateway(f"http://{HOST}:{port}", access_log, sidecar, behind)
