"""A resold key: somebody sells what a key can do, around the clock, to customers everywhere. The evasive one has them behind one relay."""

from dataclasses import dataclass

from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.abuse.origin import Abuser, origin
from ratelimit.anomaly.simulation.member import Caller, Member, Span, attribute, charge
from ratelimit.anomaly.simulation.network import CARRIERS, HOMES, HOSTING, neighbours, scattered, some
from ratelimit.anomaly.simulation.rhythm import around, daytime, lengths, visits
from ratelimit.anomaly.simulation.route import asked, mix
from ratelimit.anomaly.simulation.row import Numbers, Rows, in_order
from ratelimit.anomaly.simulation.site import Day, answer

_MIX = mix(generate=34, batch=3, poll=38, file=25)


@dataclass(frozen=True, slots=True)
class Shop:
    """Orders of a day, each a burst."""

    caller: Caller
    addresses: Rows
    agents: Numbers
    orders: float
    evasive: bool

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """The orders of a day."""
        rhythm = daytime(int(self.caller.key % 12)) if self.evasive else around()
        starts = rhythm.starts(rng, day.start_ms, 1 + int(rng.poisson(self.orders * rng.lognormal(0, 0.4))))
        times, order = visits(rng, starts, lengths(rng, 7, 0.8, len(starts), 200), 3 if self.evasive else 1.2, 1.0)
        rows = attribute(asked(rng, times, _MIX), self.caller)
        turn = rng.integers(len(self.addresses), size=len(starts))[order]
        rows["address"], rows["agent"] = self.addresses[turn], self.agents[turn % len(self.agents)]
        return in_order(answer(rng, rows, day, 0.02))


def join(rng: Generator, span: Span, *, evasive: bool) -> Member:
    """A key that begins to be resold."""
    found = charge(rng, span, "resold_key", evasive=evasive, days=(4, 14))
    start = origin(rng, found, span, stolen=0.6)
    strikes = Shop(
        start.caller,
        neighbours(rng, some(rng, HOSTING).v4, 2) if evasive else scattered(rng, (*HOMES, *CARRIERS), int(rng.integers(20, 90))),
        agent.some(rng, agent.LIBRARY, 1 if evasive else 6),
        orders=float(rng.uniform(6, 30) if evasive else rng.uniform(60, 220)),
        evasive=evasive,
    )
    return Member(Abuser((start,), found, strikes), labels=found.of_caller(start.caller))
