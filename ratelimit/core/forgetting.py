"""How the store is told to forget an account: the calls of `forget.lua`, and the bytes by which it knows what is about them."""

from collections.abc import Iterable, Sequence
from struct import Struct as Layout
from typing import Final

import msgspec

from ratelimit.core.call import Call
from ratelimit.core.standing import Target

_STRING: Final = Layout(">BI")
_STRING_32: Final = 0xDB
JOURNAL: Final = "rl1:{forgotten}"
PIECE: Final = 500  # entries of a stream that one call looks at, some ms of the node's time


def without(key: str) -> Call:
    """The key goes."""
    return _call(key, "key")


def held(key: str) -> Call:
    """What the key holds."""
    return _call(key, "read")


def unlinked(log: str, account: int, other: int) -> Call:
    """A log of purchases no longer knows which account it was: the tag `other`, drawn for this, stands in its place."""
    return _call(log, "log", account, other)


def unsaid(stream: str, after: str, needles: Sequence[bytes]) -> Call:
    """PIECE entries of a stream after the one called `after` are looked at, and go if they are about them."""
    return _call(stream, "stream", after, PIECE, *needles)


def unrefused(names: str, needles: Sequence[bytes]) -> Call:
    """Messages to the ledger go that could not be read or written and are about them."""
    return _call(names, "list", *needles)


def noting(names: Iterable[str], at: float) -> Call:
    """The journal of the store: names of what was forgotten, and when the last time."""
    return _call(JOURNAL, "note", at, *names)


def noted(before: float) -> Call:
    """What the journal says, without what is from before that time."""
    return _call(JOURNAL, "noted", before)


def unsent(queue: str, needles: Sequence[bytes]) -> Call:
    """Messages to the site go that are about them."""
    return _call(queue, "queue", *needles)


def unheard(inbox: str, needles: Sequence[bytes]) -> Call:
    """Facts that wait for a purchase, or are dead, go if they are about them."""
    return _call(inbox, "inbox", *needles)


def packed_needles(targets: Iterable[Target]) -> list[bytes]:
    """As words that stand and messages to the ledger write them: MessagePack strings, of the value alone and of a subject in words."""
    return [msgspec.msgpack.encode(text) for target in targets for text in (target.value, str(target))]


def written_needles(values: Iterable[str]) -> list[bytes]:
    """As messages to the site write them: JSON, and that as a string in JSON."""
    plain = [msgspec.json.encode(value) for value in values]
    return [*plain, *(msgspec.json.encode(text.decode())[1:-1] for text in plain)]


def _call(key: str, what: str, *arguments: str | float | bytes) -> Call:
    return Call("forget", key, msgspec.msgpack.encode((what, *(_string(it) if isinstance(it, bytes) else it for it in arguments))))


def _string(raw: bytes) -> msgspec.Raw:
    """Bytes as a MessagePack string: the store's decoder knows no other kind."""
    return msgspec.Raw(_STRING.pack(_STRING_32, len(raw)) + raw)
