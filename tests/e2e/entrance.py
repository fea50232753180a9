"""Asks a limiter by the way of its lane's shortcut: bytes of a request go in, bytes of the answer come out, without a socket between."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from ratelimit.core.address import format_address
from ratelimit.core.identity import ApiKeys
from ratelimit.service.limiter import Limiter
from ratelimit.web.counts import Counts
from ratelimit.web.gateway import GatewayLane
from ratelimit.web.health import Health
from ratelimit.web.shortcut import ShortcutProtocol, ShortcutServer

Answered = Callable[[bytes], None]


class Wire(asyncio.Transport):
    """One connection, on which one question is under way at a time."""

    def __init__(self, server: ShortcutServer) -> None:
        super().__init__()
        self.answered: Answered | None = None
        protocol = server()
        assert isinstance(protocol, ShortcutProtocol)
        self.protocol = protocol
        protocol.connection_made(self)

    def write(self, data: Any) -> None:
        answered, self.answered = self.answered, None
        assert answered is not None, "an answer that nobody asked for"
        answered(bytes(data))


class Entrance:
    """As many connections as are needed at the same time."""

    def __init__(self, limiter: Limiter, keys: ApiKeys) -> None:
        lane = GatewayLane(limiter, keys, Health(lambda: False), Counts(), None)
        self._server = ShortcutServer(lane, Counts(), lane)
        self._wires: list[Wire] = []
        self._free: list[Wire] = []

    @property
    def ordinary(self) -> int:
        """Requests that the shortcut left to the ordinary path."""
        return sum(wire.protocol._request_count for wire in self._wires)

    def ask(self, answered: Answered, *, path: str, cost: int, ip: bytes | None, **caller: str | None) -> None:
        """Ask; `answered` is called with all bytes of the answer, at once or later."""
        if not self._free:
            self._free.append(Wire(self._server))
            self._wires.append(self._free[-1])
        wire = self._free.pop()

        def done(answer: bytes) -> None:
            self._free.append(wire)
            answered(answer)

        wire.answered = done
        body = msgspec.json.encode({"method": "GET", "path": path, "cost": cost, "ip": ip and format_address(ip), **caller})
        wire.protocol.data_received(b"POST /v1/check HTTP/1.1\r\nHost: sidecar\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
