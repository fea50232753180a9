"""The shortcut on real sockets and on both event loops: the bytes are those that the ordinary path gave where time stands still."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from ratelimit.setting_value import Address, TcpAddress, UnixAddress
from ratelimit.web import server
from ratelimit.web.listen import Listener, listen
from tests.stores.asker import until
from tests.web.conversations import CONVERSATIONS, LAST, LIVEZ, QUIET
from tests.web.strange import HOT
from tests.web.twins import Course, Seen, Step, Twin, equal_surroundings, hold

ANY = TcpAddress("127.0.0.1", 0)
# in which nothing is sent to a connection that may be closed already: the system would drop what was answered
NAMES = (
    "one by one",
    "one by one, without a pause",
    "pairs",
    "5 in one piece",
    "31 in one piece",
    "33 in one piece",
    "500 in one piece",
    "after a full queue",
    "refused, and remembered",
    "refused and allowed",
    "cold, and hot behind it",
    "cold, and hot after it",
    "cold, and others after it",
    "nothing left",
    "nothing left in the midst",
    "a known head in a body",
    "a known head in a chunk",
    "a known head and another body",
    "others between",
    "others between, in one piece",
    "no HTTP behind it, in one piece",
    "a body after its head",
    "heads and bodies apart",
    "bodies with the next one's head",
    "expected, and sent when told",
    "expected, sent when told, and more behind it",
    "an upgrade that we do not have, and more behind it",
    "a request hidden in a chunk",
    "a chunk, and its end later",
    "HTTP/1.0 that stays",
)

Run = Callable[[Awaitable[Any]], Any]


@pytest.fixture(autouse=True, scope="module")
def _surroundings() -> Iterator[None]:
    with equal_surroundings():
        yield


@pytest.fixture(params=[asyncio.SelectorEventLoop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Runs something on a loop of each kind."""
    with asyncio.Runner(loop_factory=request.param) as runner:

        async def patiently(work: Awaitable[Any]) -> Any:
            async with asyncio.timeout(60):
                return await work

        yield lambda work: runner.run(patiently(work))


@asynccontextmanager
async def opened(*, shortcut: bool, address: Address = ANY) -> AsyncIterator[tuple[Twin, Listener]]:
    twin = Twin(shortcut=shortcut, prompt=True)
    listener = await listen(twin.server, address, "RATELIMIT_GATEWAY")
    try:
        yield twin, listener
    finally:
        await listener.close(1.0)


