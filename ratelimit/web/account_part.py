"""What calls and pages about accounts share: where somebody is, and what is told where something cannot be done."""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from ratelimit.core.address import format_address, parse_address
from ratelimit.core.browser import browser
from ratelimit.review.account import AccountError, Kind, Where
from ratelimit.service.passwords import BusyError
from ratelimit.web.origin import Origin
from ratelimit.web.problems import ClientError

STATUS: Final[dict[Kind, int]] = {"missing": 404, "conflict": 409, "forbidden": 403, "invalid": 422, "refused": 401, "locked": 429}
_PREFIX: Final = {4: 24, 16: 48}  # bits of an address by which somebody knows a place again


def where(request: web.Request, origin: Origin) -> Where:
    """Where somebody is."""
    address = origin.address(request)
    packed = parse_address(address)
    network = format_address(packed, _PREFIX[len(packed)]) if packed is not None else "this machine"
    return Where(address, network, browser(request.headers.get("User-Agent")))


@asynccontextmanager
async def told(wall: Callable[[], float]) -> AsyncIterator[None]:
    """Turns what cannot be done into a problem."""
    try:
        yield
    except AccountError as error:
        raise problem(error, wall()) from None
    except BusyError:
        raise busy() from None


def problem(error: AccountError, now: float) -> ClientError:
    """The problem of it."""
    headers = {"Retry-After": str(max(1, math.ceil(error.until - now)))} if error.until is not None else {}
    path = f"$.{error.path}" if error.path else ""
    detail = f"{path}: {error}" if path else str(error)
    if path:
        return ClientError(STATUS[error.kind], detail, path=path, headers=headers)
    return ClientError(STATUS[error.kind], detail, headers=headers)


def busy() -> ClientError:
    """Too many passwords at once."""
    return ClientError(503, "too many log in at this moment; try again", headers={"Retry-After": "1"})
