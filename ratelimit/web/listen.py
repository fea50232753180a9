"""Opens a lane at a place, and closes it without cutting anyone off."""

import asyncio
import errno
import socket
from typing import Final

from aiohttp.web import Server

from ratelimit.core.errors import ConfigError
from ratelimit.setting_value import Address
from ratelimit.web.fair_accept import FairAccept
from ratelimit.web.place import Place, bind

_BACKLOG: Final = 1_024
_TURNS: Final = (
    5  # of the loop, in which it accepts who is waiting, reads what they have sent and hands it over; asyncio's own loop takes 5
)
_REASONS: Final = {
    errno.EADDRINUSE: "something else listens there",
    errno.EACCES: "this user may not listen there",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
    errno.ENOENT: "its folder does not exist; make it",
}


class Listener:
    """A lane that listens. `address` has the port that was given where any free one was asked for."""

    def __init__(self, lane: Server, listening: list[asyncio.Server | FairAccept], place: Place) -> None:
        self.address: Final = place.address
        self._lane, self._listening, self._place = lane, listening, place

    async def close(self, grace_s: float = 10.0) -> None:
        """Accept nobody any more, let requests under way come to their end, close connections that wait for their next.

        What has arrived is under way, though nobody has looked at it yet: who still stands in the queue of a socket that is closed is
        reset, and whose request is not read yet seems to wait for their next.
        """
        await _look_around()
        self._place.vacate()
        for listening in self._listening:
            listening.close()
        self._place.close()
        await _look_around()
        self._lane.pre_shutdown()
        await self._lane.shutdown(grace_s)


async def reserve(address: Address, variable: str) -> Place:
    """Bind the address and let nobody in yet; raises ConfigError, which names the `variable` that says it, where that cannot be."""
    try:
        return await bind(address, variable)
    except (OSError, ValueError) as error:  # ValueError: a name that is none
        raise _cannot(variable, address, error) from None


async def listen(lane: Server, address: Address, variable: str) -> Listener:
    """Let `lane` answer at `address`; raises ConfigError as `reserve` does."""
    return await listen_at(lane, await reserve(address, variable), variable)


async def listen_at(lane: Server, place: Place, variable: str) -> Listener:
    """Let `lane` answer at a place that is bound; raises ConfigError as `reserve` does."""
    listening: list[asyncio.Server | FairAccept] = []
    try:
        for sock in place.sockets:
            sock.listen(_BACKLOG)  # though the loop does it too: uvloop does not tell us when it fails
            listening.append(FairAccept(lane, sock) if place.crowded else await _accept(lane, sock))
    except OSError as error:  # two may bind at the same time, and the first to listen has it
        for opened in listening:
            opened.close()
        place.close()
        raise _cannot(variable, place.address, error) from None
    return Listener(lane, listening, place)


async def _accept(lane: Server, sock: socket.socket) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    create = loop.create_unix_server if sock.family == socket.AF_UNIX else loop.create_server
    return await create(lane, sock=sock, backlog=_BACKLOG)


def share(place: Place, variable: str) -> list[socket.socket]:
    """Sockets for one more process to listen with at this place; raises ConfigError as `reserve` does."""
    try:
        return place.share()
    except OSError as error:  # somebody came in between while nobody listened
        raise _cannot(variable, place.address, error) from None


async def _look_around() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


def _cannot(variable: str, address: Address, error: Exception) -> ConfigError:
    number = error.errno if isinstance(error, OSError) else None
    reason = _REASONS.get(number or 0, str(error))
    return ConfigError([f"{variable}={address}: cannot listen: {reason}; mend that, or set {variable} to another address"])
