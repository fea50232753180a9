"""A network that misbehaves: a TCP proxy that delays requests and replies, and drops replies of calls that were executed.

A request is never dropped, only late, so every call that was written is executed once by an honest client and counted by the store. Run as
`python -m tests.e2e.proxy SEED PORT...`: one listener for each target port on loopback, their ports on stdout, until stdin ends.
"""

import asyncio
import sys
from random import Random
from typing import Final

import uvloop

HOST: Final = "127.0.0.1"
LATE_S: Final = (
    *[0.0] * 12,
    0.001,
    0.002,
    0.004,
    0.006,
    0.012,
    0.03,
    0.15,
    0.3,
)  # up to longer than a lease's life and than a decision waits
DROP: Final = 0.04  # of replies: the client sees the connection end
SWALLOW: Final = 0.003  # of replies: the client sees nothing, until it gives up
QUIET_S: Final = 1.0  # no faults before: so long a client may take to connect and find out who is there


class Proxy:
    """The connections to one target."""

    def __init__(self, port: int, chance: Random) -> None:
        self._port, self._chance = port, chance
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> int:
        """Listen; the port."""
        server = await asyncio.start_server(self._connected, HOST, 0)
        return int(server.sockets[0].getsockname()[1])

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, self._port)
        calm_until = asyncio.get_running_loop().time() + QUIET_S * self._chance.random()
        there = asyncio.create_task(self._requests(reader, far_writer))
        await self._replies(far_reader, writer, calm_until)
        writer.close()
        await there  # what the client still wrote is carried out
        far_writer.close()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await _read(reader):
            await asyncio.sleep(self._chance.choice(LATE_S))
            writer.write(data)
        writer.write_eof()

    async def _replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, calm_until: float) -> None:
        while data := await _read(reader):
            if asyncio.get_running_loop().time() < calm_until:
                writer.write(data)
                continue
            fate = self._chance.random()
            if fate < DROP:
                return
            if fate < DROP + SWALLOW:
                await asyncio.sleep(5.0)
                return
            await asyncio.sleep(self._chance.choice(LATE_S))
            writer.write(data)


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(1 << 16)
    except ConnectionError:
        return b""


async def main(seed: str, ports: list[str]) -> None:
    chance = Random(seed)
    print(*[await Proxy(int(port), chance).serve() for port in ports], flush=True)  # noqa: T201
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2:]))
