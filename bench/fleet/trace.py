"""What is asked of a fleet: a trace of requests, each with its instant, its key and the sidecar that a load balancer gave it to.

Requests of a key are a Poisson process whose rate may change from one slice of 10 ms to the next. Times are whole microseconds, rates
requests per second.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Chance = np.random.Generator

SLICE_US: Final = 10_000

Shape = Callable[[float], Floats | float]  # seconds since the beginning to factors of the keys' rates
Routing = Callable[[Ints, Ints, Chance], Ints]  # instants and keys to sidecars


class Trace(NamedTuple):
    """Columns of one length, in order of time."""

    at: Ints
    sidecar: Ints
    key: Ints
    end_us: int

    def __len__(self) -> int:
        return len(self.at)


def make_trace(rates: Floats, seconds: float, shape: Shape, routing: Routing, chance: Chance) -> Trace:
    """Draw a trace; the same chance draws the same."""
    instants, keys = [], []
    for start in range(0, int(seconds * 1e6), SLICE_US):
        counts = chance.poisson(rates * shape(start / 1e6) * (SLICE_US / 1e6))
        keys.append(np.repeat(np.arange(len(rates)), counts))
        instants.append(start + chance.integers(0, SLICE_US, len(keys[-1])))
    at, key = np.concatenate(instants), np.concatenate(keys)
    order = np.argsort(at, kind="stable")
    at, key = at[order], key[order]
    return Trace(at, routing(at, key, chance), key, int(seconds * 1e6))


def steady(_seconds: float) -> float:
    """As it is."""
    return 1.0


def day(length_s: float, low: float) -> Shape:
    """A day of so many seconds: from `low` of the peak at its beginning to the peak in its middle and back."""
    return lambda at_s: low + (1 - low) * (0.5 - 0.5 * float(np.cos(2 * np.pi * at_s / length_s)))


def crowd(at_s: float, ramp_s: float, factor: float) -> Shape:
    """A flash crowd: from `at_s` on, within `ramp_s`, the rate grows to `factor` times what it was, and stays."""
    return lambda now_s: 1 + (factor - 1) * min(1.0, max(0.0, (now_s - at_s) / ramp_s))


def beginning_empty(rates: Floats, limit_per_s: float, capacity: int) -> Shape:
    """Keys above a limit ask for a whole bucket more in the first tenth of a second, so as not to live on a full one all the time."""
    burst = np.where(rates > limit_per_s, 1 + 10 * capacity / rates, 1.0)
    return lambda at_s: burst if at_s < 0.1 else 1.0


def spread(sidecars: int) -> Routing:
    """Each request goes to any sidecar."""
    return lambda at, _keys, chance: chance.integers(0, sidecars, len(at))


def in_turn(sidecars: int) -> Routing:
    """Round robin."""
    return lambda at, _keys, _chance: np.arange(len(at)) % sidecars


def sticky(sidecars: int, keys: int, connections: int) -> Routing:
    """Each key has so many connections, each of which ended up at any sidecar and stays there; its requests use any of them."""

    def route(at: Ints, key: Ints, chance: Chance) -> Ints:
        ends = chance.integers(0, sidecars, (keys, connections))
        found: Ints = ends[key, chance.integers(0, connections, len(at))]
        return found

    return route


def weighted(weights: Floats) -> Routing:
    """Sidecar number i gets a part of the requests that is proportional to its weight."""
    return lambda at, _keys, chance: chance.choice(len(weights), len(at), p=weights / weights.sum())


def joining(sidecars: int, at_us: int) -> Routing:
    """The last sidecar gets nothing before `at_us`, and its equal part from then on."""
    return lambda at, _keys, chance: chance.integers(0, np.where(at >= at_us, sidecars, sidecars - 1))
