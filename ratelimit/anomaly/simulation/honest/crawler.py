"""Declared crawlers of search engines and the like, from the networks that their owners publish: thousands of pages a day, no key."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.member import Member, Span
from ratelimit.anomaly.simulation.network import CRAWLERS, within
from ratelimit.anomaly.simulation.rhythm import around
from ratelimit.anomaly.simulation.route import asked, mix
from ratelimit.anomaly.simulation.row import Rows
from ratelimit.anomaly.simulation.site import Day, answer

_MIX = mix(robots=1, home=2, gallery=30, picture=55, guide=12)


@dataclass(frozen=True, slots=True)
class Crawler:
    """A crawler with some machines; each goes its own way through the gallery."""

    addresses: Rows
    agent: int
    a_day: float

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """The pages of a day."""
        times = around().starts(rng, day.start_ms, int(rng.poisson(self.a_day * rng.lognormal(0, 0.4))))
        rows = asked(rng, times, _MIX)
        rows["item"] = np.where(rows["item"] > 0, rng.integers(1, 60_000, len(rows)), 0)
        machine = np.minimum(rng.zipf(1.5, len(rows)), len(self.addresses)) - 1
        rows["address"] = self.addresses[machine]
        rows["agent"] = self.agent
        return answer(rng, rows, day, 0.04)


def join(rng: Generator, _span: Span) -> Member:
    """One crawler."""
    name = tuple(CRAWLERS)[rng.integers(len(CRAWLERS))]
    addresses = within(rng, CRAWLERS[name], int(rng.integers(3, 14)))
    return Member(Crawler(addresses, agent.CRAWLER[name], float(rng.lognormal(np.log(700), 0.8))))
