"""Accepts from a socket that several processes accept from, so that each gets about as many connections.

Whoever is woken first would take all that wait: a gateway opens its connections at once and keeps them, and one process would do the work
of all. So each takes one, leaves the others a moment, then takes two, four, eight, as long as somebody waits. A gateway that opens a
connection for every request is kept waiting for a moment or two, and no rate is too high.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Final

import structlog
from aiohttp.web import Server

PAUSE_S: Final = 0.001  # as short as timers go
_WITHOUT_DESCRIPTORS_S: Final = 1.0  # until the next attempt, when there are too many open files

_log = structlog.get_logger()


class FairAccept:
    """A server on a listening socket, which it takes."""

    def __init__(self, lane: Server, sock: socket.socket) -> None:
        self._lane, self._sock = lane, sock
        self._loop = asyncio.get_running_loop()
        self._most = 1
        self._pause: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[object]] = set()
        sock.setblocking(False)
        self._loop.add_reader(sock, self._round)

    def close(self) -> None:
        """Take whoever still waits, and nobody any more."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._sock)
        with suppress(OSError):
            while self._accept():
                pass
        self._sock.close()

    def _round(self) -> None:
        self._loop.remove_reader(self._sock)
        try:
            for _ in range(self._most):
                if not self._accept():
                    self._most = 1
                    self._loop.add_reader(self._sock, self._round)
                    return
        except OSError as error:
            _log.error("nobody can be let in for now", error=error.strerror)
            self._most, pause_s = 1, _WITHOUT_DESCRIPTORS_S
        else:
            self._most, pause_s = self._most * 2, PAUSE_S
        self._pause = self._loop.call_later(pause_s, self._round)

    def _accept(self) -> bool:
        """Whether somebody was there."""
        try:
            connection, _ = self._sock.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another was faster; who waited has gone
            return False
        connection.setblocking(False)
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._lane, connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True
