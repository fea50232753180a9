"""One end of the socket between a supervisor and a worker: messages in msgpack, each behind its length in four bytes."""

import asyncio
import contextlib
import socket
from typing import Final, Generic, Self, TypeVar

from msgspec.msgpack import Decoder, Encoder

LENGTH_BYTES: Final = 4

T = TypeVar("T")


class Channel(Generic[T]):
    """Receives what is of type T. The end of the process behind the other end is the end of the channel."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, decoder: Decoder[T]) -> None:
        self._reader, self._writer, self._decoder = reader, writer, decoder
        self._encoder = Encoder()

    @classmethod
    async def over(cls, sock: socket.socket, decoder: Decoder[T]) -> Self:
        """The channel on this end of a socket pair, which it takes."""
        return cls(*await asyncio.open_unix_connection(sock=sock), decoder)

    def send(self, message: object) -> None:
        """Without waiting; nowhere, if nobody is there any more."""
        content = self._encoder.encode(message)
        self._writer.write(len(content).to_bytes(LENGTH_BYTES, "big") + content)

    async def receive(self) -> T | None:
        """The next message; None at the end."""
        try:
            length = int.from_bytes(await self._reader.readexactly(LENGTH_BYTES), "big")
            return self._decoder.decode(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def close(self) -> None:
        """After what was sent."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
