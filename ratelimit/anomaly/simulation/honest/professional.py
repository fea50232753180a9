"""Professionals: designers and freelancers who use the site most working days, in office hours, with scripts and by browser."""

from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.member import Member, Span, caller, chosen_plan
from ratelimit.anomaly.simulation.network import HOMES, at_home, some
from ratelimit.anomaly.simulation.person import Person, paying
from ratelimit.anomaly.simulation.rhythm import office


def join(rng: Generator, span: Span) -> Member:
    """A professional."""
    return paying(rng, habits(rng), span)


def habits(rng: Generator) -> Person:
    """What a professional is like."""
    home = some(rng, HOMES)
    return Person(
        caller=caller(rng, chosen_plan(rng, (0.1, 0.4, 0.45, 0.05))),
        addresses=at_home(rng, home, 4),
        agents=agent.some(rng, agent.LIBRARY, int(rng.integers(1, 3))),
        browsers=agent.some(rng, agent.BROWSER, 2),
        rhythm=office(home.zone_h, float(rng.uniform(0.05, 0.5))),
        active=float(rng.beta(5, 2)),
        visits=float(rng.lognormal(0.7, 0.5)),
        length=float(rng.lognormal(2.0, 0.9)),
        gap_s=float(rng.lognormal(2.0, 0.9)),
        web=float(rng.beta(1.2, 3)),
        parallel=int(rng.choice([1, 1, 2, 4, 8])),
        clumsy=float(rng.beta(1, 25)),
        wanders=0.15,
        lease_days=int(rng.integers(1, 20)),
    )
