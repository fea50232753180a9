"""The shortcut: a check is answered without the request, the response and the tasks that aiohttp makes for handlers of any kind.

Most of what a check costs is not the decision but what stands around it. Two things are spared here:

* A connection's parser is aiohttp's own, and behind it stands a `Shortcut`, which takes what `lane` accepts and can answer, and gives on
  the rest, as if it was not there.
* The same bytes parse the same. A gateway sends the same few heads again and again, so a head that the parser has accepted is remembered,
  and a request that consists of such a head and as many bytes of body as it says is not parsed again.

The ordinary path is left to answer

* anything but `POST /v1/check` over HTTP/1.1 on a connection that stays open, with the right token, in one piece and alone in it;
* whoever asks again before the answer, or reads slower than it asks;
* whatever is not answered with 200, and whatever raises: it is done there from the beginning, and what is wrong is said.

The answers are those of the ordinary path, byte for byte. Without this file, and with a LaneServer in sidecar.py, all is as before, only
slower.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from aiohttp import HttpVersion11, StreamReader
from aiohttp.http import RawRequestMessage
from aiohttp.web import BaseRequest, StreamResponse
from aiohttp.web_protocol import RequestHandler

from ratelimit.web.body import MAX_BODY
from ratelimit.web.counts import Counts
from ratelimit.web.fault import bug_reply
from ratelimit.web.server import OPTIONS, LaneProtocol, LaneServer

_END: Final = b"\r\n\r\n"
_MOST_HEADS: Final = 256
_MAX_HEAD: Final = 1_024  # bytes of one that is remembered
_MOST_HELD: Final = 65_536  # bytes that may come before the answer to what came before them
# a head with others may be different each time (traces), or hold what is not ours to keep (credentials of callers)
_PLAIN: Final = frozenset(b"host content-length content-type user-agent accept accept-encoding connection x-ratelimit-token".split())

_Parsed = tuple[list[tuple[RawRequestMessage, StreamReader]] | tuple[()], bool, bytes]


class Lane(Protocol):
    """Who answers."""

    def accepts(self, message: RawRequestMessage) -> bool:
        """Whether this is a check that may be answered, whatever its body."""

    @property
    def answer(self) -> Callable[[bytes], bytes | Awaitable[bytes] | None]:
        """Gives the whole answer to the body of such a check; None where the ordinary path is to answer, and then nothing was done."""


class ShortcutServer(LaneServer):
    """Makes connections with a shortcut."""

    def __init__(self, handler: Callable[[Any], Awaitable[StreamResponse]], counts: Counts, lane: Lane) -> None:
        super().__init__(handler, counts)
        self.lane = lane
        self.heads: dict[bytes, int] = {}  # that the parser has accepted, and how many bytes of body each is followed by

    def __call__(self) -> RequestHandler:
        """A protocol for one connection."""
        return ShortcutProtocol(self, loop=self._loop, **OPTIONS)


class ShortcutProtocol(LaneProtocol):
    """A connection with a shortcut. No answer of either path overtakes another: there is one request under way at a time."""

    __slots__ = ("_answer", "_answering", "_finished", "_heads", "_held", "_held_bytes", "_leaving", "_taken", "at_start", "free")

    def __init__(self, manager: ShortcutServer, **options: Any) -> None:
        super().__init__(manager, **options)
        self._answer, self._heads = manager.lane.answer, manager.heads
        self._finished = 0  # requests that the ordinary path has answered and kept the connection open for
        self._answering: asyncio.Task[None] | None = None  # an answer of the shortcut that has to wait
        self._held: deque[bytes] = deque()  # what came meanwhile
        self._held_bytes = 0
        self._taken = False  # whether the request that was parsed last is answered here
        self._leaving = False  # whether the connection is to close after it
        self.at_start = True  # whether the parser has seen whole requests only, each in one piece: what comes next begins a request
        self.free = False  # whether what is being parsed may be answered here
        self._parser = Shortcut(self._parser, self, manager)  # type: ignore[assignment] # it has what is called of one

    def data_received(self, data: bytes) -> None:
        """Answer a request with a known head; else let the parser have it."""
        if self._answering is not None:
            self._hold(data)
            return
        # aiohttp's _request_count is of the requests that its queue was given; its other state says nothing of one whose task has not begun
        free = self._request_count == self._finished and not (self._paused or self._close or self._force_close)
        if free and self.at_start:
            end = data.find(_END) + len(_END)
            body = data[end:]
            if self._heads.get(data[:end]) == len(body):
                if self.answered(body):
                    return
                free = False
        self.free, self._taken = free, False
        super().data_received(data)
        self.free = False

    def answered(self, body: bytes) -> bool:
        """Answer the check that came last, at once or when it is decided; False where the ordinary path is to do it."""
        try:
            answer = self._answer(body)
        except Exception:  # a bug: the ordinary path meets it again, and answers for it
            return False
        if answer is None:
            return False
        self._taken = True
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if isinstance(answer, bytes):
            assert self.transport is not None, "data came from it"  # noqa: S101
            self.transport.write(answer)
        else:
            self._answering = self._loop.create_task(self._answer_later(answer))
        return True

    async def _answer_later(self, waiting: Awaitable[bytes]) -> None:
        try:
            answer = await waiting
        except Exception as error:
            answer = self._apology(error)
        self._answering = None
        if self.transport is None:
            return
        self.transport.write(answer)
        if self._leaving:
            self.force_close()  # aiohttp's task closes after an answer of its own; after this one it would wait for the next request
        else:
            self._go_on()

    def _apology(self, error: Exception) -> bytes:
        """What the ordinary path answers to a bug."""
        if isinstance(self._manager, LaneServer):
            self._manager.counts.bugs += 1
        self._leaving = True
        return bug_reply(error, envoy=False).whole("Connection: close\r\n")

    def _hold(self, data: bytes) -> None:
        """Keep what comes before an answer is decided, which is soon; a client that sends a lot meanwhile is not read for so long."""
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > _MOST_HELD:
            self._pause_transport_reading()

    def _go_on(self) -> None:
        """Take up what came meanwhile, in the pieces in which it came."""
        if self._held_bytes > _MOST_HELD:
            self._resume_transport_reading()
        while self._held and self._answering is None:
            data = self._held.popleft()
            self._held_bytes -= len(data)
            self.data_received(data)

    def close(self) -> None:
        """Close when nothing is under way. aiohttp's `shutdown`, which comes later, waits for that."""
        if self._answering is None:
            super().close()
        else:
            self._leaving = True

    def connection_lost(self, exc: BaseException | None) -> None:
        """Nobody waits for the answer any more: nothing is charged for it."""
        if self._answering is not None:
            self._loop.call_soon(self._answering.cancel)  # not now: if it has not begun, what it is to await would never be awaited
        self._held.clear()
        super().connection_lost(exc)

    async def finish_response(self, request: BaseRequest, resp: StreamResponse, start_time: float | None) -> tuple[StreamResponse, bool]:
        """Write an answer of the ordinary path; after one that closes the connection nothing more is answered."""
        written, reset = await super().finish_response(request, resp, start_time)
        if written.keep_alive:
            self._finished += 1
        return written, reset

    def _bound_head(self, received: int) -> None:
        if self._taken:
            self._head_bytes = 0
        else:
            super()._bound_head(received)


