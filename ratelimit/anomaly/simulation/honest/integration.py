"""Heavy honest customers: a backend that uses the API day and night, from a host in the cloud or from many short-lived ones."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.member import Caller, Member, Span, attribute, caller, chosen_plan
from ratelimit.anomaly.simulation.network import HOMES, HOSTING, at_home, neighbours, scattered, some
from ratelimit.anomaly.simulation.purchase import buyer
from ratelimit.anomaly.simulation.rhythm import Rhythm, around, daytime, office, timer
from ratelimit.anomaly.simulation.route import API, Mix, asked, mix
from ratelimit.anomaly.simulation.row import DAY_MS, Numbers, Rows
from ratelimit.anomaly.simulation.site import Day, answer

_MOST_A_DAY = 15_000
_BURST_MS = 2_500
_MIXES = (
    API,
    mix(generate=40, poll=55, balance=5),
    mix(search=90, file=10),
    mix(file=96, balance=4),
    mix(batch=10, poll=60, file=30),
    mix(models=10, balance=90),
)


@dataclass(frozen=True, slots=True)
class Integration:
    """A program. It asks as its own users come, or by a timer; `together` is how many requests it sends at once."""

    caller: Caller
    addresses: Rows
    agents: Numbers
    rhythm: Rhythm
    a_day: float
    every_s: float  # of a timer; 0: as users come
    together: int
    clumsy: float
    mix: Mix
    roams: bool  # a new address for each request rather than one for each day

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """What it asks for on a day."""
        rows = attribute(asked(rng, self._times(rng, day), self.mix), self.caller)
        count = len(rows)
        turn = rng.integers(len(self.addresses), size=count) if self.roams else np.full(count, day.number % len(self.addresses))
        rows["address"] = self.addresses[turn]
        rows["agent"] = self.agents[turn % len(self.agents)]
        return answer(rng, rows, day, self.clumsy)

    def _times(self, rng: Generator, day: Day) -> Numbers:
        if self.every_s:
            times = timer(rng, day.start_ms, self.every_s, 0.02)
        else:
            mean = self.a_day * self.rhythm.factor(day.weekday) * float(rng.lognormal(0, 0.35)) / self.together
            times = self.rhythm.starts(rng, day.start_ms, min(_MOST_A_DAY, int(rng.poisson(mean))))
        if self.together > 1:
            copies = rng.integers(1, 2 * self.together, len(times))
            times = np.repeat(times, copies) + rng.integers(0, _BURST_MS, int(copies.sum()))
        return np.sort(times[times < day.start_ms + DAY_MS])


def habits(rng: Generator) -> Integration:
    """What such a program is like; its volume is spread over two orders of magnitude."""
    zone_h = int(rng.integers(-8, 10))
    a_day = min(_MOST_A_DAY, float(rng.lognormal(np.log(210), 1.05)))
    together = int(rng.choice([1, 1, 1, 3, 8, 20]))
    kind = rng.random()
    addresses = (
        neighbours(rng, some(rng, HOSTING).v4, int(rng.integers(1, 5)))
        if kind < 0.5
        else scattered(rng, HOSTING, int(rng.integers(8, 60)))
        if kind < 0.75
        else at_home(rng, some(rng, HOMES), 1)
    )
    return Integration(
        caller=caller(rng, chosen_plan(rng, (0.1, 0.25, 0.45, 0.2))),
        addresses=addresses,
        agents=np.array([agent.NONE]) if rng.random() < 0.06 else agent.some(rng, agent.LIBRARY, int(rng.integers(1, 3))),
        rhythm=(around(), daytime(zone_h), office(zone_h, 0.3))[rng.integers(3)],
        a_day=a_day,
        every_s=86_400 * together / a_day if rng.random() < 0.2 else 0.0,
        together=together,
        clumsy=float(rng.beta(0.7, 20)),
        mix=_MIXES[rng.integers(len(_MIXES))],
        roams=bool(kind < 0.75 and rng.random() < 0.6),
    )


def join(rng: Generator, span: Span) -> Member:
    """A heavy honest customer."""
    program = habits(rng)
    created_ms = span.first_ms - int(rng.exponential(300) * DAY_MS)
    pays = buyer(rng, program.caller.account, at_home(rng, some(rng, HOMES), 1), int(agent.DESKTOP[0]), 0, created_ms)
    return Member(program, replace(pays, every_days=4.0, pack=6))


def smaller(program: Integration, share: float) -> Integration:
    """The same program with less to do."""
    return replace(program, a_day=program.a_day * share, every_s=program.every_s / share)
