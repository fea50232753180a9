"""The digests of the audit's chain. Pure; `review/audit.py` keeps it.

Each entry has two. `content_digest` is of what it says, salted, so that nobody who has the digest alone can try out what it was: once
content and salt are gone, it says nothing any more. `link` is of the entry itself and of the link before it, so that one that is changed,
taken out or put in between breaks every link behind it.
"""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Struct

SALT_BYTES: Final = 16  # what BLAKE2b takes
DIGEST_BYTES: Final = 32
START: Final = bytes(DIGEST_BYTES)  # the link before the first entry


class Entry(Struct, frozen=True, kw_only=True):
    """What the chain holds of an entry for good. `at` is seconds since the epoch, `case` a case's number."""

    seq: int
    at: float
    actor: str
    kind: str
    case: int | None
    content_digest: bytes


def content_text(content: Mapping[str, Any]) -> str:
    """Content as it is kept: ASCII, which no database reads otherwise than it was written."""
    return json.dumps(msgspec.to_builtins(content), ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def content_digest(salt: bytes, text: str) -> bytes:
    """The digest of a content."""
    return blake2b(text.encode(), digest_size=DIGEST_BYTES, salt=salt, person=b"audit content").digest()


def link(before: bytes, entry: Entry) -> bytes:
    """The link of an entry whose predecessor has the link `before`."""
    told = msgspec.msgpack.encode((entry.seq, float(entry.at), entry.actor, entry.kind, entry.case, entry.content_digest))
    return blake2b(before + told, digest_size=DIGEST_BYTES, person=b"audit link").digest()
