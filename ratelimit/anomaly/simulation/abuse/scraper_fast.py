"""A fast scraper: tens of requests a second in runs of some minutes. The evasive one stays at a person's busiest, by day, from homes."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.abuse.harvest import harvest
from ratelimit.anomaly.simulation.abuse.origin import Abuser, origin
from ratelimit.anomaly.simulation.member import Caller, Member, Span, attribute, charge
from ratelimit.anomaly.simulation.network import HOMES, HOSTING, scattered
from ratelimit.anomaly.simulation.rhythm import around, daytime
from ratelimit.anomaly.simulation.row import Numbers, Rows, in_order, joined
from ratelimit.anomaly.simulation.site import Day, answer

_MOST_A_RUN = 12_000
_KEYED = 0.65  # share of scrapers that use the API


@dataclass(frozen=True, slots=True)
class Fast:
    """Runs of a day, each from one address."""

    caller: Caller
    addresses: Rows
    agents: Numbers
    evasive: bool
    runs: float
    minutes: float
    a_second: float

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """The runs of a day."""
        starts = (daytime(0) if self.evasive else around()).starts(rng, day.start_ms, 1 + int(rng.poisson(self.runs)))
        return in_order(joined([self._run(rng, day, int(start)) for start in starts]))

    def _run(self, rng: Generator, day: Day, start_ms: int) -> Rows:
        count = min(_MOST_A_RUN, 1 + int(self.minutes * 60 * self.a_second * rng.lognormal(0, 0.5)))
        times = start_ms + np.cumsum(rng.exponential(1_000 / self.a_second, count)).astype(np.int64)
        rows = attribute(harvest(rng, times, keyed=self.caller.key > 0, evasive=self.evasive), self.caller)
        rows["address"] = self.addresses[rng.integers(len(self.addresses))]
        rows["agent"] = self.agents[rng.integers(len(self.agents))]
        return answer(rng, rows, day, 0.01)


def join(rng: Generator, span: Span, *, evasive: bool) -> Member:
    """A fast scraper; a third of the evasive use a stolen key."""
    found = charge(rng, span, "scraper_fast", evasive=evasive, days=(4, 9) if evasive else (0.5, 3))
    start = origin(rng, found, span._replace(keyed=span.keyed and rng.random() < _KEYED), stolen=0.35)
    agents = agent.some(rng, agent.BROWSER if evasive or rng.random() < 0.3 else agent.LIBRARY, 3 if evasive else 1)
    strikes = Fast(
        start.caller,
        scattered(rng, HOMES if evasive or rng.random() < 0.3 else HOSTING, 6 if evasive else 1),
        np.array([agent.CRAWLER["googlebot"]]) if not evasive and rng.random() < 0.25 else agents,
        evasive,
        runs=4 if evasive else 1,
        minutes=0.7 if evasive else 8,
        a_second=float(rng.uniform(0.7, 2.5) if evasive else rng.uniform(8, 35)),
    )
    return Member(Abuser((start,), found, strikes), labels=[*found.of_caller(start.caller), *found.of_addresses(strikes.addresses)])
