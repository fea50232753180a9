"""How a call on buckets is written for `acquire.lua`, and how its reply and its state read. The script's header is the contract."""

from struct import Struct, calcsize
from typing import Final

from ratelimit.core.bucket import Acquire, Bucket, Grant, Terms

_STATE: Final = Struct("<4d")
_LEASED: Final = Struct("<9d")
_LAYOUTS: Final = [Struct(f"<{13 + needs}d") for needs in range(64)]  # compiled once; longer lists are rare


def packed(terms: Terms, call: Acquire) -> bytes:
    """One bucket's call as the doubles that the script unpacks."""
    needs = call.needs
    count = len(needs)
    layout = _LAYOUTS[count] if count < len(_LAYOUTS) else Struct(f"<{13 + count}d")
    return layout.pack(*terms, *call[1:], count, *needs)


def grant(reply: list[int]) -> Grant:
    """One bucket's part of the reply."""
    return Grant(reply[0], reply[1], reply[2], reply[3], reply[4], reply[5:])


def bucket(state: bytes | None) -> Bucket:
    """What the store keeps for a bucket, as the core's own; for tests and inspection."""
    if state is None:
        return Bucket()
    at, debt, num, per, *lease = map(int, (_LEASED if len(state) == calcsize("<9d") else _STATE).unpack(state))
    return Bucket(num, per, at, debt, *lease)
