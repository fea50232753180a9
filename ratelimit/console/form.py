"""A form of a page: `application/x-www-form-urlencoded` into the struct that the same call of the API takes as JSON.

What is wrong with it comes back beside its fields. An empty field is one that was not filled in. A field that stands several times, and
each that the struct has as a list, is a list. Fields of a struct in it are named with a point: `anchor.kind`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar, get_origin, get_type_hints
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from msgspec import Struct

from ratelimit.web.body import MAX_BODY, misfit, read_body
from ratelimit.web.problems import ClientError

KIND: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 1_000
_LISTS: Final = (list, tuple, set, frozenset)

Model = TypeVar("Model", bound=Struct)


class FormError(Exception):
    """A form that cannot be taken as it is. `wrong` says what is wrong by field; "" is the form as a whole."""

    def __init__(self, wrong: Mapping[str, str], given: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {what}" if field else what for field, what in wrong.items()))
        self.wrong, self.given = wrong, given


async def fields(request: web.Request) -> list[tuple[str, str]]:
    """What was filled in, in its order; ClientError for what is no form."""
    if request.content_type != KIND:
        raise ClientError(415, f"a form is sent as {KIND}")
    body = await read_body(request, MAX_BODY)
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=_MOST_FIELDS, errors="strict"
        )
    except (UnicodeDecodeError, ValueError):
        raise ClientError(400, "the form is not encoded as a browser encodes it") from None


async def read(request: web.Request, model: type[Model]) -> Model:
    """The form of a request as the struct; FormError says what is wrong where, ClientError that it is no form."""
    return parse(await fields(request), model)


def parse(given: Iterable[tuple[str, str]], model: type[Model]) -> Model:
    """Fields and values as the struct; raises FormError."""
    given = [(name, value.strip()) for name, value in given]
    try:
        return msgspec.convert(_nested(given, model), model, strict=False)
    except msgspec.ValidationError as error:
        found = misfit(str(error), model)
        raise FormError({found.path.removeprefix("$").strip(".").partition("[")[0]: found.text}, dict(given)) from None


def _nested(given: Iterable[tuple[str, str]], model: type[Struct]) -> dict[str, Any]:
    lists = {name for name, kind in get_type_hints(model).items() if _is_list(kind)}
    content: dict[str, Any] = {}
    for name, value in given:
        if not value:
            continue
        *path, last = name.split(".")
        place = content
        for part in path:
            inner = place.setdefault(part, {})
            place = inner if isinstance(inner, dict) else place
        if last in place and isinstance(place[last], list):
            place[last].append(value)
        elif last in place:
            place[last] = [place[last], value]
        else:
            place[last] = [value] if not path and last in lists else value
    return content


def _is_list(kind: Any) -> bool:
    return kind in _LISTS or get_origin(kind) in _LISTS
