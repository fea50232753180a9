"""Newcomers: they sign up on some day, read, try, make mistakes, and either stay or are not seen again."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation.honest import hobbyist, professional
from ratelimit.anomaly.simulation.member import Member, Span
from ratelimit.anomaly.simulation.person import Person, paying
from ratelimit.anomaly.simulation.row import DAY_MS, KEY_CREATED, ROW, SIGNUP, TRIAL_GRANTED, Rows, in_order, joined
from ratelimit.anomaly.simulation.site import Day

_LIFE = (SIGNUP, TRIAL_GRANTED, KEY_CREATED)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A first day, in which much goes wrong, and the days after it."""

    first: Person
    later: Person
    joined_ms: int

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """What a newcomer asks for; nothing before they joined."""
        if day.start_ms + DAY_MS <= self.joined_ms:
            return np.zeros(0, ROW)
        if day.start_ms > self.joined_ms:
            return self.later(day, rng)
        tries = self.first(day, rng)
        tries = tries[tries["time_ms"] > self.joined_ms]
        return in_order(joined([life(self.first, self.joined_ms, rng), tries]))


def life(person: Person, joined_ms: int, rng: Generator) -> Rows:
    """What an account's life begins with: signed up, given tokens to try, and after some minutes a key."""
    events = np.zeros(len(_LIFE), ROW)
    events["kind"] = _LIFE
    events["time_ms"] = joined_ms + np.array([0, 40, int(rng.uniform(20_000, 900_000))])
    events["address"] = person.addresses[0]
    events["agent"] = person.browsers[0]
    events["account"], events["plan"] = person.caller.account, person.caller.plan
    events["key"][-1] = person.caller.key
    return events


def join(rng: Generator, span: Span) -> Member:
    """A newcomer; half of them do not come back."""
    person = (hobbyist if rng.random() < 0.7 else professional).habits(rng)
    start_ms = span.first_ms + DAY_MS * int(rng.integers(span.days))
    joined_ms = int(person.rhythm.starts(rng, start_ms, 1)[0])
    later = replace(person, active=person.active * float(rng.choice([0.0, 1.0])), from_ms=joined_ms)
    first = replace(person, active=20.0, visits=person.visits + 2, clumsy=float(rng.beta(2, 9)), web=0.4, logs_in=0.8, from_ms=joined_ms)
    member = paying(rng, later, span)
    return member._replace(uses=Newcomer(first, later, joined_ms))
