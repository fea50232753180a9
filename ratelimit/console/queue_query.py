"""The queue's filter and its address: all of it stands in the URL, so that back, reload and a saved view give the same page."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from ratelimit.core.expectation import meant
from ratelimit.ledger.cases import QueueFilter
from ratelimit.web.problems import ClientError

QUEUE: Final = "/queue"
_DEFAULT: Final = QueueFilter()


def filter_of(query: Iterable[tuple[str, str]]) -> QueueFilter:
    """The filter that an address names; ClientError says what of it is wrong."""
    given = {name: value for name, value in query if value}
    if unknown := given.keys() - set(QueueFilter.__struct_fields__):
        name = min(unknown)
        raise ClientError(422, f"{name[:40]!r} is no filter of the queue{meant(name, QueueFilter.__struct_fields__)}")
    try:
        return msgspec.convert(given, QueueFilter, strict=False)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        raise ClientError(422, f"{path.rstrip('`') or 'the filter'}: {what[:1].lower()}{what[1:]}") from None


def address(wanted: QueueFilter, path: str = QUEUE, **changes: Any) -> str:
    """The address of that filter with those changes. What is as it is by default is left out."""
    query = urlencode(parts(msgspec.structs.replace(wanted, **{"after": None, **changes})))
    return f"{path}?{query}" if query else path


def parts(wanted: QueueFilter) -> Mapping[str, str]:
    """The fields that are not as they are by default, as text."""
    given = {name: getattr(wanted, name) for name in QueueFilter.__struct_fields__}
    return {name: _text(value) for name, value in given.items() if value != getattr(_DEFAULT, name)}


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
