"""How a change of a word is asked of the store and read back. `standing.lua` is the contract.

A revision is 12 bytes that grow with every change of any word, so two can be compared, and none comes twice, not even for a word that was
taken away and made anew.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from ratelimit.core.call import Call
from ratelimit.core.standing import MOST_STANDING, Standing, StandingSource
from ratelimit.core.store_key import STANDING

NO_REVISION: Final = bytes(12)
# of all words that may stand, up to how full those of a source may make it: an attack that rules meet leaves room for holds and people
_ROOM: Final[Mapping[StandingSource, float]] = {"rule": 0.8, "hold": 0.95, "override": 1.0, "privacy": 1.0}
_REVISION: Final = struct.Struct(">QI")
_DECODER: Final = msgspec.msgpack.Decoder(Standing)
_ENCODER: Final = msgspec.msgpack.Encoder()


class Known(Struct, frozen=True, gc=False):
    """A word as of a revision; None is none."""

    revision: bytes
    standing: Standing | None


class Change(NamedTuple):
    """An entry of the stream: word `id` is `word` now, packed; empty: it was taken away. `number` counts them without a gap."""

    revision: bytes
    number: int
    id: str
    word: bytes


class Written(NamedTuple):
    """What became of a change: `done`, with the revision that it made; or what is there instead; or `full`."""

    done: bool
    now: Known
    full: bool = False


NOTHING: Final = Known(NO_REVISION, None)


def change(id: str, before: bytes, after: Standing | None) -> Call:
    """The call that makes `after` the word `id`, if its revision still is `before`."""
    name, most = id.encode(), int(MOST_STANDING * _ROOM[after.source]) if after is not None else MOST_STANDING
    head = most.to_bytes(4) + before + len(name).to_bytes(2) + name
    return Call("standing", STANDING, head + (b"" if after is None else _ENCODER.encode(after)))


def written(after: Standing | None, reply: Sequence[Any]) -> Written:
    """What the script said to `change`."""
    outcome, state = reply
    if outcome == 1:
        return Written(done=True, now=Known(state, after))
    return Written(done=False, now=known(state) if state else NOTHING, full=outcome < 0)


def known(state: bytes) -> Known:
    """A field of the hash."""
    return Known(state[: len(NO_REVISION)], unpacked(state[len(NO_REVISION) :]))


def unpacked(word: bytes) -> Standing:
    """A word that is there."""
    return _DECODER.decode(word)


def changed(entry: bytes, fields: Sequence[bytes]) -> Change:
    """An entry of the stream."""
    _, number, _, id, _, word = fields
    return Change(revision(entry), int(number), id.decode(), word)


def revision(entry: bytes) -> bytes:
    """The revision that a stream's entry makes."""
    ms, _, number = entry.partition(b"-")
    return _REVISION.pack(int(ms), int(number))
