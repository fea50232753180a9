"""When people come: hours of their day, days of their week, visits, and the pauses between two requests."""

from typing import Final, NamedTuple

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation.row import DAY_MS, HOUR_MS, Numbers

_SATURDAY: Final = 5

# how likely a visit begins in each hour of the local day, from midnight on
_EVENING: Final = (2, 1, 0.5, 0.3, 0.3, 0.4, 1, 2, 2, 2, 3, 3, 4, 4, 4, 4, 5, 6, 8, 10, 11, 10, 7, 4)
_OFFICE: Final = (0.2, 0.1, 0.1, 0.1, 0.1, 0.3, 1, 3, 8, 11, 12, 11, 7, 9, 11, 11, 10, 8, 4, 2, 1.5, 1, 0.6, 0.4)
_DAYTIME: Final = (1, 0.6, 0.4, 0.3, 0.3, 0.6, 2, 4, 5, 6, 6, 6, 7, 6, 6, 6, 6, 7, 8, 8, 8, 7, 5, 2)
_AROUND: Final = (1,) * 24


class Rhythm(NamedTuple):
    """The local hours of somebody, how busy a day off is against a working day, and the hours that they are ahead of UTC."""

    hours: tuple[float, ...]
    day_off: float
    zone_h: int

    def factor(self, weekday: int) -> float:
        """How busy a day of the week is; Monday is 0."""
        return self.day_off if weekday >= _SATURDAY else 1.0

    def starts(self, rng: Generator, start_ms: int, count: int) -> Numbers:
        """Instants of one UTC day, in order."""
        weights = np.roll(np.array(self.hours, np.float64), -self.zone_h)
        until = np.cumsum(weights)
        hours = np.searchsorted(until, rng.random(count) * until[-1], side="right") + rng.random(count)
        return np.sort(start_ms + (hours * HOUR_MS).astype(np.int64))


def evening(zone_h: int) -> Rhythm:
    """Somebody who comes for pleasure."""
    return Rhythm(_EVENING, 1.5, zone_h)


def office(zone_h: int, day_off: float = 0.12) -> Rhythm:
    """Somebody at work."""
    return Rhythm(_OFFICE, day_off, zone_h)


def daytime(zone_h: int) -> Rhythm:
    """Anybody with a phone, or a shop whose customers are awake."""
    return Rhythm(_DAYTIME, 0.95, zone_h)


def around(day_off: float = 1.0) -> Rhythm:
    """A machine."""
    return Rhythm(_AROUND, day_off, 0)


def visits(rng: Generator, starts_ms: Numbers, lengths: Numbers, gap_s: float, sigma: float) -> tuple[Numbers, Numbers]:
    """The times of all requests of visits with these starts and lengths, and which visit each belongs to; gaps are log-normal."""
    visit = np.repeat(np.arange(len(starts_ms)), lengths)
    gaps = rng.lognormal(np.log(gap_s * 1_000), sigma, len(visit))
    first = np.cumsum(lengths) - lengths
    elapsed = np.cumsum(gaps)
    times = starts_ms[visit] + (elapsed - elapsed[first][visit]).astype(np.int64)
    kept = times < starts_ms[0] - starts_ms[0] % DAY_MS + DAY_MS if len(times) else np.zeros(0, bool)
    return times[kept], visit[kept]


def lengths(rng: Generator, median: float, sigma: float, count: int, most: int = 1_500) -> Numbers:
    """How many requests each visit has: log-normal, at least one."""
    return np.clip(rng.lognormal(np.log(median), sigma, count), 1, most).astype(np.int64)


def timer(rng: Generator, start_ms: int, every_s: float, jitter: float) -> Numbers:
    """The instants of a job that runs at an interval; `jitter` is how far each may be late, as a share of it."""
    count = int(DAY_MS / 1_000 / every_s)
    due = (np.arange(count) + rng.random()) * every_s * 1_000
    times = start_ms + (due + rng.exponential(jitter * every_s * 1_000, count)).astype(np.int64)
    return np.sort(times[times < start_ms + DAY_MS])
