"""Teams: five to two hundred people behind one address, an office or a school, each with an account of their own."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation.honest import professional
from ratelimit.anomaly.simulation.member import Caller, Member, Span, caller
from ratelimit.anomaly.simulation.network import HOMES, some, within
from ratelimit.anomaly.simulation.person import paying
from ratelimit.anomaly.simulation.rhythm import office
from ratelimit.anomaly.simulation.row import BUSINESS, PRO, Rows, joined
from ratelimit.anomaly.simulation.site import Day

_LEAST, _MOST = 5, 200
_SHARES_KEY: Final = 0.3  # of the people, who use the team's key rather than their own


class Team:
    """People at one address."""

    def __init__(self, rng: Generator) -> None:
        place = some(rng, HOMES)
        size = int(np.clip(rng.lognormal(np.log(11), 0.9), _LEAST, _MOST))
        address, common = within(rng, place.v4, 1), caller(rng, PRO if size < 20 else BUSINESS)
        self.people = [
            replace(
                professional.habits(rng),
                caller=self._caller(rng, common),
                addresses=address,
                rhythm=office(place.zone_h),
                active=0.45,
                wanders=0.0,
                visits=1.3,
            )
            for _ in range(size)
        ]

    @staticmethod
    def _caller(rng: Generator, common: Caller) -> Caller:
        own = caller(rng, common.plan)
        return own._replace(key=common.key, account=common.account) if rng.random() < _SHARES_KEY else own

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """What they ask for together."""
        return joined([person(day, rng) for person in self.people])


def join(rng: Generator, span: Span) -> Member:
    """A team, for which one person pays."""
    team = Team(rng)
    return Member(team, paying(rng, team.people[0], span).buys)
