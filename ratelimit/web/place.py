"""Where a lane is to be: sockets that are bound and do not listen yet, for this process or for several that share the place.

On Linux each of several processes has a socket of its own on the same TCP address (SO_REUSEPORT), and the kernel spreads connections among
those that listen. One that dies takes no other's connections along, and the next ones go to those that are left; only who stood in its own
queue is reset. Elsewhere that option gives all connections to one of them, and a Unix socket does not have it: there all accept from one
and the same.
"""

import asyncio
import errno
import os
import socket
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Self

from ratelimit.core.errors import ConfigError
from ratelimit.setting_value import Address, TcpAddress, UnixAddress

_MODE: Final = 0o660  # the gateway's group may ask, others may not


class Place:
    """A bound address, with the port that was given where any free one was asked for."""

    def __init__(self, address: Address, sockets: list[socket.socket]) -> None:
        self.address: Final = address
        self.sockets: Final = sockets
        self.crowded = False  # whether others accept from the same sockets
        self._inode = _inode(address.path) if isinstance(address, UnixAddress) else None

    @classmethod
    def inherited(cls, descriptors: Iterable[int]) -> Self:
        """A share that another process made; the file of a Unix socket is that one's to remove."""
        sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        name = sockets[0].getsockname()
        address: Address = UnixAddress(Path(name)) if sockets[0].family == socket.AF_UNIX else TcpAddress(*name[:2])
        place = cls(address, sockets)
        place._inode, place.crowded = None, not _has_its_own(sockets[0])
        return place

    def share(self) -> list[socket.socket]:
        """Sockets for one more process to listen with, which belong to whoever calls. This one keeps the address and must not listen."""
        return [_beside(sock) if _has_its_own(sock) else sock.dup() for sock in self.sockets]

    def vacate(self) -> None:
        """Leave no file behind; to be done while we still listen, so that nobody who takes the place over loses theirs."""
        if isinstance(self.address, UnixAddress) and self._inode is not None and _inode(self.address.path) == self._inode:
            _remove(self.address.path)
        self._inode = None

    def close(self) -> None:
        """Give the address up."""
        self.vacate()
        _close(self.sockets)


async def bind(address: Address, variable: str) -> Place:
    """Bind the address, which is then ours alone; raises OSError, ValueError and ConfigError."""
    if isinstance(address, UnixAddress):
        return Place(address, [await _bind_unix(address.path, variable)])
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    refused: OSError | None = None
    for family, _, _, _, name in dict.fromkeys(found):
        port = sockets[0].getsockname()[1] if sockets else address.port
        try:
            sockets.append(_bind_tcp(family, (name[0], port, *name[2:])))
        except OSError as error:
            refused = error
            if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:  # a machine without IPv6 has a localhost all the same
                _close(sockets)
                raise
    if refused is not None and not sockets:
        raise refused
    return Place(TcpAddress(address.host, sockets[0].getsockname()[1]), sockets)


def _has_its_own(sock: socket.socket) -> bool:
    return sys.platform == "linux" and sock.family != socket.AF_UNIX


def _close(sockets: Iterable[socket.socket]) -> None:
    for sock in sockets:
        sock.close()


def _bind_tcp(family: int, name: tuple[Any, ...], *, beside: bool = False) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a process before us, long closed, are no obstacle
        if beside:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # 0.0.0.0 is another's, or a socket of its own
        sock.bind(name)
    except BaseException:
        sock.close()
        raise
    return sock


def _beside(sock: socket.socket) -> socket.socket:
    """One more on the same address. That we set the option after binding keeps out everybody who bound it, or wants it, without."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return _bind_tcp(sock.family, sock.getsockname(), beside=True)


async def _bind_unix(path: Path, variable: str) -> socket.socket:
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
