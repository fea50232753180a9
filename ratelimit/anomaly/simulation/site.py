"""What the site answers: status, size and time of each request, with its own incidents, which hit everybody."""

from typing import Final, NamedTuple

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng

from ratelimit.anomaly.simulation.route import FAULT, LATENCY_MS, LOG_BYTES, SPREAD, STATUS
from ratelimit.anomaly.simulation.row import DAY_MS, HOUR_MS, MINUTE_MS, Rows

_INCIDENTS_A_DAY: Final = 0.15
_BAD_LUCK: Final = 0.0008  # share of requests that fail by the owner's fault on any day
_OWN_FAULTS: Final = np.array([500, 502, 503, 504], np.int16)
_FAULT_BYTES: Final = 180
_SLOWER: Final = 4.0  # how much slower answers are in an incident


class Incident(NamedTuple):
    """A time in which a share of requests fails, whoever asks."""

    from_ms: int
    until_ms: int
    share: float


class Day(NamedTuple):
    """A day of the simulation: its number from 0, when it starts, its day of the week (Monday is 0), and what goes wrong in it."""

    number: int
    start_ms: int
    weekday: int
    incidents: tuple[Incident, ...] = ()


def days(seed: int, first_ms: int, count: int) -> list[Day]:
    """All days, with their incidents; one day is the same however many there are."""
    return [_day(default_rng(SeedSequence(seed, spawn_key=(0, number))), first_ms + number * DAY_MS, number) for number in range(count)]


def _day(rng: Generator, start_ms: int, number: int) -> Day:
    weekday = (start_ms // DAY_MS + 3) % 7  # the epoch began on a Thursday
    if rng.random() >= _INCIDENTS_A_DAY:
        return Day(number, start_ms, weekday)
    begin = start_ms + int(rng.integers(22 * HOUR_MS))
    incident = Incident(begin, begin + int(rng.integers(8, 100)) * MINUTE_MS, float(rng.uniform(0.15, 0.8)))
    return Day(number, start_ms, weekday, (incident,))


def answer(rng: Generator, rows: Rows, day: Day, clumsy: float) -> Rows:
    """Fill in what was answered; `clumsy` is the share of requests that the caller gets wrong."""
    count, route = len(rows), rows["route"]
    wrong = rng.random(count) < clumsy
    rows["status"] = np.where(wrong, FAULT[route], STATUS[route])
    late = np.ones(count)
    failed = rng.random(count) < _BAD_LUCK
    for incident in day.incidents:
        within = (rows["time_ms"] >= incident.from_ms) & (rows["time_ms"] < incident.until_ms)
        failed |= within & (rng.random(count) < incident.share)
        late[within] = _SLOWER
    rows["status"] = np.where(failed, _OWN_FAULTS[rng.integers(len(_OWN_FAULTS), size=count)], rows["status"])
    sizes = np.exp(LOG_BYTES[route] + SPREAD[route] * rng.standard_normal(count))
    rows["bytes"] = np.where(rows["status"] >= 400, _FAULT_BYTES, sizes).astype(np.int64)
    rows["latency_ms"] = LATENCY_MS[route] * late * rng.lognormal(0, 0.4, count)
    return rows
