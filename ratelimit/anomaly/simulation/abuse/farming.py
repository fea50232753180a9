"""Farming of free credit: accounts by the same hand, each used until its free tokens are gone. The evasive one takes days and homes."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.honest.newcomer import life
from ratelimit.anomaly.simulation.member import Member, Span, attribute, caller, charge
from ratelimit.anomaly.simulation.network import HOMES, HOSTING, VPNS, at_home, neighbours, scattered, some
from ratelimit.anomaly.simulation.person import Person
from ratelimit.anomaly.simulation.rhythm import around, daytime, lengths, visits
from ratelimit.anomaly.simulation.route import ROUTES, asked, mix
from ratelimit.anomaly.simulation.row import DAY_MS, HOUR_MS, MINUTE_MS, ROW, Rows, in_order, joined
from ratelimit.anomaly.simulation.site import Day, answer

_FREE_TOKENS = 25
_MIX = mix(generate=36, poll=40, file=22, balance=2)


@dataclass(frozen=True, slots=True)
class Farmed:
    """One of the accounts: when it is made, and over how many days its tokens are used."""

    person: Person
    joined_ms: int
    days: int

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """What this account asks for on a day."""
        age = (day.start_ms + DAY_MS - 1 - self.joined_ms) // DAY_MS
        if not 0 <= age < self.days:
            return np.zeros(0, ROW)
        start = max(day.start_ms, self.joined_ms) + int(rng.integers(MINUTE_MS, HOUR_MS // 2))
        slow = self.days > 1
        starts = np.sort(start + (rng.integers(0, 6 * HOUR_MS, 3) if slow else np.zeros(1, np.int64)))
        times, _ = visits(rng, starts, lengths(rng, 14 if slow else 50, 0.4, len(starts)), 9 if slow else 2.5, 1.0)
        rows = attribute(asked(rng, np.sort(times), _MIX), self.person.caller)
        rows["address"], rows["agent"] = self.person.addresses[0], self.person.agents[0]
        answer(rng, rows, day, 0.01)
        spent = (np.cumsum(rows["cost"]) > _FREE_TOKENS / self.days) & (rows["route"] == ROUTES["generate"])
        rows["status"][spent], rows["bytes"][spent] = 402, 180
        parts = [life(self.person, self.joined_ms, rng), rows] if age == 0 else [rows]
        return joined(parts)


@dataclass(frozen=True, slots=True)
class Farm:
    """All accounts of one hand."""

    accounts: tuple[Farmed, ...]

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """What they ask for."""
        rows = joined([account(day, rng) for account in self.accounts])
        return in_order(rows[rows["time_ms"] < day.start_ms + DAY_MS])


def join(rng: Generator, span: Span, *, evasive: bool) -> Member:
    """A farm of some accounts."""
    found = charge(rng, span, "farming", evasive=evasive, days=(8, 20) if evasive else (1, 3))
    count = int(rng.integers(6, 9))
    near = neighbours(rng, some(rng, HOSTING if rng.random() < 0.5 else HOMES).v4, 3)
    common = agent.some(rng, agent.LIBRARY)
    accounts = []
    for number in range(count):
        place = some(rng, HOMES)
        addresses = (at_home(rng, place, 1) if rng.random() < 0.8 else scattered(rng, VPNS, 1)) if evasive else near[number % 3 :][:1]
        agents = agent.some(rng, agent.BROWSER if rng.random() < 0.5 else agent.LIBRARY) if evasive else common
        rhythm = daytime(place.zone_h) if evasive else around()
        person = Person(caller(rng), addresses, agents, agents if evasive else agent.some(rng, agent.BROWSER), rhythm)
        joined_ms = int(rng.integers(found.from_ms, max(found.from_ms + 1, found.until_ms)))
        accounts.append(Farmed(person, joined_ms, int(rng.integers(1, 4)) if evasive else 1))
    labels = [] if evasive else found.of_addresses(near)
    for one in accounts:
        labels += found._replace(from_ms=one.joined_ms, until_ms=one.joined_ms + one.days * DAY_MS).of_caller(one.person.caller)
    return Member(Farm(tuple(accounts)), labels=labels)
