"""How a merge into a profile is written for `profile.lua`. The script's header is the contract."""

from struct import Struct
from typing import Final

from ratelimit.core.profile import PART_COUNTS, Merge

_HEAD: Final = Struct("<fIB")
_PARTS: Final = Struct("<H")
_PART_BYTES: Final = 8 * (1 + PART_COUNTS)  # doubles: the tick and the counts


def packed(merge: Merge) -> bytes:
    """One profile's merge as the script unpacks it."""
    head = _HEAD.pack(merge.risk, merge.model, merge.only_known)
    return b"".join((head, merge.bits, _PARTS.pack(len(merge.parts) // _PART_BYTES), merge.parts))
