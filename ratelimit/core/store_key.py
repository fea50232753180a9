"""The names of buckets and counters in the store: fixed length, no raw key in them, and none that another limit could have.

Parts are hashed with their lengths before them, so no joining of two names can look like a third (`a_b` + `c`, `a` + `b_c`).
"""

from binascii import b2a_base64
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Final

from ratelimit.core.limit import Limit
from ratelimit.core.subject import Value

BUCKET: Final = "rl1:b:"
QUOTA: Final = "rl1:q:"
PROFILE: Final = "rl1:p:"
PROFILES: Final = "rl1:profiles"  # the sample by which they are counted
VELOCITY: Final = "rl1:v:"  # what was bought of late by an account, with a card, from an address, ...
TALLY: Final = "rl1:t:"  # how purchases go, all together and by country, brand and funding
BOOK: Final = "rl1:o:"  # what is known of a purchase
ALLOWANCE: Final = "rl1:a:"  # what was taken of a sum of money
STANDING: Final = "rl1:{standing}"  # the words that stand; beside it on the same node their changes
REACH: Final = f"{STANDING}:reach"  # how far each sidecar has heard of them
STRIPE: Final = "rl1:{stripe}"  # the inbox of what the payment service tells
RECORDS: Final = "rl1:{records}"  # what is on its way to the ledger
SESSIONS: Final = "rl1:{sessions}"  # who is logged in to the console
ATTEMPT: Final = "rl1:l:"  # how often it was tried in vain to log in
META: Final = "rl:meta"  # holds the check value of the store key

_DIGEST_BYTES: Final = 16
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class StoreKeys:
    """Names for (limit, subject), keyed with the store key of 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = blake2b(key=secret, digest_size=_DIGEST_BYTES, person=b"rl store key")
        self.check_value = blake2b(b"check", key=secret, digest_size=_DIGEST_BYTES, person=b"rl store key").hexdigest()

    def namer(self, limit: Limit) -> Callable[[Value], str]:
        """Made once per limit, it names a subject: `rl1:b:` or `rl1:q:` and 22 characters, a digest in base64 for URLs.

        Names are not shown to anybody, so they are written in what costs least: base32 takes six times as long.
        """
        return self._namer(BUCKET if limit.quota is None else QUOTA, (limit.name, *limit.per))

    def profile_namer(self, kind: str) -> Callable[[Value], str]:
        """The same for profiles of subjects of a kind: `rl1:p:` and 22 characters."""
        return self._namer(PROFILE, ("profile", kind))

    def namer_of(self, prefix: str, *parts: str) -> Callable[[Value], str]:
        """The same for other things, of which `parts` say what they are."""
        return self._namer(prefix, parts)

    def _namer(self, prefix: str, parts: Iterable[str]) -> Callable[[Value], str]:
        of_parts = self._keyed.copy()
        for part in parts:
            _add(of_parts, part.encode())

        def name(value: Value) -> str:
            digest = of_parts.copy()
            for single in value if isinstance(value, tuple) else (value,):
                _add(digest, single.encode("utf-8", "surrogatepass") if isinstance(single, str) else single)
            return prefix + b2a_base64(digest.digest(), newline=False)[:-2].translate(_URL_SAFE).decode()

        return name

    def name(self, limit: Limit, value: Value) -> str:
        """The name of a single one."""
        return self.namer(limit)(value)


def _add(digest: "blake2b", part: bytes) -> None:
    digest.update(len(part).to_bytes(4))
    digest.update(part)