class Client:
    """A client with a socket of its own, whose every byte goes out at once."""

    def __init__(self, address: Address) -> None:
        self.received = b""
        self._socket = socket.socket(socket.AF_UNIX if isinstance(address, UnixAddress) else socket.AF_INET)
        self._socket.connect(str(address.path) if isinstance(address, UnixAddress) else address)
        self._socket.setblocking(False)
        if isinstance(address, TcpAddress):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def hear(self, size: int | None = None) -> bytes:
        """Read until so many bytes have come in all, or up to the end."""
        while size is None or len(self.received) < size:
            data = await asyncio.get_running_loop().sock_recv(self._socket, 65_536)
            if not data:
                break
            self.received += data
        return self.received

    def end(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def vanish(self) -> None:
        """Close so that the other side is told of an error."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        self._socket.close()


def sent(course: Course) -> bytes:
    """What came without anybody's waiting for a time to pass."""
    return course.sent.get(0.0, b"")


async def talk(steps: Sequence[Step], sizes: dict[int, int], expected: Course, *, shortcut: bool) -> int:
    """Hold a conversation; how many requests were taken."""
    async with opened(shortcut=shortcut) as (twin, listener):
        client = Client(listener.address)
        for at, step in enumerate(steps):
            if isinstance(step, bytes):
                await client.send(step)
            else:
                await client.hear(sizes[at])
        await client.hear(len(sent(expected)))
        if expected.closed != 0.0:
            client.end()
        assert await client.hear() == sent(expected)
        assert twin.seen() == expected.seen
        client.close()
        return twin.taken


@pytest.mark.parametrize("name", NAMES)
def test_conversation(name: str, run: Run) -> None:
    """On a real socket the same bytes come from both, and where the client waits the same are taken."""
    taken, steps = CONVERSATIONS[name]
    expected = hold(steps, shortcut=False)
    sizes = {at: len(sent(hold(steps[:at], shortcut=False))) for at, step in enumerate(steps) if step is QUIET}
    assert run(talk(steps, sizes, expected, shortcut=False)) == 0
    found = run(talk(steps, sizes, expected, shortcut=True))
    if name in {"one by one", "refused, and remembered", "others between"}:
        assert found == taken


async def overwhelmed(path: Path, *, shortcut: bool) -> tuple[bytes, Seen, int]:
    async with opened(shortcut=shortcut, address=UnixAddress(path)) as (twin, listener):
        client = Client(listener.address)
        await client.send(HOT)
        await client.hear(1)

        async def send() -> None:
            for _ in range(2_000):
                await client.send(HOT)
                for _ in range(3):
                    await asyncio.sleep(0)  # for the server to read it: the shortcut is for those who come one by one

        sending = asyncio.create_task(send())
        await until(lambda: any(connection.writing_paused for connection in twin.server.connections))
        await asyncio.gather(sending, client.hear(2_000 * 400))
        await client.send(LAST)
        received = await client.hear()
        client.close()
        return received, twin.seen(), twin.taken


def test_client_that_reads_slowly(tmp_path: Path, run: Run) -> None:
    """Who sends faster than it reads is made to wait; nothing is lost, and the order is kept."""
    with_it, seen, taken = run(overwhelmed(tmp_path / "a", shortcut=True))
    without, also_seen, _ = run(overwhelmed(tmp_path / "b", shortcut=False))
    assert with_it.count(b"HTTP/1.1 200 OK\r\n") == 2_002
    assert (with_it, seen) == (without, also_seen)
    assert taken > 20


async def asking_while_it_closes() -> None:
    async with opened(shortcut=True) as (twin, listener):

        async def ask() -> bytes:
            client = Client(listener.address)
            try:
                while True:
                    await client.send(HOT)
                    if len(await client.hear(len(client.received) + 1)) == 0:
                        break
            except OSError:  # it was closed on us
                pass
            try:
                return await client.hear()
            except OSError:
                return client.received
            finally:
                client.close()

        asking = [asyncio.create_task(ask()) for _ in range(4)]
        await until(lambda: twin.taken >= 200)
        await listener.close(1.0)
        answers = [await one for one in asking]
        assert sum(answer.count(b"HTTP/1.1 200 OK\r\n") for answer in answers) == twin.limiter.answers._count
        assert all(answer.endswith(b'"risk":null}') for answer in answers)


def test_lane_that_closes(run: Run) -> None:
    """What was decided when the lane closes is told, as a whole."""
    run(asking_while_it_closes())


async def left_alone() -> bytes:
    async with opened(shortcut=True) as (twin, listener):
        client = Client(listener.address)
        await client.send(HOT)
        received = await client.hear()
        assert twin.taken == 1
        client.close()
        return received


def test_idle_connection_is_closed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection on which only the shortcut answered is closed as well when nothing comes any more."""
    monkeypatch.setitem(server.OPTIONS, "keepalive_timeout", 0.1)
    assert run(left_alone()).count(b"HTTP/1.1 200 OK\r\n") == 1


async def left_by(*leaving: bytes) -> None:
    async with opened(shortcut=True) as (twin, listener):
        for data in leaving:
            client = Client(listener.address)
            await client.send(data)
            for _ in range(3):
                await asyncio.sleep(0)
            client.vanish()
        client = Client(listener.address)
        await client.send(HOT)
        assert b"HTTP/1.1 200 OK\r\n" in await client.hear(20)
        client.close()
        assert twin.seen().counts["bugs"] == 0


def test_client_that_vanishes(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """A client that is gone before its answer is no bug and holds up nobody; of those who were taken nothing is logged."""
    run(left_by(HOT, HOT * 31))
    assert caplog.text == ""
    run(left_by(HOT + HOT[:-5], HOT + LIVEZ, HOT * 40))
