"""A flood: hundreds of requests a second. The evasive one comes in pulses just below what a limit lets through."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.abuse.origin import Abuser, origin
from ratelimit.anomaly.simulation.member import Caller, Member, Span, attribute, charge
from ratelimit.anomaly.simulation.network import HOMES, HOSTING, scattered
from ratelimit.anomaly.simulation.rhythm import around, daytime
from ratelimit.anomaly.simulation.route import Mix, asked, mix
from ratelimit.anomaly.simulation.row import Numbers, Rows, in_order, joined
from ratelimit.anomaly.simulation.site import Day, answer

_KEYED = 0.6
_COSTLY = {True: mix(search=60, generate=20, models=20), False: mix(home=50, gallery=30, login_page=20)}


@dataclass(frozen=True, slots=True)
class Flood:
    """Pulses of a day, all from the same addresses."""

    caller: Caller
    addresses: Rows
    agents: Numbers
    mix: Mix
    pulses: float
    seconds: float
    a_second: float
    evasive: bool

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """The pulses of a day."""
        starts = (daytime(0) if self.evasive else around()).starts(rng, day.start_ms, 1 + int(rng.poisson(self.pulses)))
        return in_order(joined([self._pulse(rng, day, int(start)) for start in starts]))

    def _pulse(self, rng: Generator, day: Day, start_ms: int) -> Rows:
        lasts_ms = int(self.seconds * 1_000 * rng.lognormal(0, 0.4))
        times = start_ms + np.sort(rng.integers(0, lasts_ms, 1 + int(self.a_second * lasts_ms / 1_000)))
        rows = attribute(asked(rng, times, self.mix), self.caller)
        rows["address"] = self.addresses[rng.integers(len(self.addresses), size=len(rows))]
        rows["agent"] = self.agents[0]
        return answer(rng, rows, day, 0.02)


def join(rng: Generator, span: Span, *, evasive: bool) -> Member:
    """A flood."""
    found = charge(rng, span, "flood", evasive=evasive, days=(3, 8) if evasive else (0.1, 1.2))
    keyed = span.keyed and rng.random() < _KEYED
    start = origin(rng, found, span._replace(keyed=keyed), stolen=0.3)
    strikes = Flood(
        start.caller,
        scattered(rng, HOMES if evasive else HOSTING, int(rng.integers(1, 4)) if evasive else 2),
        agent.some(rng, agent.BROWSER if evasive else agent.LIBRARY),
        _COSTLY[keyed],
        pulses=8 if evasive else 1,
        seconds=6 if evasive else 45,
        a_second=float(rng.uniform(4, 8) if evasive else rng.uniform(100, 300)),
        evasive=evasive,
    )
    return Member(Abuser((start,), found, strikes), labels=[*found.of_caller(start.caller), *found.of_addresses(strikes.addresses)])
