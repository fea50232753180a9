"""The server of a lane: connections whose every answer is ours.

What aiohttp answers by itself, to what is no HTTP or after an exception, comes out as a problem, and says nothing of what was sent.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import StreamReader
from aiohttp.http import RawRequestMessage
from aiohttp.web import BaseRequest, RequestPayloadError, StreamResponse
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server

from ratelimit.web.authorize import ENVOY, NGINX
from ratelimit.web.counts import Counts
from ratelimit.web.fault import bug_reply, unparsable_reply
from ratelimit.web.problems import Problem, encode
from ratelimit.web.reply import PROBLEM

# larger than what nginx (4 buffers of 8 KiB) and Envoy (60 KiB) pass on by default, so that they are never refused for what they accept
_MAX_LINE: Final = 65_536
_MAX_HEADERS: Final = 8_192
OPTIONS: Final[dict[str, Any]] = {
    "access_log": None,
    "auto_decompress": False,
    "max_line_size": _MAX_LINE,
    "max_field_size": _MAX_LINE,
    "max_headers": _MAX_HEADERS,
    "keepalive_timeout": 75.0,
    "lingering_time": 2.0,
}


_MAX_HEAD: Final = 262_144  # bytes from the end of one request to the end of the next one's headers
_TOO_LARGE_BODY: Final = encode(Problem(title="Request Header Fields Too Large", status=431, detail="the headers are too long as a whole"))
_TOO_LARGE: Final = (
    f"HTTP/1.1 431 Request Header Fields Too Large\r\n{PROBLEM}Content-Length: {len(_TOO_LARGE_BODY)}\r\nConnection: close\r\n\r\n"
).encode() + _TOO_LARGE_BODY


def path_of(target: str) -> str:
    """The path of a request line's target, which may be in absolute form and have a query."""
    if not target.startswith("/") and "://" in target:
        target = "/" + target.partition("://")[2].partition("/")[2]
    return target.partition("?")[0]


class LaneProtocol(RequestHandler):
    """A connection. What aiohttp answers by itself comes out as a problem, and says nothing of what was sent."""

    __slots__ = ("_body", "_head_bytes", "_recent")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_bytes = 0
        self._body: StreamReader | None = None  # of the latest request whose head has come

    def data_received(self, data: bytes) -> None:
        """Remember what came last: of a request that cannot be parsed nothing else says which lane it was for.

        And tell whoever waits for the rest of a body that it turned out to be no HTTP; aiohttp would let them wait in vain.
        """
        self._recent = data
        late = self._body if not self._messages and self._body is not None and not self._body.is_eof() else None
        super().data_received(data)
        if late is not None and late.is_eof():
            self._count_late()
        waiting = self._current_request
        self._bound_head(len(data))
        if (
            waiting is not None
            and self._messages
            and not isinstance(self._messages[-1][0], RawRequestMessage)
            and not waiting.content.is_eof()
        ):
            waiting.content.set_exception(RequestPayloadError())
            waiting.content.feed_eof()

    def _count_late(self) -> None:
        """Of a request whose body ends after it was taken up the parser is told too early, and holds it to be waiting from then on.

        So it may stop at the 31st that waits, of which nobody else knows, and what had come behind it would be left lying.
        """
        if self._parser is not None:
            self._parser.message_consumed()
            self._loop.call_soon(self.data_received, b"")

    def _bound_head(self, received: int) -> None:
        """Bound the head of a request as a whole: aiohttp bounds its lines and their number, which together still is half a gigabyte."""
        if self._messages:
            self._body = self._messages[-1][1]
        if self._messages or self._current_request is not None or (self._body is not None and not self._body.is_eof()):
            self._head_bytes = 0
            return
        self._head_bytes += received
        if self._head_bytes > _MAX_HEAD and self.transport is not None:
            if isinstance(self._manager, LaneServer):
                self._manager.counts.unparsable += 1
                self._manager.counts.problems[431] += 1
            self.transport.write(_TOO_LARGE)
            self.force_close()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Nothing, where nothing was paused: aiohttp calls it for each body that is read, and parses emptiness for it."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  it may quote the request
    ) -> StreamResponse:
        """The answer where no handler gave one: 4xx if the request was no HTTP, 500 if it is our bug."""
        if request.writer.output_size > 0:
            raise ConnectionError("part of an answer is already sent")
        if not isinstance(self._manager, LaneServer):  # the client has gone: nobody reads this
            return unparsable_reply(exc, nginx=False)
        counts = self._manager.counts
        if status >= 500:
            counts.bugs += 1
            return bug_reply(exc, envoy=path_of(request.raw_path).startswith(ENVOY))
        reply = unparsable_reply(exc, nginx=NGINX.encode() in self._recent[:1_024])
        counts.unparsable += 1
        counts.problems[reply.status] += 1
        return reply


class LaneServer(Server):
    """Makes a protocol for each connection; `counts` takes up what no handler saw."""

    def __init__(self, handler: Callable[[Any], Awaitable[StreamResponse]], counts: Counts, request_factory: Any = None) -> None:
        super().__init__(handler, request_factory=request_factory)
        self.counts = counts

    def __call__(self) -> RequestHandler:
        """A protocol for one connection."""
        return LaneProtocol(self, loop=self._loop, **OPTIONS)
