"""The shortcut: a check that is here as a whole, and that what is in hand decides, is answered as soon as its bytes have come.

Most of what a check costs is not the decision but what stands around it: a request object, a response, two tasks and their turns of the
event loop. All that is for handlers that wait, and such a check waits for nothing. There are two steps:

* A connection's parser is aiohttp's own, and behind it stands a `Shortcut`, which answers what can be answered at once and gives on the
  rest, as if it was not there.
* The same bytes parse the same. A gateway sends the same few heads again and again, so a head that the parser has accepted is remembered,
  and a request that consists of such a head and as many bytes of body as it says is not parsed again.

The ordinary path is left to answer

* anything but `POST /v1/check` over HTTP/1.1 on a connection that stays open, with its body there and the right token;
* what has to wait: for the store, for the answer to a request before it, for a client that reads slower than it asks;
* whatever is not answered with 200, and whatever raises: it is done again there, and what is wrong is said.

The answers are those of the ordinary path, byte for byte. Without this file, and with a LaneServer in app.py, all is as before, only
slower.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from aiohttp import HttpVersion11, StreamReader
from aiohttp.http import RawRequestMessage
from aiohttp.web import BaseRequest, StreamResponse
from aiohttp.web_protocol import MAX_MSG_QUEUE_SIZE, RequestHandler

from ratelimit.web.body import MAX_BODY
from ratelimit.web.counts import Counts
from ratelimit.web.server import OPTIONS, LaneProtocol, LaneServer

_END: Final = b"\r\n\r\n"
_MOST_HEADS: Final = 256
_MAX_HEAD: Final = 1_024  # bytes of one that is remembered
# A head with others may be different each time (traces), or hold what is not ours to keep (credentials of callers)
_PLAIN: Final = frozenset(b"host content-length content-type user-agent accept accept-encoding connection x-ratelimit-token".split())

_Message = tuple[RawRequestMessage, StreamReader]
_Parsed = tuple[list[_Message] | tuple[()], bool, bytes]


class Lane(Protocol):
    """Who answers."""

    def accepts(self, message: RawRequestMessage) -> bool:
        """Whether this is a check that may be answered, whatever its body."""

    def at_once(self, body: bytes) -> bytes | None:
        """The whole answer to such a check; None where the ordinary path is to answer, and then nothing was done."""


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
    """A connection with a shortcut. It knows when an answer written now would not overtake another."""

    __slots__ = ("_answered", "_at_once", "_finished", "_heads", "at_start", "free")

    def __init__(self, manager: ShortcutServer, **options: Any) -> None:
        super().__init__(manager, **options)
        self._finished = 0  # requests that the ordinary path has answered and kept the connection open for
        self._answered = False  # whether what came last had requests that are answered
        self._at_once, self._heads = manager.lane.at_once, manager.heads
        self.at_start = True  # whether the parser has seen whole requests only, each in one piece: what comes next begins a request
        self.free = False  # whether what is being parsed may be answered at once
        self._parser = Shortcut(self._parser, self, manager)  # type: ignore[assignment] # it has what is called of one

    def data_received(self, data: bytes) -> None:
        """Answer a request with a known head; else let the parser have it."""
        # nothing is queued or under way, and an answer can be written without waiting. aiohttp's _request_count is of the requests that
        # its queue was given; its other state says nothing of a request whose task has not begun yet
        free = self._request_count == self._finished and not (self._paused or self._close or self._force_close)
        if free and self.at_start:
            end = data.find(_END) + len(_END)
            body = data[end:]
            if self._heads.get(data[:end]) == len(body):
                answer = _guarded(self._at_once, body)
                if answer is not None:
                    self.answer(answer)
                    return
                free = False  # it was tried
        self.free = free
        super().data_received(data)
        self.free = False

    def answer(self, answers: bytes) -> None:
        """Write the whole answers to requests that have come just now."""
        assert self.transport is not None, "data came from it"  # noqa: S101
        self.transport.write(answers)
        self._answered = True
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout

    async def finish_response(self, request: BaseRequest, resp: StreamResponse, start_time: float | None) -> tuple[StreamResponse, bool]:
        """Write an answer of the ordinary path; after one that closes the connection nothing more is answered."""
        written, reset = await super().finish_response(request, resp, start_time)
        if written.keep_alive:
            self._finished += 1
        return written, reset

    def _bound_head(self, received: int) -> None:
        if self._answered:
            self._answered = False
            self._head_bytes = 0
        else:
            super()._bound_head(received)


class Shortcut:
    """A parser that answers what can be answered at once, and gives on the rest. It has all that aiohttp calls of its own parser."""

    __slots__ = ("_connection", "_heads", "_lane", "_parse", "feed_eof", "message_consumed", "pause_reading", "set_upgraded")

    def __init__(self, parser: Any, connection: ShortcutProtocol, server: ShortcutServer) -> None:
        self._parse = parser.feed_data
        self.message_consumed, self.pause_reading = parser.message_consumed, parser.pause_reading
        self.set_upgraded, self.feed_eof = parser.set_upgraded, parser.feed_eof
        self._connection, self._lane, self._heads = connection, server.lane, server.heads

    def feed_data(self, data: bytes) -> _Parsed:
        """Those of the requests in `data` that are for the ordinary path."""
        connection = self._connection
        at_start, connection.at_start = connection.at_start, connection.at_start and not data
        parsed: _Parsed = self._parse(data)
        messages, upgraded, tail = parsed
        if at_start and len(messages) == 1 and not upgraded:
            self._whole(data, *messages[0])
        # a parser whose queue is full holds more back, and the ordinary path knows when to go on
        if not connection.free or not messages or upgraded or len(messages) >= MAX_MSG_QUEUE_SIZE:
            return parsed
        answers: list[bytes] = []
        for message, payload in messages:
            answer = self._answer(message, payload)
            if answer is None:
                break
            self.message_consumed()
            answers.append(answer)
        if not answers:
            return parsed
        connection.answer(b"".join(answers))
        return messages[len(answers) :], False, tail

    def _whole(self, data: bytes, message: RawRequestMessage, payload: StreamReader) -> None:
        """See whether `data` is this one request and nothing else, and if so remember its head."""
        end = data.find(_END) + len(_END)
        head = data[:end]
        # where each line ends in CRLF, the first empty one ends the head, and no parser can take it otherwise
        if not payload.is_eof() or message.chunked or end + payload.total_bytes != len(data) or head.count(b"\n") != head.count(b"\r\n"):
            return
        self._connection.at_start = True
        if end <= _MAX_HEAD and _persistent(message) and self._lane.accepts(message) and _plain(message):
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            self._heads[head] = payload.total_bytes

    def _answer(self, message: RawRequestMessage, payload: StreamReader) -> bytes | None:
        if not _persistent(message) or not payload.total_bytes or not payload.is_eof() or not self._lane.accepts(message):
            return None
        pieces = payload._buffer  # only looked at: reading would leave nothing for the ordinary path
        if len(pieces) != 1 or payload.exception() is not None:
            return None
        return _guarded(self._lane.at_once, pieces[0])


def _guarded(at_once: Callable[[bytes], bytes | None], body: bytes) -> bytes | None:
    if len(body) > MAX_BODY:
        return None
    try:
        return at_once(body)
    except Exception:  # a bug: the ordinary path meets it again and answers for it
        return None


def _persistent(message: RawRequestMessage) -> bool:
    return message.version == HttpVersion11 and not message.should_close and not message.upgrade


def _plain(message: RawRequestMessage) -> bool:
    return all(name.lower() in _PLAIN for name, _ in message.raw_headers)
