"""Sleepers: accounts that nothing is heard of for weeks, and then they are back, some with a big job at once."""

from dataclasses import replace

from numpy.random import Generator

from ratelimit.anomaly.simulation.honest import professional
from ratelimit.anomaly.simulation.member import Member, Span
from ratelimit.anomaly.simulation.person import paying
from ratelimit.anomaly.simulation.row import DAY_MS


def join(rng: Generator, span: Span) -> Member:
    """A sleeper."""
    person = professional.habits(rng)
    asleep_ms = span.first_ms + int(rng.uniform(-20, 0.3 * span.days) * DAY_MS)
    awake_ms = asleep_ms + int(rng.uniform(5, 25) * DAY_MS)
    busy = replace(person, away_ms=(asleep_ms, awake_ms), length=person.length * float(rng.choice([0.5, 1.0, 4.0])))
    return paying(rng, busy, span)
