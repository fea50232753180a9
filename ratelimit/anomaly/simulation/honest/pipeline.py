"""Continuous integration: a job at night and after some commits, hundreds of requests in a minute, each time from another cloud host."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.member import Caller, Member, Span, attribute, caller, chosen_plan
from ratelimit.anomaly.simulation.network import HOSTING, scattered, some
from ratelimit.anomaly.simulation.rhythm import office
from ratelimit.anomaly.simulation.route import asked, mix
from ratelimit.anomaly.simulation.row import DAY_MS, HOUR_MS, MINUTE_MS, Numbers, Rows, in_order, joined
from ratelimit.anomaly.simulation.site import Day, answer

_MIX = mix(generate=28, poll=40, file=14, search=6, models=6, balance=6)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A project's jobs. Its tests also try what must fail, so a good part of its requests is wrong."""

    caller: Caller
    network: int
    agents: Numbers
    night_ms: int  # of the day
    commits: float  # mean of a working day
    requests: float  # median of a job
    a_second: float
    clumsy: float
    zone_h: int

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """The jobs of a day."""
        rhythm = office(self.zone_h)
        pushes = rhythm.starts(rng, day.start_ms, int(rng.poisson(self.commits * rhythm.factor(day.weekday))))
        starts = [day.start_ms + self.night_ms + int(rng.integers(3 * MINUTE_MS)), *pushes]
        return in_order(joined([self._job(rng, int(start), day) for start in starts]))

    def _job(self, rng: Generator, start_ms: int, day: Day) -> Rows:
        count = min(1_200, 1 + int(rng.lognormal(np.log(self.requests), 0.4)))
        times = start_ms + np.cumsum(rng.exponential(1_000 / self.a_second, count)).astype(np.int64)
        rows = attribute(asked(rng, times[times < day.start_ms + DAY_MS], _MIX), self.caller)
        rows["address"] = scattered(rng, HOSTING[self.network : self.network + 2], 1)[0]
        rows["agent"] = self.agents[0]
        return answer(rng, rows, day, self.clumsy)


def join(rng: Generator, _span: Span) -> Member:
    """A project with continuous integration."""
    return Member(
        Pipeline(
            caller=caller(rng, chosen_plan(rng, (0.3, 0.3, 0.3, 0.1))),
            network=int(rng.integers(len(HOSTING))),
            agents=agent.some(rng, agent.LIBRARY),
            night_ms=int(rng.integers(23 * HOUR_MS)),
            commits=float(rng.lognormal(0, 0.8)),
            requests=float(rng.lognormal(np.log(110), 0.8)),
            a_second=float(rng.lognormal(np.log(5), 0.9)),
            clumsy=float(rng.beta(2, 9)),
            zone_h=some(rng, HOSTING).zone_h,
        )
    )
