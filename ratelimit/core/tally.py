"""How purchases with a card go, of the whole site or of a slice of it, now and usually: in that hour of the week, in the four weeks before.

The tally is kept by `tally.lua`, whose header is the contract.
"""

from math import inf, nan
from struct import Struct as Layout
from typing import Final, NamedTuple

from ratelimit.core.call import Call
from ratelimit.core.purchase_signals import LEAST_ATTEMPTS_10M, LEAST_ATTEMPTS_USUAL, PRIOR_ATTEMPTS, PRIOR_SHARE

RECENT: Final = 1_024  # attempts that are known one by one
LIFE_S: Final = 36 * 86_400
FAILED: Final = 1
SETUP: Final = 2

_READ, _ATTEND, _OUTCOME = range(3)
_CALL: Final = Layout("<Bd8sB")
_REPLY: Final = Layout("<9I")
_WEEK_H: Final = 168
_SPANS_AN_HOUR: Final = 6  # of ten minutes


class Counts(NamedTuple):
    """What happened in one span of time."""

    purchases: int = 0
    declines: int = 0
    setups: int = 0
    setup_failures: int = 0


class Tally(NamedTuple):
    """A slice: `latest` in this minute and the nine before, `usual` in the same hour of `weeks` weeks before, all together."""

    latest: Counts
    usual: Counts
    weeks: int

    @property
    def attempts_ratio(self) -> float:
        """Attempts over the usual number; NaN while too little is known of that."""
        usual = self.usual.purchases + self.usual.setups
        if usual < LEAST_ATTEMPTS_USUAL:
            return nan
        return (self.latest.purchases + self.latest.setups) * self.weeks * _SPANS_AN_HOUR / usual

    @property
    def decline_share(self) -> float:
        """Declined of the latest purchases; NaN while they are too few."""
        return _share(self.latest.declines, self.latest.purchases, LEAST_ATTEMPTS_10M)

    @property
    def decline_ratio(self) -> float:
        """That over the usual share."""
        return self.decline_share / _usual(self.usual.declines, self.usual.purchases)

    @property
    def setup_failure_share(self) -> float:
        """Failed of the latest setups; NaN while they are too few."""
        return _share(self.latest.setup_failures, self.latest.setups, LEAST_ATTEMPTS_10M)

    @property
    def setup_failure_ratio(self) -> float:
        """That over the usual share."""
        return self.setup_failure_share / _usual(self.usual.setup_failures, self.usual.setups)


UNKNOWN: Final = Tally(Counts(), Counts(), 0)


def reading(key: str, tag: bytes, now_s: float) -> Call:
    """The call that only reads a tally, without the attempt of that tag."""
    return Call("tally", key, _CALL.pack(_READ, now_s, tag, 0))


def attending(key: str, tag: bytes, now_s: float, flags: int) -> Call:
    """The call that reads a tally and then counts an attempt; SETUP says what it is."""
    return Call("tally", key, _CALL.pack(_ATTEND, now_s, tag, flags))


def ending(key: str, tag: bytes, now_s: float, flags: int) -> Call:
    """The call that says how an attempt ended: FAILED or 0."""
    return Call("tally", key, _CALL.pack(_OUTCOME, now_s, tag, flags))


def read(state: bytes, now_s: float) -> Tally:
    """A tally as the store told it."""
    if not state:
        return UNKNOWN
    since, *numbers = _REPLY.unpack(state)
    weeks_known = (int(now_s // 3_600) - since) // _WEEK_H
    return Tally(Counts(*numbers[:4]), Counts(*numbers[4:]), max(0, min(4, weeks_known)))


def _share(part: int, whole: int, least: int) -> float:
    return part / whole if whole >= least else nan


def _usual(part: int, whole: int) -> float:
    """A share that few attempts move little: a new site has no hours to look back to, and a single decline is no wave."""
    return (part + PRIOR_SHARE * PRIOR_ATTEMPTS) / (whole + PRIOR_ATTEMPTS)


def largest(values: list[float]) -> float:
    """The largest one that is there; NaN where none is."""
    found = max((value for value in values if value == value), default=-inf)  # noqa: PLR0124  (NaN is not itself)
    return found if found > -inf else nan
