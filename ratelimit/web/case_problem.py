"""What goes wrong with cases, as problems of HTTP, and how a call of theirs reads what it was sent."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from ratelimit.core.expectation import meant
from ratelimit.review.case_error import CaseError, ConflictError, ForbiddenError, LockedError, NotFoundError
from ratelimit.review.deed_check import DeedError
from ratelimit.web.body import MAX_BODY, misfit, read_body, undecodable
from ratelimit.web.problems import ClientError

T = TypeVar("T", bound=Struct)

_STATUSES: Final[Mapping[type[CaseError], int]] = {NotFoundError: 404, ConflictError: 409, LockedError: 409, ForbiddenError: 403}


@contextmanager
def as_problems() -> Iterator[None]:
    """What goes wrong inside is the request's mistake."""
    try:
        yield
    except DeedError as error:
        raise ClientError(422, str(error), path=error.path) from None
    except CaseError as error:
        status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 422)
        raise ClientError(status, str(error)) from None


async def asked(request: web.Request, shape: type[T], *, empty: T | None = None) -> T:
    """The body as that shape; `empty` is what no body at all stands for."""
    body = await read_body(request, MAX_BODY)
    if not body and empty is not None:
        return empty
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise undecodable(request, body, error, shape) from None


def query_of(request: web.Request, shape: type[T]) -> T:
    """The query as that shape; each name once."""
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in shape.__struct_fields__:
            raise ClientError(422, f"{name[:40]!r} is nothing to ask for here{meant(name, shape.__struct_fields__)}")
        if name in given:
            raise ClientError(422, f"{name} is there twice; expected it once")
        given[name] = value
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        found = misfit(str(error), shape)
        raise ClientError(422, f"{found.path}: {found.text}", path=found.path) from None
