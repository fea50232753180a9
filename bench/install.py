"""Installs the libraries that we compare with, once, into bench/.peers: apart from the product, which needs none of them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.servers import INSTALLED, PEERS

_PATIENCE_S: Final = 180


def install_throttled(say: Callable[[str], None]) -> str | None:
    """None when it is there, else why it is not."""
    wanted, folder = PEERS / "requirements.txt", INSTALLED / "python"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target", str(folder)]
    return _install("throttled-py", wanted, folder, [*command, "-r", str(wanted)], say)


def install_flexible(say: Callable[[str], None]) -> str | None:
    """None when it is there, else why it is not."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        return f"{' and '.join(missing)} not found; apt-get install nodejs npm"
    wanted, folder = PEERS / "package.json", INSTALLED / "node"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(wanted, folder)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--omit=dev", "--prefix", str(folder)]
    return _install("rate-limiter-flexible", wanted, folder, command, say)


def peer_versions() -> str:
    """The versions of what we compare with, as they were asked for."""
    node = json.loads((PEERS / "package.json").read_text())["dependencies"]
    python = [
        line.split("[")[0] + " " + line.rpartition("=")[2] for line in (PEERS / "requirements.txt").read_text().splitlines() if "==" in line
    ]
    return ", ".join([*python, *(f"{name} {version}" for name, version in node.items())])


def _install(name: str, wanted: Path, folder: Path, command: list[str], say: Callable[[str], None]) -> str | None:
    done = folder / ".installed"  # what was asked for when it was installed
    if done.exists() and done.read_bytes() == wanted.read_bytes():
        return None
    say(f"installing {name} into {folder} (once)")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{name} could not be installed: {error}"
    if run.returncode:
        return f"{name} could not be installed: {(run.stderr or run.stdout).strip()[-200:]}"
    done.write_bytes(wanted.read_bytes())
    return None
