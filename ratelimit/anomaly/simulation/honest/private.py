"""People who hide where they are: a VPN or a relay gives them addresses in hosting networks, of one country today and another tomorrow."""

from dataclasses import replace

from numpy.random import Generator

from ratelimit.anomaly.simulation.honest import hobbyist, professional
from ratelimit.anomaly.simulation.member import Member, Span
from ratelimit.anomaly.simulation.network import HOMES, RELAYS, VPNS, scattered
from ratelimit.anomaly.simulation.person import paying


def join(rng: Generator, span: Span) -> Member:
    """A private person: a hobbyist or a professional."""
    person = (hobbyist if rng.random() < 0.6 else professional).habits(rng)
    through = (RELAYS, VPNS, (*VPNS, *HOMES))[rng.integers(3)]
    addresses = scattered(rng, through, int(rng.integers(3, 16)))
    return paying(rng, replace(person, addresses=addresses, wanders=float(rng.uniform(0.3, 0.9)), lease_days=1), span)
