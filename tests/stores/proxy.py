"""A way to a store that a test can hold up and cut: requests always arrive, replies when the test lets them."""

import asyncio
import contextlib
from typing import Final

HOST: Final = "127.0.0.1"


class Proxy:
    """Listens on loopback for a server on a Unix socket. While `replies` is not set they are held; `cut` drops them and the connections."""

    def __init__(self, url: str) -> None:
        self.replies = asyncio.Event()
        self.replies.set()
        self.made = 0  # connections
        self.asked = 0  # pieces of requests that were passed on
        self.lead_to(url)
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Its URL."""
        self._server = await asyncio.start_server(self._connected, HOST, 0)
        return f"redis://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    def lead_to(self, url: str) -> None:
        """Where those go who connect from now on."""
        self._socket = url.removeprefix("unix://")

    def cut(self) -> None:
        """End every connection; what was held is never delivered."""
        for writer in self._writers:
            writer.transport.abort()

    async def close(self) -> None:
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made += 1
        far_reader, far_writer = await asyncio.open_unix_connection(self._socket)
        self._writers |= {writer, far_writer}
        self._spawn(reader, far_writer, held=False)
        self._spawn(far_reader, writer, held=True)

    def _spawn(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, held: bool) -> None:
        task = asyncio.get_running_loop().create_task(self._pass_on(reader, writer, held=held))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, held: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if held:
                    await self.replies.wait()
                else:
                    self.asked += 1
                writer.write(data)
                await writer.drain()
        writer.close()
        self._writers.discard(writer)
