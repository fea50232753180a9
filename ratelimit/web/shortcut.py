"""The shortcut: a check that is here as a whole, and that what is in hand decides, is answered from within the connection's parser.

Most of what a check costs is not the decision but what stands around it: a request object, a response, two tasks and their turns of the
event loop. All that is for handlers that wait, and such a check waits for nothing. So this stands before a connection's own parser and
answers what can be answered at once; whatever else it parsed goes on to the ordinary path, as if there was no shortcut. That is

* anything but `POST /v1/check` over HTTP/1.1 on a connection that stays open, with its body there and the right token;
* what has to wait: for the store, for the answer to a request before it, for a client that reads slower than it asks;
* whatever is not answered with 200, and whatever raises: the ordinary path does it again, and says what is wrong.

The answers are those of the ordinary path, byte for byte. Without this file, and with a LaneServer in app.py, all is as before, only
slower.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import HttpVersion11, StreamReader
from aiohttp.http import RawRequestMessage
from aiohttp.web import BaseRequest, StreamResponse
from aiohttp.web_protocol import MAX_MSG_QUEUE_SIZE, RequestHandler

from ratelimit.web.body import MAX_BODY
from ratelimit.web.counts import Counts
from ratelimit.web.server import OPTIONS, LaneProtocol, LaneServer

AtOnce = Callable[[RawRequestMessage, bytes], bytes | None]

_Parsed = tuple[list[tuple[RawRequestMessage, StreamReader]] | tuple[()], bool, bytes]


class ShortcutServer(LaneServer):
    """Makes connections with a shortcut; `at_once` gives the whole answer to a request, or None where the ordinary path is to answer."""

    def __init__(self, handler: Callable[[Any], Awaitable[StreamResponse]], counts: Counts, at_once: AtOnce) -> None:
        super().__init__(handler, counts)
        self.at_once = at_once

    def __call__(self) -> RequestHandler:
        """A protocol for one connection."""
        return ShortcutProtocol(self, loop=self._loop, **OPTIONS)


class ShortcutProtocol(LaneProtocol):
    """A connection with a shortcut. It knows when an answer written now would not overtake another."""

    __slots__ = ("_answered", "_finished")

    def __init__(self, manager: ShortcutServer, **options: Any) -> None:
        super().__init__(manager, **options)
        self._finished = 0  # requests that the ordinary path has answered and kept the connection open for
        self._answered = False  # whether what came last had requests that are answered
        self._parser = Shortcut(self._parser, self, manager.at_once)  # type: ignore[assignment] # it has what is called of one

    @property
    def awaits_request(self) -> bool:
        """Whether nothing is queued or under way, and an answer can be written without waiting."""
        # _request_count: of the requests that the ordinary path was given. Its own state does not do, which says nothing of a request
        # whose task has not begun yet
        return self._request_count == self._finished and not self._paused

    def answer(self, answers: bytes) -> None:
        """Write the whole answers to requests that were parsed just now."""
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
    """A parser that answers what `at_once` has an answer to, and gives on the rest. It has all that aiohttp calls of its own parser."""

    __slots__ = ("_at_once", "_connection", "_parse", "feed_eof", "message_consumed", "pause_reading", "set_upgraded")

    def __init__(self, parser: Any, connection: ShortcutProtocol, at_once: AtOnce) -> None:
        self._parse = parser.feed_data
        self.message_consumed, self.pause_reading = parser.message_consumed, parser.pause_reading
        self.set_upgraded, self.feed_eof = parser.set_upgraded, parser.feed_eof
        self._connection, self._at_once = connection, at_once

    def feed_data(self, data: bytes) -> _Parsed:
        """Those of the requests in `data` that are for the ordinary path."""
        parsed: _Parsed = self._parse(data)
        messages, upgraded, tail = parsed
        # a parser whose queue is full holds more back, and the ordinary path knows when to go on
        if not messages or upgraded or len(messages) >= MAX_MSG_QUEUE_SIZE or not self._connection.awaits_request:
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
        self._connection.answer(b"".join(answers))
        return messages[len(answers) :], False, tail

    def _answer(self, message: RawRequestMessage, payload: StreamReader) -> bytes | None:
        if message.should_close or message.version != HttpVersion11 or not payload.total_bytes or not payload.is_eof():
            return None
        pieces = payload._buffer  # only looked at: reading would leave nothing for the ordinary path
        if len(pieces) != 1 or len(pieces[0]) > MAX_BODY or payload.exception() is not None:
            return None
        try:
            return self._at_once(message, pieces[0])
        except Exception:  # a bug: the ordinary path meets it again and answers for it
            return None
