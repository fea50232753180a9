"""Opens a lane on TCP or on a Unix socket, and closes it without cutting anyone off."""

import asyncio
import errno
import os
import socket
import stat
from pathlib import Path
from typing import Final

from aiohttp.web import Server

from ratelimit.core.errors import ConfigError
from ratelimit.settings import Address, TcpAddress, UnixAddress

_BACKLOG: Final = 1_024
_MODE: Final = 0o660  # the gateway's group may ask, others may not
_REASONS: Final = {
    errno.EADDRINUSE: "something else listens there",
    errno.EACCES: "this user may not listen there",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
    errno.ENOENT: "its folder does not exist; make it",
}


class Listener:
    """A lane that listens. `address` has the port that was given where any free one was asked for."""

    def __init__(self, lane: Server, listening: asyncio.Server, address: Address) -> None:
        self.address: Final = address
        self._lane, self._listening = lane, listening
        self._inode = _inode(address.path) if isinstance(address, UnixAddress) else None

    async def close(self, grace_s: float = 10.0) -> None:
        """Accept nobody any more, let requests under way come to their end, close connections that wait for their next."""
        if isinstance(self.address, UnixAddress) and _inode(self.address.path) == self._inode:  # else another has taken the place over
            _remove(self.address.path)
        self._listening.close()
        self._lane.pre_shutdown()
        await self._lane.shutdown(grace_s)


async def listen(lane: Server, address: Address, variable: str) -> Listener:
    """Let `lane` answer at `address`; raises ConfigError, which names the `variable` that says the address, where that cannot be."""
    loop = asyncio.get_running_loop()
    try:
        if isinstance(address, UnixAddress):
            listening = await loop.create_unix_server(lane, sock=await _bind(address.path, variable), backlog=_BACKLOG)
            return Listener(lane, listening, address)
        listening = await loop.create_server(lane, address.host, address.port, backlog=_BACKLOG)
    except (OSError, ValueError) as error:  # ValueError: a name that is none
        raise _cannot(variable, address, error) from None
    return Listener(lane, listening, TcpAddress(address.host, listening.sockets[0].getsockname()[1]))


def _cannot(variable: str, address: Address, error: Exception) -> ConfigError:
    number = error.errno if isinstance(error, OSError) else None
    reason = _REASONS.get(number or 0, str(error))
    return ConfigError([f"{variable}={address}: cannot listen: {reason}; mend that, or set {variable} to another address"])


async def _bind(path: Path, variable: str) -> socket.socket:
    await _remove_stale(path, variable)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o777 & ~_MODE)  # so that it is never open to others, not even for a moment
    try:
        sock.bind(str(path))
    except BaseException:
        sock.close()
        raise
    finally:
        os.umask(mask)
    sock.setblocking(False)
    return sock


async def _remove_stale(path: Path, variable: str) -> None:
    """Remove a socket file that nobody answers at: what a killed process leaves."""
    mode = _mode(path)
    if mode is None:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigError([f"{variable}=unix:{path}: is there and is not a socket; remove it, or set {variable} to another path"])
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except (ConnectionRefusedError, FileNotFoundError):
        _remove(path)
        return
    writer.close()
    raise OSError(errno.EADDRINUSE, "")


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return None


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _inode(path: Path) -> int | None:
    try:
        return path.lstat().st_ino
    except FileNotFoundError:
        return None
