"""An answer written in one piece.

aiohttp's Response keeps headers in a multidict, looks through it for what is missing and serialises it again for every request. Our answers
have the same few headers each time, known as text beforehand, so they are put together as text and written at once.
"""

import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from aiohttp import HttpVersion10
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web import BaseRequest, StreamResponse

from ratelimit.web.problems import CONTENT_TYPE, ClientError, Problem, encode

JSON: Final = "Content-Type: application/json\r\n"
PROBLEM: Final = f"Content-Type: {CONTENT_TYPE}\r\n"

_STATUS: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class _Date:
    """The Date header, made once a second."""

    def __init__(self) -> None:
        self._second, self._line = 0, ""

    def line(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second, self._line = second, f"Date: {formatdate(second, usegmt=True)}\r\n"
        return self._line


_date = _Date()


def written(status: int, headers: str, body: bytes, connection: str = "") -> bytes:
    """A whole answer; `headers` and `connection` are lines that each end in CRLF."""
    return f"{_STATUS[status]}{_date.line()}{headers}{connection}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


class Reply(StreamResponse):
    """A status, `headers` as lines that each end in CRLF, and a body. It is written whole by `prepare`, which aiohttp calls."""

    def __init__(self, status: int, headers: str = "", body: bytes = b"", *, close: bool = False) -> None:
        # not super().__init__(): it makes the multidict and the state that this class is there to avoid
        self._status = status
        self._lines = headers
        self._content = body
        self._keep_alive = False if close else None

    def also(self, headers: Mapping[str, str]) -> None:
        """Say these too, where it says nothing of them."""
        said = f"\r\n{self._lines.lower()}"
        self._lines += lines({name: value for name, value in headers.items() if f"\r\n{name.lower()}:" not in said})

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Write everything; nothing is left for `write_eof`."""
        if self._eof_sent:
            return None
        connection = ""
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive
        if not self._keep_alive:
            connection = "Connection: close\r\n"
        elif request.version == HttpVersion10:
            connection = "Connection: keep-alive\r\n"
        answer = self.whole(connection)
        writer = request.writer
        await writer.write(answer[: len(answer) - len(self._content)] if request.method == "HEAD" else answer)
        await writer.drain()  # waits only for a client that reads slower than it asks
        self._eof_sent = True
        return writer

    def whole(self, connection: str = "") -> bytes:
        """All of it; `connection` is that header's line, if there is one."""
        return written(self._status, self._lines, self._content, connection)

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing to do."""

    def __repr__(self) -> str:
        return f"<Reply {self._status}>"


def json_reply(status: int, content: object) -> Reply:
    """Any content as JSON."""
    return Reply(status, JSON, encode(content))


def problem_reply(problem: Problem, headers: str = "", *, close: bool = False) -> Reply:
    """A problem with its own status."""
    return Reply(problem.status, PROBLEM + headers, encode(problem), close=close)


def lines(headers: Mapping[str, str]) -> str:
    """Headers as lines."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def error_reply(error: ClientError) -> Reply:
    """The answer to a request that cannot be answered as asked."""
    return problem_reply(error.problem, lines(error.headers), close=error.close)
