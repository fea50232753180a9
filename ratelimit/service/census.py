"""How many profiles the store holds, known to a few per cent without looking through it, so that they can have a hard cap.

Names are digests, so those that begin with one letter of sixty-four are a fair sample. When such a one was told, its name and the end of
its life go to a sorted set, at most once a second; who lapsed is struck out there. A set that is lost fills again as those who live are
told of; until then the estimate is too low.
"""

from struct import Struct
from typing import Final

from ratelimit.core.profile import SAMPLE_ONE_IN, Census, in_sample, life_s
from ratelimit.core.protocols import Store
from ratelimit.core.store_key import PROFILES

_TIMES: Final = Struct("<dd")  # at and first, with which a state begins


class CensusTaker:
    """Asks for a count when there is somebody to put down, and while there is no room. `most` profiles are the cap."""

    def __init__(self, store: Store, most: int = 1_000_000) -> None:
        self.key = PROFILES
        self.most = most
        self.estimate = 0
        self._store = store
        self._tick = 0
        self._ends: dict[str, int] = {}

    @property
    def full(self) -> bool:
        """Whether there is no room for one more profile."""
        return self.estimate >= self.most

    def told(self, key: str, state: bytes) -> None:
        """A profile was merged."""
        if in_sample(key):
            at, first = _TIMES.unpack_from(state)
            self._ends[key] = int(at + life_s(at - first))

    def turn(self, tick: int) -> None:
        """A second has passed."""
        self._tick = tick
        if self._ends or self.full:
            self._store.want(self, urgent=False)

    def compose(self, now_us: int) -> Census:  # noqa: ARG002  (times are the protocol's)
        """Those told since the last time."""
        ends, self._ends = self._ends, {}
        return Census(self._tick, tuple(ends.items()))

    def answered(self, call: Census, count: int, sent_us: int, now_us: int) -> None:  # noqa: ARG002
        """So many are in the sample."""
        self.estimate = SAMPLE_ONE_IN * count

    def overdue(self) -> None:
        """Nobody waits for it."""

    def unanswered(self, call: Census | None, now_us: int) -> None:
        """Who lives will be told of again."""
