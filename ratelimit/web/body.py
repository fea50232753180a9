"""Reads a request's body, as far as it is worth reading, and decodes it; every failure is a problem that names the field.

A body that is already there is taken without a task, a timer or a wait. One that is not has BODY_S seconds in all, and is read no further
than its limit. Sizes are bytes.
"""

import asyncio
import re
from typing import Final, NamedTuple, TypeVar

import msgspec
from aiohttp.web import BaseRequest, RequestPayloadError
from msgspec import Struct

from ratelimit.core.expectation import meant
from ratelimit.web.problems import ClientError

BODY_S: Final = 5.0
MAX_BODY: Final = 65_536
MAX_BATCH_BODY: Final = 1_048_576

T = TypeVar("T", bound=Struct)

_AT: Final = re.compile(r" - at `([^`]*)`$")
_FIELD: Final = re.compile(r"Object (missing required|contains unknown) field `(.*)`$", re.DOTALL)
_PLAIN: Final = re.compile(r"\w{1,40}", re.ASCII)
_MOST_DETAIL: Final = 300  # characters


class Misfit(NamedTuple):
    """Where a document does not fit its shape, as a JSON path, and what was found there."""

    path: str
    text: str


def whole_body(request: BaseRequest, limit: int) -> bytes | None:
    """The body if all of it is there, else None; raises ClientError if it is over `limit`."""
    content = request.content
    if not content.is_eof():
        return None
    body = content.read_nowait(-1)
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def read_body(request: BaseRequest, limit: int) -> bytes:
    """The body, waited for; raises ClientError if it is too large, too slow or broken."""
    declared = request.headers.get("Content-Length")
    if declared is not None and int(declared) > limit:  # the parser has seen that it is a number
        raise _too_large(limit)
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # no part of the answer
    try:
        async with asyncio.timeout(BODY_S):
            return await _read(request, limit)
    except TimeoutError:
        raise ClientError(408, f"the body did not arrive within {BODY_S:g} s; send it at once", close=True) from None
    except RequestPayloadError:
        raise ClientError(400, "the body breaks off or its chunks are not as RFC 9112 has them", close=True) from None


async def _read(request: BaseRequest, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := await request.content.readany():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _too_large(limit: int) -> ClientError:
    return ClientError(413, f"the body is over {limit} bytes; a check, or an event, takes a few hundred", close=True)


def undecodable(request: BaseRequest, body: bytes, error: Exception, shape: type[Struct]) -> ClientError:
    """The problem of a body that `shape` could not be made of."""
    coding = request.headers.get("Content-Encoding", "identity")
    if coding.lower() != "identity":
        return ClientError(415, "the body has a Content-Encoding; send it as it is", headers={"Accept-Encoding": "identity"})
    if not body:
        return ClientError(400, f"the body is empty; expected a JSON object with {', '.join(shape.__struct_fields__)}")
    if isinstance(error, msgspec.ValidationError):
        found = misfit(str(error), shape)
        return ClientError(422, f"{found.path}: {found.text}", path=found.path)
    if isinstance(error, UnicodeDecodeError):
        return ClientError(400, "a text in the body is not UTF-8; expected JSON in UTF-8")
    return ClientError(400, f"the body is not JSON: {str(error)[:_MOST_DETAIL]}")


def misfit(message: str, shape: type[Struct]) -> Misfit:
    """What msgspec says of a document that does not fit `shape`, in our words."""
    found = _AT.search(message)
    path = found[1] if found else "$"
    text = message[: found.start()] if found else message
    if field := _FIELD.match(text):
        missing, name = field[1].startswith("missing"), field[2]
        if _PLAIN.fullmatch(name):
            path = f"{path}.{name}"
        text = "is missing" if missing else f"is not a field here{meant(name, _known(path, shape))}"
    else:
        text = text[:1].lower() + text[1:]
    return Misfit(path, text[:_MOST_DETAIL])


def _known(path: str, shape: type[Struct]) -> tuple[str, ...]:
    if path.count(".") > 1:  # an unknown field of one check in a batch
        inner: type[Struct] = msgspec.inspect.type_info(shape).fields[0].type.item_type.cls  # type: ignore[attr-defined]
        return inner.__struct_fields__
    return shape.__struct_fields__
