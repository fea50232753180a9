"""What scrapers ask for: one thing after another, or, if they hide it, things as people look at them, with other calls in between."""

from typing import Final

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation.route import ROUTES, Mix, asked, mix
from ratelimit.anomaly.simulation.row import Numbers, Rows

_PLAIN: Final = {True: mix(file=97, search=3), False: mix(picture=95, gallery=5)}
_HIDDEN: Final = {
    True: mix(file=48, search=18, poll=12, generate=10, balance=7, models=5),
    False: mix(picture=40, gallery=20, home=8, guide=12, pricing=4, asset=16),
}
_TREASURE: Final = np.array([ROUTES["file"], ROUTES["picture"]])
_CATALOGUE: Final = 60_000
_SEEN_AGAIN: Final = 3  # a hidden scraper's things are fewer than its requests


def wanted(*, keyed: bool, evasive: bool) -> Mix:
    """The mix of a scraper of the API (with a key) or of the pages."""
    return (_HIDDEN if evasive else _PLAIN)[keyed]


def harvest(rng: Generator, times: Numbers, *, keyed: bool, evasive: bool) -> Rows:
    """Requests of a scraper at these times; the plain one counts its way through the catalogue."""
    rows = asked(rng, times, wanted(keyed=keyed, evasive=evasive))
    take = np.isin(rows["route"], _TREASURE)
    count = int(take.sum())
    if evasive:
        rows["item"][take] = 1 + rng.integers(0, _CATALOGUE) + rng.integers(0, 1 + count // _SEEN_AGAIN, count)
    else:
        rows["item"][take] = 1 + (rng.integers(0, _CATALOGUE) + np.arange(count)) % _CATALOGUE
    return rows
