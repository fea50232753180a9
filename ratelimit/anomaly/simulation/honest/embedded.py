"""Keys inside a shipped app or plugin: one honest key, used by all its users from everywhere. It looks like a key that went round."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.member import Caller, Member, Span, attribute, caller, chosen_plan
from ratelimit.anomaly.simulation.network import CARRIERS, HOMES, scattered
from ratelimit.anomaly.simulation.rhythm import daytime, lengths, visits
from ratelimit.anomaly.simulation.route import asked, mix
from ratelimit.anomaly.simulation.row import Numbers, Rows
from ratelimit.anomaly.simulation.site import Day, answer

_MIX = mix(generate=25, poll=35, file=30, search=10)


@dataclass(frozen=True, slots=True)
class App:
    """An app with its users: so many a day, out of a crowd that keeps its addresses for a while."""

    caller: Caller
    crowd: Rows
    agents: Numbers
    users: float
    zone_h: int
    clumsy: float

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """What the users ask for."""
        starts = daytime(self.zone_h).starts(rng, day.start_ms, 1 + int(rng.poisson(self.users)))
        times, visit = visits(rng, starts, lengths(rng, 4, 0.9, len(starts), 60), 6, 1.0)
        rows = attribute(asked(rng, times, _MIX), self.caller)
        rows["address"] = self.crowd[rng.integers(len(self.crowd), size=len(starts))[visit]]
        rows["agent"] = self.agents[rng.integers(len(self.agents), size=len(starts))[visit]]
        order = np.argsort(rows["time_ms"], kind="stable")
        return answer(rng, rows[order], day, self.clumsy)


def join(rng: Generator, _span: Span) -> Member:
    """An app with a key in it."""
    home = int(rng.integers(len(HOMES)))
    near = (HOMES[home : home + int(rng.integers(1, 10))], CARRIERS, (*HOMES, *CARRIERS))[rng.integers(3)]
    users = float(rng.lognormal(np.log(35), 0.9))
    return Member(
        App(
            caller=caller(rng, chosen_plan(rng, (0.1, 0.3, 0.5, 0.1))),
            crowd=scattered(rng, near, 20 + int(4 * users)),
            agents=agent.some(rng, (agent.LIBRARY, agent.PHONE, agent.BROWSER)[rng.integers(3)], int(rng.integers(1, 12))),
            users=users,
            zone_h=near[0].zone_h,
            clumsy=float(rng.beta(1, 20)),
        )
    )
