"""Whose key an abuser uses: one of their own, signed up for it, or one that somebody honest has used for long and goes on using."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.honest import hobbyist, integration, professional
from ratelimit.anomaly.simulation.honest.newcomer import life
from ratelimit.anomaly.simulation.member import Caller, Charge, Span, Uses, within
from ratelimit.anomaly.simulation.network import HOMES, at_home, some
from ratelimit.anomaly.simulation.person import Person
from ratelimit.anomaly.simulation.row import DAY_MS, HOUR_MS, Rows, in_order, joined
from ratelimit.anomaly.simulation.site import Day

_NOBODY = Caller(0, 0)


@dataclass(frozen=True, slots=True)
class Origin:
    """A key, what is asked with it honestly, and when its account began, if that is within the simulation."""

    caller: Caller
    honest: Uses
    person: Person
    joined_ms: int | None


def origin(rng: Generator, charge: Charge, span: Span, *, stolen: float) -> Origin:
    """A key for an abuse that begins then; `stolen` is how likely it has an honest past. Without keys: nobody."""
    person = (hobbyist if rng.random() < 0.5 else professional).habits(rng)
    past = rng.random()
    if not span.keyed:
        return Origin(_NOBODY, lambda _day, _rng: joined([]), person, None)
    if past < stolen:
        program = integration.smaller(integration.habits(rng), 0.5)
        honest: Uses = replace(program, caller=person.caller) if past < stolen / 3 else replace(person, active=max(0.4, person.active))
        return Origin(person.caller, honest, person, None)
    own = replace(person, addresses=at_home(rng, some(rng, HOMES), 2), agents=agent.some(rng, agent.LIBRARY), from_ms=charge.from_ms)
    joined_ms = charge.from_ms - int(rng.uniform(0.01, 3) * DAY_MS)
    return Origin(person.caller, own, own, joined_ms if joined_ms >= span.first_ms else None)


@dataclass(frozen=True, slots=True)
class Abuser:
    """What a key's honest use and its abuse make together. `strikes` is the abuse of a day; what lies outside its time is left out."""

    origins: tuple[Origin, ...]
    charge: Charge
    strikes: Callable[[Day, Generator], Rows]

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """Everything of a day."""
        parts = [origin.honest(day, rng) for origin in self.origins]
        parts += [
            life(origin.person, origin.joined_ms, rng)
            for origin in self.origins
            if origin.joined_ms is not None and day.start_ms <= origin.joined_ms < day.start_ms + DAY_MS - HOUR_MS
        ]
        if self.charge.from_ms < day.start_ms + DAY_MS and day.start_ms < self.charge.until_ms:
            parts.append(within(self.strikes(day, rng), self.charge.from_ms, self.charge.until_ms))
        return in_order(joined(parts))
