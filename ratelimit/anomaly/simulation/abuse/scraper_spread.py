"""A spread scraper: the work is divided among keys and addresses, so that each has little of it. The evasive one has homes' addresses."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.abuse.harvest import harvest
from ratelimit.anomaly.simulation.abuse.origin import Abuser, origin
from ratelimit.anomaly.simulation.member import Caller, Member, Span, charge, within
from ratelimit.anomaly.simulation.network import HOMES, HOSTING, scattered
from ratelimit.anomaly.simulation.person import login
from ratelimit.anomaly.simulation.rhythm import around, daytime, lengths, visits
from ratelimit.anomaly.simulation.row import DAY_MS, Numbers, Rows, in_order, joined
from ratelimit.anomaly.simulation.site import Day, answer

_KEYED = 0.6
_BEFORE_MS = 4_000


@dataclass(frozen=True, slots=True)
class Spread:
    """Errands of a day: each some requests by one of the keys from one of the addresses; the evasive one logs in before, as people do."""

    callers: tuple[Caller, ...]
    addresses: Rows
    agents: Numbers
    evasive: bool
    errands: float
    length: float
    own_account: int

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """The errands of a day."""
        starts = (daytime(0) if self.evasive else around()).starts(rng, day.start_ms, 1 + int(rng.poisson(self.errands)))
        gap_s, sigma = (7, 1.2) if self.evasive else (1.2, 0.5)
        times, errand = visits(rng, starts, lengths(rng, self.length, 0.6, len(starts)), gap_s, sigma)
        rows = harvest(rng, times, keyed=self.callers[0].key > 0, evasive=self.evasive)
        turns = rng.integers(len(self.addresses), size=len(starts))
        turn = turns[errand]
        keys = np.array(self.callers, np.uint64)[turn % len(self.callers)]
        rows["key"], rows["account"], rows["plan"] = keys.T
        answer(rng, rows, day, 0.02)
        if self.evasive:
            rows = joined([rows, login(starts - _BEFORE_MS, np.ones(len(starts), bool), self.own_account + turns)])
            turn = np.concatenate([turn, np.repeat(turns, 2)])
        rows["address"], rows["agent"] = self.addresses[turn], self.agents[turn % len(self.agents)]
        return in_order(within(rows, day.start_ms, day.start_ms + DAY_MS))


def join(rng: Generator, span: Span, *, evasive: bool) -> Member:
    """A scraper that spreads its work."""
    found = charge(rng, span, "scraper_spread", evasive=evasive, days=(4, 10) if evasive else (2, 7))
    keyed = span._replace(keyed=span.keyed and rng.random() < _KEYED)
    origins = tuple(origin(rng, found, keyed, stolen=0.25) for _ in range(int(rng.integers(3, 6))))
    strikes = Spread(
        tuple(start.caller for start in origins),
        scattered(rng, HOMES if evasive else HOSTING, 30 if evasive else 12),
        agent.some(rng, agent.BROWSER, 12) if evasive else agent.some(rng, agent.LIBRARY, 2),
        evasive,
        errands=20,
        length=14 if evasive else 90,
        own_account=int(rng.integers(1, 1 << 62)),
    )
    labels = [label for start in origins for label in found.of_caller(start.caller)]
    return Member(Abuser(origins, found, strikes), labels=[*labels, *found.of_addresses(strikes.addresses)])
