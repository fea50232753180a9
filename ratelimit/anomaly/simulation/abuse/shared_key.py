"""A shared key: an honest key that went round, used by dozens of people. The evasive circle is small, of one country, on one agent."""

from dataclasses import dataclass, replace

from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.abuse.origin import Abuser, origin
from ratelimit.anomaly.simulation.honest import hobbyist
from ratelimit.anomaly.simulation.member import Member, Span, charge
from ratelimit.anomaly.simulation.network import HOMES, at_home, some
from ratelimit.anomaly.simulation.person import Person
from ratelimit.anomaly.simulation.rhythm import evening
from ratelimit.anomaly.simulation.row import Rows, joined
from ratelimit.anomaly.simulation.site import Day


@dataclass(frozen=True, slots=True)
class Circle:
    """People with the same key."""

    people: tuple[Person, ...]

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """What they ask for."""
        return joined([person(day, rng) for person in self.people])


def join(rng: Generator, span: Span, *, evasive: bool) -> Member:
    """A key that begins to be shared."""
    found = charge(rng, span, "shared_key", evasive=evasive, days=(4, 15))
    start = origin(rng, found, span, stolen=0.85)
    size = int(rng.integers(3, 9)) if evasive else int(rng.integers(15, 61))
    place = some(rng, HOMES)
    common = agent.some(rng, agent.LIBRARY)
    people = []
    for _ in range(size):
        one = replace(hobbyist.habits(rng), caller=start.caller, web=0.0, active=float(rng.uniform(0.2, 0.8)))
        if evasive:
            one = replace(one, addresses=at_home(rng, place, 2), agents=common, rhythm=evening(place.zone_h), wanders=0.0)
        people.append(one)
    return Member(Abuser((start,), found, Circle(tuple(people))), labels=found.of_caller(start.caller))
