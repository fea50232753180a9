"""One call of the operator lane: which it is, and who answers."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import web

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Route(NamedTuple):
    """`free`: RATELIMIT_OPERATOR_TOKEN is not asked for, since the call has a proof of its own."""

    method: str
    path: str
    handle: Handle
    free: bool = False
