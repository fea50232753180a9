"""Who only buys: they ask for nothing, so the usage log is the same with and without them, and each has a chance of its own.

Honest are offices, where colleagues buy with the company's card from one address, and newcomers, who are given tokens to try and may buy
some. Not honest are those who buy with stolen cards, and farms of accounts that take what is given to newcomers. An evasive one lives where
its cards come from and lets an account age before it begins, or gives each account of a farm a device and an address of its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.member import Charge, Label, Span, caller, charge
from ratelimit.anomaly.simulation.network import HOMES, HOSTING, VPNS, lives_in, scattered, some, within
from ratelimit.anomaly.simulation.purchase import (
    PACKS,
    Buyer,
    Purchase,
    bought,
    buyer,
    card,
    grant,
    hex_name,
    stolen_outcome,
)
from ratelimit.anomaly.simulation.row import DAY_MS, HOUR_MS, MINUTE_MS
from ratelimit.anomaly.simulation.site import Day

OFFICE, NEWCOMER, STOLEN_CARD, TRIAL_FARM = "office", "trial", "stolen_card", "trial_farm"
_SEED: Final = 3  # cast has 0 to 2
_AT_SCALE_1: Final = {OFFICE: 10, NEWCOMER: 8, STOLEN_CARD: 12, TRIAL_FARM: 6}  # newcomers: a day
_WORKS: Final = 0.7  # share of stolen cards that still do, once they were tried elsewhere
_STAYS: Final = 0.4  # share of newcomers who buy


class Shopper(NamedTuple):
    """One of them: what it buys on a day, and how its accounts are labelled."""

    population: str
    evasive: bool
    buys: Callable[[Day, Generator], list[Purchase]]
    labels: tuple[Label, ...]
    seed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cart:
    """Purchases whose time is known from the start."""

    purchases: tuple[Purchase, ...]

    def __call__(self, day: Day, rng: Generator) -> list[Purchase]:  # noqa: ARG002  (chance had its say)
        """Those of a day."""
        return [one for one in self.purchases if day.start_ms <= one.time_ms < day.start_ms + DAY_MS]


@dataclass(frozen=True, slots=True)
class Several:
    """Buyers together."""

    buyers: tuple[Buyer | Cart, ...]

    def __call__(self, day: Day, rng: Generator) -> list[Purchase]:
        """What all of them buy."""
        return [purchase for one in self.buyers for purchase in one(day, rng)]


def shoppers(seed: int, span: Span, scale: float) -> Iterator[Shopper]:
    """All of them; in each population every second one that is not honest is evasive."""
    for number, (population, count) in enumerate(_AT_SCALE_1.items()):
        many = count * span.days if population == NEWCOMER else count
        for index in range(max(1, round(many * scale))):
            key = (_SEED, number, index)
            rng = default_rng(SeedSequence(seed, spawn_key=key))
            if population == OFFICE:
                yield Shopper(population, False, _office(rng, span), (), key)
            elif population == NEWCOMER:
                yield Shopper(population, False, _newcomer(rng, span), (), key)
            else:
                evasive = bool(index % 2)
                found, purchases = (_stolen if population == STOLEN_CARD else _farm)(rng, span, evasive=evasive)
                yield Shopper(population, evasive, Cart(tuple(purchases)), tuple(_labels(found, purchases)), key)


def _labels(found: Charge, purchases: list[Purchase]) -> Iterator[Label]:
    for account in dict.fromkeys(purchase.account for purchase in purchases):
        yield from found.of_caller(caller(default_rng(0))._replace(key=0, account=account))


def _office(rng: Generator, span: Span) -> Several:
    place = some(rng, HOMES)
    address = within(rng, place.v4, 1)
    common, domain = card(rng, place.country), f"{hex_name(rng, 'firm', 6)}.example"
    created_ms = span.first_ms - int(rng.exponential(90) * DAY_MS)
    colleagues = []
    for _ in range(int(rng.integers(3, 13))):
        one = buyer(rng, caller(rng).account, address, int(agent.some(rng, agent.BROWSER)[0]), place.zone_h, created_ms)
        colleagues.append(replace(one, cards=(common,), email=f"{hex_name(rng, 'user', 4)}@{domain}", country=place.country))
    return Several(tuple(colleagues))


def _newcomer(rng: Generator, span: Span) -> Several:
    place = some(rng, HOMES)
    joined_ms = span.first_ms + int(rng.integers(span.days * DAY_MS))
    browser = int(agent.some(rng, agent.BROWSER)[0])
    later = buyer(rng, caller(rng).account, scattered(rng, HOMES, 1), browser, place.zone_h, joined_ms)
    given = grant(rng, later, joined_ms + int(rng.integers(MINUTE_MS, HOUR_MS)))
    if rng.random() >= _STAYS:
        return Several((Cart((given,)),))
    return Several((Cart((given,)), replace(later, created_ms=given.time_ms + DAY_MS)))


def _stolen(rng: Generator, span: Span, *, evasive: bool) -> tuple[Charge, list[Purchase]]:
    """Large packs by cards of others, one card after the other until none works any more."""
    found = charge(rng, span, STOLEN_CARD, evasive=evasive, days=(1, 6) if evasive else (0.1, 1))._replace(verdict="fraud")
    address = scattered(rng, HOMES if evasive else (*VPNS, *HOSTING), 1)
    home = lives_in(rng, address[0])
    thief = buyer(rng, caller(rng).account, address, int(agent.some(rng, agent.BROWSER)[0]), 0, found.from_ms - HOUR_MS)
    if evasive:
        thief = replace(thief, created_ms=found.from_ms - int(rng.uniform(3, 40) * DAY_MS))
    purchases, time_ms = [], found.from_ms
    for _ in range(int(rng.integers(2, 6))):
        stolen = card(rng, home if evasive else some(rng, HOMES).country)
        for _ in range(int(rng.integers(1, 4))):
            cents, tokens = PACKS[int(rng.integers(4 if evasive else 5, len(PACKS)))]
            outcome = stolen_outcome(rng, time_ms, _WORKS)
            purchases.append(bought(thief, time_ms, hex_name(rng, "pu", 12), (cents, tokens), stolen, outcome))
            time_ms += int(rng.uniform(0.1, 12 if evasive else 0.5) * HOUR_MS)
    return found, purchases


def _farm(rng: Generator, span: Span, *, evasive: bool) -> tuple[Charge, list[Purchase]]:
    """Accounts that take what newcomers are given, one every few minutes or hours."""
    found = charge(rng, span, TRIAL_FARM, evasive=evasive, days=(4, 10) if evasive else (0.2, 1))
    common = within(rng, some(rng, VPNS).v4, 1)
    browser, device = int(agent.some(rng, agent.BROWSER)[0]), hex_name(rng, "dev", 10)
    given = []
    for time_ms in np.sort(rng.integers(found.from_ms, found.until_ms, int(rng.integers(8, 30)))).tolist():
        address = within(rng, some(rng, VPNS).v4, 1) if evasive else common
        one = buyer(rng, caller(rng).account, address, browser, 0, time_ms - 2 * MINUTE_MS)
        given.append(grant(rng, one if evasive else replace(one, device=device), time_ms))
    return found, given
