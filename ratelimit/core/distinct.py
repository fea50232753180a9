"""Which bit of a distinct count a value sets, see core/profile. A keyed hash chooses, so nobody outside can make values share one."""

from hashlib import blake2b
from typing import Final

from ratelimit.core.profile import BITS, DISTINCT, FEW_BITS

_KEPT: Final = 16_384  # values whose bit is remembered; to hash one takes ten times as long as to look it up
_LONGEST_KEPT: Final = 256  # characters
_BYTES: Final = sum(width for _, width in DISTINCT) // 8

Bits = list[int]  # a mask for each of DISTINCT


class Distinct:
    """Chooses bits, keyed with the store key of 32 bytes: the same for all sidecars of a store."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = blake2b(key=secret, digest_size=2, person=b"rl distinct")
        self._known: dict[str | bytes, int] = {}

    def bit(self, value: str | bytes) -> int:
        """A number below BITS."""
        known = self._known.get(value)
        if known is not None:
            return known
        keyed = self._keyed.copy()
        keyed.update(value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass"))
        found = int.from_bytes(keyed.digest()) % BITS
        if len(value) <= _LONGEST_KEPT:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[value] = found
        return found

    def mask(self, value: str | bytes) -> int:
        """For a count of BITS."""
        return 1 << self.bit(value)

    def few(self, value: str | bytes) -> int:
        """For a count of FEW_BITS."""
        return 1 << self.bit(value) % FEW_BITS


def packed(bits: Bits) -> bytes:
    """As a merge carries them."""
    paths, peers, networks, agents, countries = bits  # as one number, since each call costs more than these shifts
    together = paths | peers << BITS | networks << 2 * BITS | agents << 3 * BITS | countries << 3 * BITS + FEW_BITS
    return together.to_bytes(_BYTES, "little")


NO_BITS: Final = packed([0] * len(DISTINCT))
