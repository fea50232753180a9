"""Visitors: people without a key who look at the gallery, read the guides, and come back now and then."""

from dataclasses import replace

from numpy.random import Generator

from ratelimit.anomaly.simulation.honest import hobbyist
from ratelimit.anomaly.simulation.member import Member, Span


def join(rng: Generator, _span: Span) -> Member:
    """A visitor; some have an account and log in."""
    person = hobbyist.habits(rng)
    return Member(
        replace(
            person,
            web=1.0,
            logs_in=float(rng.choice([0.0, 0.0, 0.3])),
            active=min(0.9, float(rng.lognormal(-1.7, 0.9))),
            length=float(rng.lognormal(1.8, 0.8)),
            gap_s=float(rng.lognormal(2.6, 0.7)),
        )
    )
