"""How far a change has got of the words that stand, or of what lies on the rules: of the sidecars that live, how many have heard of it.

`reach.lua` is the contract. Revisions of words grow; those of rules are digests, and only who has that very one has heard.

Both times behind `after_s` are the store's, so no two clocks are compared. A sidecar tells a moment after it has heard, and of changes that
follow one another closely only the last: `after_s` is at most too long.
"""

import struct
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ratelimit.core.call import Call
from ratelimit.core.overlay import OVERLAY
from ratelimit.core.standing_change import NO_REVISION
from ratelimit.core.store_key import REACH

RULES_REACH: Final = f"{OVERLAY}:reach"
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


def living(id: bytes, revision: bytes, key: str = REACH) -> Call:
    """The call by which a sidecar says that it lives, and up to which revision it has heard."""
    return Call("reach", key, id + revision)


def going(id: bytes, key: str = REACH) -> Call:
    """The call by which it says that it goes."""
    return Call("reach", key, id)


def asking(key: str = REACH) -> Call:
    """The call that asks how far all are."""
    return Call("reach", key, b"")


def of_rules(revision: str) -> bytes:
    """The revision of what lies on the rules, as it is told; '' is that of nothing."""
    return bytes.fromhex(revision).ljust(len(NO_REVISION), b"\0")


def reach_of(revision: bytes, reply: Sequence[bytes]) -> Reach:
    """What the answer says of one revision."""
    told = [_HEARD.unpack(state) for state in reply[1::2]]
    made_ms, _ = _REVISION.unpack(revision)
    reached_ms = [at_ms for at_ms, heard in told if heard >= revision]
    return Reach(len(told), len(reached_ms), max(0, max(reached_ms) - made_ms) / 1_000 if reached_ms else None)


def rules_reach_of(revision: bytes, reply: Sequence[bytes]) -> Reach:
    """The same of the rules; nobody knows when that revision was made."""
    return Reach(len(reply) // 2, sum(state[-len(revision) :] == revision for state in reply[1::2]))
