"""Installs what we are compared with: `python -m bench.install` says of each peer whether it is there, and if not why and what would do."""

import json
import re
import subprocess
import tomllib
from typing import Final

import click

from bench.installation import PEERS as PINS
from bench.installation import find_daemon
from bench.peer import PEERS

_DAEMONS: Final = ("nginx", "haproxy")
_CRATES: Final = ("limitador", "axum")


@click.command()
def main() -> None:
    """Install every peer that can be had here, and name what is missing."""
    for peer in PEERS:
        missing = peer.install(lambda text: click.echo(f"bench: {text}", err=True))
        click.echo(f"{peer.name}: {'there' if missing is None else f'missing: {missing}'}")


def peer_versions() -> str:
    """The versions of what we compare with: as they are asked for, and those of Debian's as they say."""
    python = re.findall(r"^([\w-]+)(?:\[.*\])?==(\S+)", (PINS / "requirements.txt").read_text(), re.MULTILINE)
    node = json.loads((PINS / "package.json").read_text())["dependencies"].items()
    crates = tomllib.loads((PINS / "limitador" / "Cargo.toml").read_text())["dependencies"]
    rust = [(name, crates[name]["version"].removeprefix("=")) for name in _CRATES]
    go = ("envoyproxy/ratelimit", (PINS / "ratelimit.txt").read_text().strip().rpartition("@")[2])
    daemons = [(name, _said_version(name)) for name in _DAEMONS]
    return ", ".join(f"{name} {version}" for name, version in [*python, *node, *daemons, go, *rust])


def _said_version(daemon: str) -> str:
    path = find_daemon(daemon)
    if path is None:
        return "missing"
    said = subprocess.run([str(path), "-v"], capture_output=True, text=True, timeout=10, check=False)
    found = re.search(r"(\d+\.\d+[\w.+~-]*)", said.stdout + said.stderr)
    return found[1] if found else "unknown"


if __name__ == "__main__":
    main()
