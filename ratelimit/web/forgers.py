"""Who sent what was signed wrongly, too often: an own bucket for each peer, in this process alone. Times are microseconds."""

from collections import OrderedDict
from typing import Final

from ratelimit.core.bucket import Acquire, Bucket, Terms
from ratelimit.core.units import Refill

_TERMS: Final = Terms(20, *Refill.parse("1/s"))  # mistakes that one peer may make
_MOST_PEERS: Final = 1_000


class _Peer:
    def __init__(self) -> None:
        self.bucket = Bucket(_TERMS.num, _TERMS.per)
        self.until = 0


class Forgers:
    """The peers that are remembered, those who tried last."""

    def __init__(self) -> None:
        self._peers: OrderedDict[str, _Peer] = OrderedDict()

    def wait(self, peer: str, now_us: int) -> int:
        """How long this peer is not listened to; 0 is not at all."""
        found = self._peers.get(peer)
        return max(0, found.until - now_us) if found is not None else 0

    def caught(self, peer: str, now_us: int) -> None:
        """It sent something that was signed wrongly."""
        found = self._peers.setdefault(peer, _Peer())
        self._peers.move_to_end(peer)
        if len(self._peers) > _MOST_PEERS:
            self._peers.popitem(last=False)
        found.until = now_us + found.bucket.acquire(now_us, _TERMS, Acquire((1,))).retries[0]
