"""People on their phones: the carrier gives them another address at every visit, and shares each among thousands."""

from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.member import Member, Span, caller, chosen_plan
from ratelimit.anomaly.simulation.network import CARRIERS, exits, some
from ratelimit.anomaly.simulation.person import Person, paying
from ratelimit.anomaly.simulation.rhythm import daytime
from ratelimit.anomaly.simulation.route import mix


def join(rng: Generator, span: Span) -> Member:
    """Somebody with a phone, whose app uses the API."""
    carrier = some(rng, CARRIERS)
    person = Person(
        caller=caller(rng, chosen_plan(rng, (0.6, 0.3, 0.1))),
        addresses=exits(rng, carrier, 24),
        agents=agent.some(rng, agent.PHONE),
        browsers=agent.some(rng, agent.PHONE),
        rhythm=daytime(carrier.zone_h),
        active=float(rng.beta(2, 3)),
        visits=float(rng.lognormal(1.4, 0.6)),
        length=float(rng.lognormal(1.9, 0.6)),
        gap_s=float(rng.lognormal(2.0, 0.6)),
        web=float(rng.beta(1, 2)),
        parallel=int(rng.choice([1, 2, 4])),
        clumsy=float(rng.beta(1, 30)),
        wanders=0.8,
        lease_days=1,
        mix=mix(generate=18, poll=24, file=38, search=14, balance=6),
    )
    return paying(rng, person, span)
