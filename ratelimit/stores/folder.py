"""The data folder of an embedded store: made for our user alone, claimed by one process at a time, with the place of the server's socket.

The claim is a lock of the kernel (flock) on the file `lock`. The server inherits its descriptor, so the folder stays claimed while the
server lives, even if we are gone; a crash leaves nothing to clean up by hand. `lock` names the process and the socket, a line each.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ratelimit.core.errors import ConfigError

LEFT_BEHIND_S: Final = 10.0  # how long we wait for the server of a process that is gone
IN_USE_S: Final = 2.0  # and of one that is there: a killed process looks alive until its parent has reaped it
_POLL_S: Final = 0.02
_SOCKET_NAME: Final = "valkey.sock"
_TEMPORARY: Final = "ratelimit-"
ELSEWHERE: Final = "set RATELIMIT_DATA to a folder that can be written, or RATELIMIT_REDIS_URL to use a store of your own"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A folder that is ours until `release`; `lock` is the descriptor that a server must inherit."""

    path: Path
    lock: int
    socket: Path

    @property
    def log(self) -> Path:
        """Where the server logs."""
        return self.path / "valkey.log"

    def release(self) -> None:
        """Give the folder up and leave no socket behind."""
        _remove_socket(self.socket)
        with contextlib.suppress(OSError):
            os.ftruncate(self.lock, 0)
        os.close(self.lock)


def make_folder(data: Path) -> Path:
    """The absolute path of the folder, created with its parents if need be; raises ConfigError."""
    path = data.absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be made a data folder: {error.strerror}; {ELSEWHERE}"]) from None
    return path


async def claim_folder(data: Path) -> DataFolder:
    """Create the folder if need be and claim it; raises ConfigError, which names the process that has it."""
    path = make_folder(data)
    lock = _open_lock(path)
    try:
        await _acquire(lock, path)
        _remove_socket(_socket_left_by_crash(lock))
        place = _place_socket(path)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n{place}\n".encode(), 0)
        return DataFolder(path, lock, place)
    except BaseException as error:
        os.close(lock)
        if isinstance(error, OSError):
            raise cannot_write(path, error) from None
        raise


def cannot_write(path: Path, error: OSError) -> ConfigError:
    """The error of a folder or file in which we cannot write."""
    return ConfigError([f"{path}: cannot be written: {error.strerror}; {ELSEWHERE}"])


def _open_lock(path: Path) -> int:
    try:
        return os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise cannot_write(path, error) from None


async def _acquire(lock: int, path: Path) -> None:
    for attempt in range(int(LEFT_BEHIND_S / _POLL_S)):
        if _try_lock(lock, path):
            return
        owner = _owner(lock)
        if owner and _is_alive(owner) and attempt * _POLL_S >= IN_USE_S:
            raise ConfigError([f"{path}: in use by process {owner}; stop that one, or set RATELIMIT_DATA to another folder"])
        await asyncio.sleep(_POLL_S)  # if its owner is gone, the server ends at any moment
    raise ConfigError([f"{path}: in use by a server that process {_owner(lock)} left behind; end it (`fuser {path}/lock` names it)"])


def _try_lock(lock: int, path: Path) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
            return False
        raise ConfigError([f"{path}: its file system cannot lock: {error.strerror}; {ELSEWHERE}"]) from None
    return True


def _lines(lock: int) -> list[str]:
    return os.pread(lock, 4096, 0).decode(errors="replace").splitlines()


def _owner(lock: int) -> int | None:
    first = _lines(lock)[:1]
    return int(first[0]) if first and first[0].isdigit() else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True


def _socket_left_by_crash(lock: int) -> Path | None:
    lines = _lines(lock)
    return Path(lines[1]) if len(lines) > 1 and Path(lines[1]).name == _SOCKET_NAME else None


def _place_socket(path: Path) -> Path:
    """In the folder, or in a private temporary one if the path is too long (about 100 bytes) or its file system has no sockets."""
    candidate = path / _SOCKET_NAME
    candidate.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.bind(str(candidate))
        except OSError:
            return Path(tempfile.mkdtemp(prefix=_TEMPORARY)) / _SOCKET_NAME
    candidate.unlink()
    return candidate


def _remove_socket(place: Path | None) -> None:
    if place is None:
        return
    with contextlib.suppress(OSError):
        place.unlink(missing_ok=True)
        if place.parent.name.startswith(_TEMPORARY):
            place.parent.rmdir()
