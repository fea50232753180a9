"""The ceiling of what Python can do: an asyncio protocol on uvloop that parses with httptools and answers a constant."""

import asyncio
import os
from typing import Any

import httptools
import uvloop

SIZE = int(os.environ["BENCH_SIZE"])
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % SIZE
ANSWER = HEAD + b'{"id":"' + b"x" * (SIZE - 9) + b'"}'


class Constant(asyncio.Protocol):
    """One connection: the same answer for each whole request."""

    def connection_made(self, transport: Any) -> None:
        """Each connection has a parser of its own."""
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        """The parser calls on_message_complete."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Answer; the connection stays."""
        self._transport.write(ANSWER)


async def main() -> None:
    """Serve until a signal ends it."""
    server = await asyncio.get_running_loop().create_server(Constant, "127.0.0.1", int(os.environ["BENCH_PORT"]))
    await server.serve_forever()


uvloop.run(main())
