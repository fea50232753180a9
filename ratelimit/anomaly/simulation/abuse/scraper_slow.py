"""A slow scraper: below every limit, day and night. The evasive one pauses as people do, sleeps, and has a browser's name."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.abuse.harvest import harvest
from ratelimit.anomaly.simulation.abuse.origin import Abuser, origin
from ratelimit.anomaly.simulation.member import Caller, Member, Span, attribute, charge
from ratelimit.anomaly.simulation.network import HOMES, HOSTING, scattered
from ratelimit.anomaly.simulation.rhythm import Rhythm, daytime, lengths, timer, visits
from ratelimit.anomaly.simulation.row import Numbers, Rows, in_order
from ratelimit.anomaly.simulation.site import Day, answer

_KEYED = 0.65


@dataclass(frozen=True, slots=True)
class Slow:
    """A scraper with a clock (`every_s`), or with visits that look like a person's."""

    caller: Caller
    addresses: Rows
    agents: Numbers
    evasive: bool
    rhythm: Rhythm
    every_s: float

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """What it takes on a day."""
        rows = harvest(rng, self._times(rng, day), keyed=self.caller.key > 0, evasive=self.evasive)
        attribute(rows, self.caller)
        rows["address"] = self.addresses[day.number % len(self.addresses)]
        rows["agent"] = self.agents[day.number % len(self.agents)]
        return in_order(answer(rng, rows, day, 0.015))

    def _times(self, rng: Generator, day: Day) -> Numbers:
        if not self.evasive:
            return timer(rng, day.start_ms, self.every_s, 0.05)
        starts = self.rhythm.starts(rng, day.start_ms, 1 + int(rng.poisson(5)))
        times, _ = visits(rng, starts, lengths(rng, 20, 0.7, len(starts)), self.every_s, 1.2)
        return np.sort(times)


def join(rng: Generator, span: Span, *, evasive: bool) -> Member:
    """A slow scraper."""
    found = charge(rng, span, "scraper_slow", evasive=evasive, days=(5, 16) if evasive else (2, 9))
    start = origin(rng, found, span._replace(keyed=span.keyed and rng.random() < _KEYED), stolen=0.3)
    strikes = Slow(
        start.caller,
        scattered(rng, HOMES if evasive else HOSTING, 3 if evasive else 1),
        agent.some(rng, agent.BROWSER if evasive else agent.LIBRARY),
        evasive,
        daytime(int(rng.integers(-6, 9))),
        every_s=float(rng.uniform(4, 16) if evasive else rng.uniform(12, 60)),
    )
    return Member(Abuser((start,), found, strikes), labels=[*found.of_caller(start.caller), *found.of_addresses(strikes.addresses)])
