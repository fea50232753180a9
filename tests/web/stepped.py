"""A connection and a loop in which time is an argument, so that what happens, and when, is the same in every run.

The loop's time stands still as long as anything can happen at all, and then goes on to the next timer: waiting takes no time, and an
instant is as good as a byte to compare. Instants are the loop's, in seconds.
"""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any, Final

HIGH_WATER: Final = 4_096  # bytes that a client did not take, from which on writing is paused
_MOST_READ: Final = 262_144  # bytes that a real transport hands over at once


class SteppedLoop(asyncio.SelectorEventLoop):
    """A loop whose time goes on only when nothing is ready. `idle` is asked first; it says whether it made something happen."""

    def __init__(self) -> None:
        self.idle: list[Callable[[], bool]] = []
        self.now = 0.0
        self.unhandled: list[dict[str, Any]] = []
        super().__init__(_Stepping(self))
        self.set_exception_handler(lambda _, context: self.unhandled.append(context))

    def time(self) -> float:
        return self.now


class _Stepping(selectors.DefaultSelector):
    def __init__(self, loop: SteppedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout == 0 or any(step() for step in self._loop.idle):
            return []
        if timeout is None:
            raise AssertionError("everybody waits, and for nothing")
        self._loop.now += timeout
        return []


class Wire(asyncio.Transport):
    """A connection as the server has it. `heard` is what the client was sent, by the instant; `closed` is when the server ended it."""

    def __init__(self, protocol: Any, loop: SteppedLoop) -> None:
        super().__init__()
        self.heard: dict[float, bytes] = {}
        self.closed: float | None = None
        self._protocol, self._loop = protocol, loop
        self._coming, self._kept = b"", b""
        self._reading = self._taking = True
        protocol.connection_made(self)

    def arrive(self, data: bytes) -> None:
        """Bytes of the client, handed over at once, or as soon as they are read."""
        behind, self._coming = bool(self._coming), self._coming + data
        if not behind:
            self._deliver()

    def end(self) -> None:
        """The client sends no more."""
        if self.closed is None and not self._protocol.eof_received():
            self.close()

    def lose(self) -> None:
        """The client is gone."""
        if self.closed is None:
            self.closed = self._loop.now
            self._protocol.connection_lost(ConnectionResetError())

    def take(self, taking: bool) -> None:
        """Whether the client takes what it is sent."""
        self._taking = taking
        kept, self._kept = self._kept, b""
        if kept:
            self._keep(kept)
        if taking and len(kept) > HIGH_WATER:
            self._protocol.resume_writing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.closed is not None:
            return
        if self._taking:
            self._keep(bytes(data))
            return
        was, self._kept = len(self._kept), self._kept + bytes(data)
        if was <= HIGH_WATER < len(self._kept):
            self._protocol.pause_writing()

    def close(self) -> None:
        if self.closed is None:
            self.closed = self._loop.now
            self._loop.call_soon(self._protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self.closed is not None

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        if not self._reading:
            self._reading = True
            self._loop.call_soon(self._deliver)

    def _keep(self, data: bytes) -> None:
        self.heard[self._loop.now] = self.heard.get(self._loop.now, b"") + data

    def _deliver(self) -> None:
        if self._coming and self._reading and self.closed is None:
            data, self._coming = self._coming[:_MOST_READ], self._coming[_MOST_READ:]
            self._protocol.data_received(data)
            if self._coming:
                self._loop.call_soon(self._deliver)
