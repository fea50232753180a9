"""Digests as short text: RFC 4648 base32 in lower case without padding, 26 characters for 16 bytes. Safe in keys, headers and URLs."""

from typing import Final

DIGEST_BYTES: Final = 16

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS: Final = tuple(a + b for a in _ALPHABET for b in _ALPHABET)  # two characters, 10 bits at a time: half the cost of base64.b32encode
_SHIFTS: Final = range(120, -1, -10)


def base32(digest: bytes) -> str:
    """The 26 characters of a digest of DIGEST_BYTES."""
    bits = int.from_bytes(digest) << 2  # 128 bits fill 26 characters but for two bits, which are 0
    return "".join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])
