"""The names of buckets and counters in the store: fixed length, no raw key in them, and none that another limit could have.

Parts are hashed with their lengths before them, so no joining of two names can look like a third (`a_b` + `c`, `a` + `b_c`).
"""

from hashlib import blake2b
from typing import Final

from ratelimit.core.base32 import DIGEST_BYTES, base32
from ratelimit.core.limit import Limit
from ratelimit.core.subject import Value

BUCKET: Final = "rl1:b:"
QUOTA: Final = "rl1:q:"
META: Final = "rl:meta"  # holds the check value of the store key


class StoreKeys:
    """Names for (limit, subject), keyed with the store key of 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = blake2b(key=secret, digest_size=DIGEST_BYTES, person=b"rl store key")
        self.check_value = blake2b(b"check", key=secret, digest_size=DIGEST_BYTES, person=b"rl store key").hexdigest()

    def name(self, limit: Limit, value: Value) -> str:
        """`rl1:b:` or `rl1:q:` and 26 characters."""
        values = value if isinstance(value, tuple) else (value,)
        digest = self._keyed.copy()
        for part in (limit.name, *limit.per):
            _add(digest, part.encode())
        for single in values:
            _add(digest, single.encode("utf-8", "surrogatepass") if isinstance(single, str) else single)
        return (BUCKET if limit.quota is None else QUOTA) + base32(digest.digest())


def _add(digest: "blake2b", part: bytes) -> None:
    digest.update(len(part).to_bytes(4))
    digest.update(part)
