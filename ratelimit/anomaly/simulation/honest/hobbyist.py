"""Hobbyists: pictures for fun, evenings and weekends, from home, a few times a month."""

from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.member import Member, Span, caller, chosen_plan
from ratelimit.anomaly.simulation.network import HOMES, at_home, some
from ratelimit.anomaly.simulation.person import Person, paying
from ratelimit.anomaly.simulation.rhythm import evening


def join(rng: Generator, span: Span) -> Member:
    """A hobbyist."""
    return paying(rng, habits(rng), span)


def habits(rng: Generator) -> Person:
    """What a hobbyist is like; others begin as one."""
    home = some(rng, HOMES)
    return Person(
        caller=caller(rng, chosen_plan(rng, (0.6, 0.3, 0.1))),
        addresses=at_home(rng, home, 3),
        agents=agent.some(rng, agent.LIBRARY),
        browsers=agent.some(rng, agent.BROWSER, 2),
        rhythm=evening(home.zone_h),
        active=min(0.9, float(rng.lognormal(-1.7, 0.7))),
        visits=float(rng.lognormal(0.4, 0.4)),
        length=float(rng.lognormal(2.3, 0.8)),
        gap_s=float(rng.lognormal(2.2, 0.8)),
        web=float(rng.beta(1.2, 2)),
        parallel=int(rng.choice([1, 1, 1, 2, 4])),
        clumsy=float(rng.beta(1, 18)),
        wanders=0.1,
        lease_days=int(rng.integers(1, 20)),
    )