class Shortcut:
    """A parser that has requests answered, and gives on those that are not. It has all that aiohttp calls of its own parser."""

    __slots__ = ("_connection", "_heads", "_lane", "_parse", "feed_eof", "message_consumed", "pause_reading", "set_upgraded")

    def __init__(self, parser: Any, connection: ShortcutProtocol, server: ShortcutServer) -> None:
        self._parse = parser.feed_data
        self.message_consumed, self.pause_reading = parser.message_consumed, parser.pause_reading
        self.set_upgraded, self.feed_eof = parser.set_upgraded, parser.feed_eof
        self._connection, self._lane, self._heads = connection, server.lane, server.heads

    def feed_data(self, data: bytes) -> _Parsed:
        """The requests in `data` that are for the ordinary path."""
        connection = self._connection
        at_start, connection.at_start = connection.at_start, connection.at_start and not data
        parsed: _Parsed = self._parse(data)
        messages, upgraded, tail = parsed
        if len(messages) != 1 or upgraded:
            return parsed
        message, payload = messages[0]
        body = _whole_body(payload)
        if body is None or message.chunked:
            return parsed
        accepted = _persistent(message) and self._lane.accepts(message)
        if at_start and _is_all(data, body):
            connection.at_start = True
            if accepted and _plain(message):
                self._remember(data, body)
        if not (accepted and body and connection.free and connection.answered(body)):
            return parsed
        self.message_consumed()
        return (), False, tail

    def _remember(self, data: bytes, body: bytes) -> None:
        head = data[: len(data) - len(body)]
        if body and len(head) <= _MAX_HEAD:
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            self._heads[head] = len(body)


def _whole_body(payload: StreamReader) -> bytes | None:
    """The body, if it is there in one piece and no larger than may be, else None. It stays where it is, for the ordinary path."""
    if not payload.is_eof() or payload.exception() is not None:
        return None
    if not payload.total_bytes:
        return b""
    pieces = payload._buffer  # reading would leave nothing
    return pieces[0] if len(pieces) == 1 and len(pieces[0]) <= MAX_BODY else None


def _is_all(data: bytes, body: bytes) -> bool:
    """Whether `data`, which begins a request with that body, ends with it too."""
    end = data.find(_END) + len(_END)
    # where every line ends in CRLF the first empty one ends the head, and no parser can see that otherwise
    return end + len(body) == len(data) and data.count(b"\n", 0, end) == data.count(b"\r\n", 0, end)


def _persistent(message: RawRequestMessage) -> bool:
    return message.version == HttpVersion11 and not message.should_close and not message.upgrade


def _plain(message: RawRequestMessage) -> bool:
    return all(name.lower() in _PLAIN for name, _ in message.raw_headers)
