"""Buggy but honest clients: at an incident, an expired token or a body they get wrong they try again and again, for minutes or hours."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation.honest import integration
from ratelimit.anomaly.simulation.honest.integration import Integration
from ratelimit.anomaly.simulation.member import Member, Span, attribute
from ratelimit.anomaly.simulation.route import ROUTES, asked, mix
from ratelimit.anomaly.simulation.row import DAY_MS, Rows, in_order, joined
from ratelimit.anomaly.simulation.site import Day, answer

_STORMS_A_DAY: Final = 0.25
_MOST: Final = 2_500
_CAUSES: Final = ((401, "balance"), (401, "generate"), (422, "generate"), (402, "generate"), (404, "file"), (404, "poll"), (422, "batch"))


@dataclass(frozen=True, slots=True)
class Retrying:
    """A program that now and then does not give up."""

    program: Integration
    a_second: float

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """The day's work, and its storms: one at each incident, others for reasons of its own."""
        usual = self.program(day, rng)
        causes = [(incident.from_ms, (503, "generate")) for incident in day.incidents]
        if rng.random() < _STORMS_A_DAY:
            start_ms = day.start_ms + int(rng.integers(DAY_MS))
            causes.append((start_ms, _CAUSES[rng.integers(len(_CAUSES))]))
        return in_order(joined([usual, *(self._storm(rng, day, start_ms, *cause) for start_ms, cause in causes)]))

    def _storm(self, rng: Generator, day: Day, start_ms: int, status: int, route: str) -> Rows:
        count = min(_MOST, int(rng.lognormal(np.log(300), 1.0)))
        times = start_ms + np.cumsum(rng.gamma(4, 250 / self.a_second, count)).astype(np.int64)
        rows = attribute(asked(rng, times[times < day.start_ms + DAY_MS], mix(**{route: 1})), self.program.caller)
        rows["route"], rows["item"] = ROUTES[route], rng.integers(1 << 40)
        rows["address"] = self.program.addresses[day.number % len(self.program.addresses)]
        rows["agent"] = self.program.agents[0]
        answered = answer(rng, rows, day, 0)
        answered["status"], answered["bytes"] = status, 180
        return answered


def join(rng: Generator, _span: Span) -> Member:
    """A client that retries too much."""
    return Member(Retrying(integration.smaller(integration.habits(rng), 0.4), float(rng.lognormal(0.3, 1.0))))
