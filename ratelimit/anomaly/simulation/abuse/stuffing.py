"""Credential stuffing: passwords from somebody else's leak tried on many accounts, from one address. The evasive one has a botnet.

Each bot of it tries ten to thirty an hour for an hour or two, looks at pages in between, and logs in to an account of its own now and then.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.member import Member, Span, charge, within
from ratelimit.anomaly.simulation.network import HOMES, HOSTING, scattered
from ratelimit.anomaly.simulation.person import browse, login
from ratelimit.anomaly.simulation.rhythm import around, daytime
from ratelimit.anomaly.simulation.route import mix
from ratelimit.anomaly.simulation.row import DAY_MS, HOUR_MS, Numbers, Rows, in_order, joined
from ratelimit.anomaly.simulation.site import Day, answer

_PAGES = mix(login_page=45, home=25, gallery=12, pricing=8, picture=10)
_LEAKED = 40_000  # accounts in the list


@dataclass(frozen=True, slots=True)
class Stuffing:
    """One attack and its bots: how many are at work on a day, how often each tries, and how often a password fits."""

    list_from: int
    bots: Rows
    agents: Numbers
    evasive: bool
    at_work: int
    tries_an_hour: float
    fits: float

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """The tries of a day."""
        bots = rng.permutation(len(self.bots))[: self.at_work]
        starts = (daytime(0) if self.evasive else around()).starts(rng, day.start_ms, len(bots))
        return in_order(joined([self._shift(rng, day, int(start), int(bot)) for start, bot in zip(starts, bots, strict=True)]))

    def _shift(self, rng: Generator, day: Day, start_ms: int, bot: int) -> Rows:
        hours = float(rng.uniform(0.8, 2.2))
        count = 1 + int(rng.poisson(self.tries_an_hour * hours))
        times = start_ms + np.sort(rng.integers(0, int(hours * HOUR_MS), count))
        accounts = self.list_from + rng.integers(0, _LEAKED, count)
        parts = [login(times, rng.random(count) < self.fits, accounts)]
        if self.evasive:
            pages = browse(rng, start_ms + np.sort(rng.integers(0, int(hours * HOUR_MS), count)), _PAGES)
            parts.append(answer(rng, pages, day, 0.01))
        rows = joined(parts)
        rows["address"], rows["agent"] = self.bots[bot], self.agents[bot % len(self.agents)]
        return within(rows, day.start_ms, day.start_ms + DAY_MS)


def join(rng: Generator, span: Span, *, evasive: bool) -> Member:
    """An attack on logins."""
    found = charge(rng, span, "stuffing", evasive=evasive, days=(3, 7) if evasive else (0.5, 2.5))
    bots = scattered(rng, HOMES if evasive or rng.random() < 0.4 else HOSTING, 40 if evasive else 1)
    strikes = Stuffing(
        int(rng.integers(1, 1 << 62)),
        bots,
        agent.some(rng, agent.BROWSER if evasive else agent.LIBRARY, 10 if evasive else 1),
        evasive,
        at_work=12 if evasive else 1,
        tries_an_hour=float(rng.uniform(10, 30) if evasive else rng.uniform(600, 2_500)),
        fits=float(rng.uniform(0.3, 0.7) if evasive else rng.uniform(0.005, 0.02)),
    )

    def uses(day: Day, rng: Generator) -> Rows:
        active = found.from_ms < day.start_ms + DAY_MS and day.start_ms < found.until_ms
        return within(strikes(day, rng), found.from_ms, found.until_ms) if active else joined([])

    return Member(uses, labels=found.of_addresses(bots))
