"""How a peer comes into bench/.peers: once, in the versions that files of bench/peers name, apart from the product, which needs none."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

PEERS: Final = Path(__file__).parent / "peers"
INSTALLED: Final = Path(__file__).parent / ".peers"
PYTHON: Final = INSTALLED / "python"
NODE: Final = INSTALLED / "node"
GO: Final = INSTALLED / "go"
RUST: Final = INSTALLED / "rust"
_DAEMONS: Final = ("/usr/sbin", "/usr/local/sbin")  # which a user's PATH leaves out

_BUILD_DEPS: Final = "apt-get install g++ pkg-config libclang-dev libssl-dev librocksdb-dev"  # of limitador

Say = Callable[[str], None]


class Installation(NamedTuple):
    """What a command installs into `folder`. It is repeated when one of the `pins` changes."""

    name: str
    pins: Sequence[Path]
    folder: Path
    command: list[str]
    patience_s: int = 180
    environment: dict[str, str] = {}  # noqa: RUF012  nobody changes it
    lacks: str | None = None  # what it needs to be installed and is not here, and what would do
    hint: str = ""  # what would do, where it fails


def install_python(say: Say) -> str | None:
    """The Python libraries and their servers: None when they are there, else why they are not."""
    pins = PEERS / "requirements.txt"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target", str(PYTHON)]
    return install(Installation("throttled-py and limits", [pins], PYTHON, [*command, "-r", str(pins)]), say)


def install_node(say: Say) -> str | None:
    """rate-limiter-flexible and Fastify."""
    if missing := _missing({"node": "apt-get install nodejs npm", "npm": "apt-get install nodejs npm"}):
        return missing
    pins = PEERS / "package.json"
    NODE.mkdir(parents=True, exist_ok=True)
    shutil.copy(pins, NODE)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--omit=dev", "--prefix", str(NODE)]
    return install(Installation("rate-limiter-flexible", [pins], NODE, command), say)


def install_ratelimit(say: Say) -> str | None:
    """envoyproxy/ratelimit, built by Go."""
    pins = PEERS / "ratelimit.txt"
    command = ["go", "install", pins.read_text().strip()]
    lacks = _missing({"go": "install Go 1.25 or newer"})
    return install(Installation("envoyproxy/ratelimit", [pins], GO, command, 900, {"GOBIN": str(GO)}, lacks), say)


def install_limitador(say: Say) -> str | None:
    """limitador behind axum, built by Rust."""
    source = PEERS / "limitador"
    pins = [source / "Cargo.toml", source / "Cargo.lock", source / "src" / "main.rs"]
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", str(pins[0]), "--target-dir", str(RUST)]
    lacks = _missing({"cargo": "install Rust 1.85 or newer", "cc": _BUILD_DEPS})
    # its crate does not compile without RocksDB, of which nothing here is called: Debian's spares a quarter of an hour of C++ and more
    rocksdb = None if lacks else _library("librocksdb.so")
    environment = {"ROCKSDB_LIB_DIR": str(rocksdb.parent)} if rocksdb else {}
    lacks = lacks or (None if rocksdb else f"librocksdb not found; {_BUILD_DEPS}")
    return install(Installation("limitador", pins, RUST, command, 1800, environment, lacks, _BUILD_DEPS), say)


def find_gubernator() -> Path | None:
    """gubernator, where somebody put it."""
    found = shutil.which("gubernator", path=os.pathsep.join([*os.get_exec_path(), str(GO)]))
    return Path(found) if found else None


def install_gubernator(_say: Say) -> str | None:
    """It is looked for, not installed: we pin only what we have run, and we have run none of its versions."""
    remedy = "go install github.com/gubernator-io/gubernator/v2/cmd/gubernator@latest"
    return None if find_gubernator() else f"gubernator not found on PATH or in {GO}; {remedy}"


def find_daemon(name: str) -> Path | None:
    """A server that Debian installs, sbin included."""
    found = shutil.which(name, path=os.pathsep.join([*os.get_exec_path(), *_DAEMONS]))
    return Path(found) if found else None


def install_daemon(name: str) -> Callable[[Say], str | None]:
    """It is Debian's, and apt-get needs root: it is looked for, not installed."""
    return lambda _say: None if find_daemon(name) else f"{name} not found; make deps"


def _library(name: str) -> Path | None:
    """A library where the C compiler finds it; what it does not find it says as it was asked."""
    said = subprocess.run(["cc", f"-print-file-name={name}"], capture_output=True, text=True, timeout=10, check=False).stdout.strip()
    return Path(said).resolve() if said != name else None


def _missing(programs: dict[str, str]) -> str | None:
    return next((f"{name} not found; {remedy}" for name, remedy in programs.items() if shutil.which(name) is None), None)


def install(what: Installation, say: Say) -> str | None:
    """Run its command unless it has done so for these pins: None when it is there, else why it is not. `say` is told before it begins."""
    done, wanted = what.folder / ".installed", b"".join(pin.read_bytes() for pin in what.pins)
    if done.exists() and done.read_bytes() == wanted:
        return None
    if what.lacks:
        return what.lacks
    say(f"installing {what.name} into {what.folder}, once: at most {what.patience_s / 60:g} min")
    what.folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | what.environment
    try:
        run = subprocess.run(what.command, capture_output=True, text=True, timeout=what.patience_s, check=False, env=environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{what.name} could not be installed: {error}"
    if run.returncode:
        told = (run.stderr or run.stdout).strip()[-200:]
        return "; ".join(part for part in (f"{what.name} could not be installed: {told}", what.hint) if part)
    done.write_bytes(wanted)
    return None
