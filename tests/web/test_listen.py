"""Opening and closing a lane: sockets that are left behind, places that are taken, and nobody who is cut off."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from aiohttp.web import BaseRequest

from ratelimit.core.errors import ConfigError
from ratelimit.setting_value import TcpAddress, UnixAddress
from ratelimit.web.counts import Counts
from ratelimit.web.listen import Listener, listen, listen_at, reserve
from ratelimit.web.place import Place
from ratelimit.web.reply import Reply
from ratelimit.web.server import LaneServer

ANY = TcpAddress("127.0.0.1", 0)
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def hello(_request: BaseRequest) -> Reply:
    return Reply(200, "", b"hello")


async def opened(address: TcpAddress | UnixAddress = ANY, handler: Any = hello) -> Listener:
    return await listen(LaneServer(handler, Counts()), address, "RATELIMIT_GATEWAY")


async def ask(listener: Listener) -> bytes:
    address = listener.address
    if isinstance(address, UnixAddress):
        reader, writer = await asyncio.open_unix_connection(address.path)
    else:
        reader, writer = await asyncio.open_connection(*address)
    writer.write(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_tcp(host: str) -> None:
    """A lane on any free port says which one it was given."""
    listener = await opened(TcpAddress(host, 0))
    assert isinstance(listener.address, TcpAddress)
    assert listener.address.port
    assert (await ask(listener)).endswith(b"hello")
    await listener.close()


async def test_unix(tmp_path: Path) -> None:
    """A Unix socket is open to its user and group alone, and gone when the lane is closed."""
    path = tmp_path / "gateway.sock"
    listener = await opened(UnixAddress(path))
    assert oct(path.stat().st_mode & 0o777) == "0o660"
    assert (await ask(listener)).endswith(b"hello")
    await listener.close()
    assert not path.exists()


async def test_stale_socket_is_replaced(tmp_path: Path) -> None:
    """What a killed process left behind is no obstacle."""
    path = tmp_path / "gateway.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    listener = await opened(UnixAddress(path))
    assert (await ask(listener)).endswith(b"hello")
    await listener.close()


async def test_live_socket_is_not_replaced(tmp_path: Path) -> None:
    """A socket that somebody answers at is theirs."""
    address = UnixAddress(tmp_path / "gateway.sock")
    first = await opened(address)
    with pytest.raises(ConfigError, match=r"RATELIMIT_GATEWAY=unix:.*: cannot listen: something else listens there; mend that, or set"):
        await opened(address)
    assert (await ask(first)).endswith(b"hello")
    await first.close()


async def test_another_that_took_the_place_over_keeps_it(tmp_path: Path) -> None:
    """Closing removes our own socket, not that of whoever came after us."""
    path = tmp_path / "gateway.sock"
    first = await opened(UnixAddress(path))
    path.rename(tmp_path / "kept")  # whose inode is then not used again
    second = await opened(UnixAddress(path))
    await first.close()
    assert (await ask(second)).endswith(b"hello")
    await second.close()


async def test_port_is_taken() -> None:
    """A port that is in use is named, with what would do."""
    first = await opened()
    with pytest.raises(ConfigError, match=r"RATELIMIT_GATEWAY=127.0.0.1:\d+: cannot listen: something else listens there; mend that"):
        await opened(first.address)
    await first.close()


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        (UnixAddress(Path("/nowhere/at/all.sock")), "its folder does not exist"),
        (UnixAddress(Path("/tmp") / ("x" * 200)), "AF_UNIX path too long"),
        (UnixAddress(Path("/etc/passwd")), "is there and is not a socket; remove it"),
        (TcpAddress("203.0.113.7", 0), "this machine does not have that address"),
        (TcpAddress("no.such.host.invalid", 0), "cannot listen"),
    ],
)
async def test_cannot_listen(address: TcpAddress | UnixAddress, problem: str) -> None:
    """Where a lane cannot be opened the message has the variable, the reason and what would do."""
    with pytest.raises(ConfigError, match=rf"RATELIMIT_GATEWAY=.*{problem}.* to another"):
        await opened(address)


async def test_close_lets_requests_end() -> None:
    """A request under way when the lane closes gets its whole answer; idle connections are closed, and nobody new is accepted."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_request: BaseRequest) -> Reply:
        asked.set()
        await go_on.wait()
        return Reply(200, "", b"in the end")

    listener = await opened(handler=slow)
    assert isinstance(listener.address, TcpAddress)
    idle, idle_writer = await asyncio.open_connection(*listener.address)
    busy, busy_writer = await asyncio.open_connection(*listener.address)
    busy_writer.write(REQUEST)
    await asked.wait()
    closing = asyncio.create_task(listener.close())
    for _ in range(20):  # turns, in which it still lets in who stands in the queue
        await asyncio.sleep(0)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*listener.address)
    go_on.set()
    assert (await busy.read()).endswith(b"in the end")
    await closing
    assert await idle.read() == b""
    idle_writer.close()
    busy_writer.close()


@pytest.mark.parametrize("unix", [False, True])
async def test_close_serves_who_has_arrived(tmp_path: Path, *, unix: bool) -> None:
    """A request that has been sent before the lane closes gets its answer, though nobody has accepted its connection yet."""
    listener = await opened(UnixAddress(tmp_path / "x.sock") if unix else ANY)
    with connected(listener) as early:
        early.sendall(REQUEST)
        await listener.close()
        assert early.recv(1_000).endswith(b"hello")


def connected(listener: Listener) -> socket.socket:
    """A connection that waits in the queue: the loop has not turned since."""
    address = listener.address
    sock = socket.socket(socket.AF_UNIX if isinstance(address, UnixAddress) else socket.AF_INET)
    sock.settimeout(5.0)
    sock.connect(str(address.path) if isinstance(address, UnixAddress) else address)
    return sock


async def test_a_place_is_shared(tmp_path: Path) -> None:
    """Several listen at one place, which keeps its port and its file until it is given up; one that closes takes neither along."""
    for address in (ANY, TcpAddress("localhost", 0), UnixAddress(tmp_path / "x.sock")):
        place = await reserve(address, "RATELIMIT_GATEWAY")
        first, second = [await listen_at(LaneServer(hello, Counts()), inherited(place), "RATELIMIT_GATEWAY") for _ in range(2)]
        assert first.address == second.address
        await first.close()
        assert (await ask(second)).endswith(b"hello")
        with pytest.raises(ConfigError, match="something else listens there"):
            await opened(place.address)
        await second.close()
        place.close()
    assert not (tmp_path / "x.sock").exists()


def inherited(place: Place) -> Place:
    return Place.inherited([sock.detach() for sock in place.share()])


async def test_mask_is_put_back(tmp_path: Path) -> None:
    """Files made later have the mode that they would have had."""
    before = os.umask(0o022)
    try:
        listener = await opened(UnixAddress(tmp_path / "x.sock"))
        await listener.close()
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
