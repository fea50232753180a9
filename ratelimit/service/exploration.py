"""Draws the few risky subjects whom the model does not slow down today, so that it can be known what they would have done.

Without them nobody can say whether a refusal was right. The lot is a keyed hash of subject and day (UTC): all sidecars draw the same, it
stays for the day, and who does not have the store key cannot foretell it.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from ratelimit.core.risk import Risk

_DAY_S: Final = 86_400
_BYTES: Final = 8


class Exploration:
    """By `wall`, the seconds since the epoch."""

    def __init__(self, secret: bytes, wall: Callable[[], float]) -> None:
        self._keyed = blake2b(key=secret, digest_size=_BYTES, person=b"rl explore")
        self._wall = wall

    def __call__(self, found: Risk, share: float) -> bool:
        """Whether the subject is among that share of all, today."""
        lot = self._keyed.copy()
        subject = found.subject.encode("utf-8", "surrogatepass") if isinstance(found.subject, str) else found.subject
        lot.update(b"%d %s " % (int(self._wall()) // _DAY_S, found.kind.encode()) + subject)
        return int.from_bytes(lot.digest()) < share * 256**_BYTES
