"""Stands between a gateway and its sidecar, passes on what is said as it is, and counts the connections."""

import asyncio
import contextlib
from collections.abc import Iterator
from threading import Event, Thread


class Relay:
    """Listens on a free port of the loopback interface for one sidecar at HOST:PORT, until it is told to `end`."""

    def __init__(self, sidecar: str) -> None:
        self.connections = 0
        self.address = ""
        self._host, _, self._port = sidecar.partition(":")
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, opened: Event) -> None:
        self._end = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        async with await asyncio.start_server(self._connected, self._host, 0) as server:
            self.address = f"{self._host}:{server.sockets[0].getsockname()[1]}"
            opened.set()
            await self._end.wait()
            server.close()
            for writer in self._writers:
                writer.close()
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection(self._host, int(self._port))
        self._writers |= {writer, far_writer}
        await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


@contextlib.contextmanager
def relay(sidecar: str) -> Iterator[Relay]:
    between, opened = Relay(sidecar), Event()
    thread = Thread(target=lambda: asyncio.run(between.serve(opened)))
    thread.start()
    opened.wait()
    try:
        yield between
    finally:
        between.end()
        thread.join()
