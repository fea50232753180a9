"""How far a change of the words that stand has got: of the sidecars that live, how many have heard of it. `reach.lua` is the contract.

Both times behind `after_s` are the store's, so no two clocks are compared. A sidecar tells a moment after it has heard, and of changes that
follow one another closely only the last: `after_s` is at most too long.
"""

import struct
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ratelimit.core.call import Call
from ratelimit.core.store_key import REACH

ID_BYTES: Final = 8
_HEARD: Final = struct.Struct(">Q12s")
_REVISION: Final = struct.Struct(">QI")


class Reach(Struct, frozen=True):
    """`reached` of `sidecars` have heard; `after_s` is how long it took the last of these, None if there is none."""

    sidecars: int
    reached: int
    after_s: float | None = None

    @property
    def whole(self) -> bool:
        """Whether there is none that has not."""
        return self.reached == self.sidecars


def living(id: bytes, revision: bytes) -> Call:
    """The call by which a sidecar says that it lives, and up to which revision it has heard."""
    return Call("reach", REACH, id + revision)


def going(id: bytes) -> Call:
    """The call by which it says that it goes."""
    return Call("reach", REACH, id)


def asking() -> Call:
    """The call that asks how far all are."""
    return Call("reach", REACH, b"")


def reach_of(revision: bytes, reply: Sequence[bytes]) -> Reach:
    """What the answer says of one revision."""
    told = [_HEARD.unpack(state) for state in reply[1::2]]
    made_ms, _ = _REVISION.unpack(revision)
    reached_ms = [at_ms for at_ms, heard in told if heard >= revision]
    return Reach(len(told), len(reached_ms), max(0, max(reached_ms) - made_ms) / 1_000 if reached_ms else None)
