"""Card testing: stolen card numbers are tried with small purchases. The evasive one has a fresh address, account and card each time."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation import agent
from ratelimit.anomaly.simulation.honest import hobbyist
from ratelimit.anomaly.simulation.honest.newcomer import life
from ratelimit.anomaly.simulation.member import Member, Span, charge
from ratelimit.anomaly.simulation.network import HOMES, VPNS, lives_in, scattered, some
from ratelimit.anomaly.simulation.person import Person, browse
from ratelimit.anomaly.simulation.purchase import PACKS, Purchase, card, email, hex_name, stolen_outcome
from ratelimit.anomaly.simulation.route import mix
from ratelimit.anomaly.simulation.row import DAY_MS, FREE, MINUTE_MS, Rows, in_order, joined
from ratelimit.anomaly.simulation.site import Day, answer

_USUAL, _SMALL = 4, 2  # how many of the packs are tried, from the smallest on; the evasive one buys what others buy
_PAGES = mix(pricing=30, checkout=50, home=20)
_WORKS = 0.2  # share of stolen cards that still do


@dataclass(frozen=True, slots=True)
class Tester:
    """One account of the testing: it signs up, tries its cards within a while, and is left."""

    person: Person
    joined_ms: int
    cards: int
    gap_min: float
    device: str
    email: str

    def times(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """When each card is tried."""
        return self.joined_ms + 4 * MINUTE_MS + (np.arange(self.cards) * self.gap_min * MINUTE_MS).astype(np.int64)

    def on(self, day: Day) -> bool:
        """Whether it signs up that day."""
        return day.start_ms <= self.joined_ms < day.start_ms + DAY_MS

    def pages(self, day: Day, rng: Generator) -> Rows:
        """The pages around it."""
        rows = answer(rng, browse(rng, self.times()[:20] - MINUTE_MS // 2, _PAGES), day, 0.02)
        rows["account"], rows["address"], rows["agent"] = self.person.caller.account, self.person.addresses[0], self.person.browsers[0]
        return joined([life(self.person, self.joined_ms, rng), rows])

    def buys(self, rng: Generator) -> list[Purchase]:
        """The purchases."""
        address = self.person.addresses[0]
        home = lives_in(rng, address)
        found = []
        for time_ms in self.times():
            tried = card(rng, home if rng.random() < 0.5 else some(rng, HOMES).country)
            cents, tokens = PACKS[rng.integers(_USUAL if self.cards == 1 else _SMALL)]
            found.append(
                Purchase(int(time_ms), hex_name(rng, "pu", 12), 1, self.person.caller.account, cents, tokens,
                         (int(address["high"]), int(address["low"])), self.email, tried, self.device, home, self.joined_ms,
                         int(self.person.browsers[0]), stolen_outcome(rng, int(time_ms), _WORKS))
            )  # fmt: skip
        return found


def join(rng: Generator, span: Span, *, evasive: bool) -> Member:
    """A testing of cards."""
    found = charge(rng, span, "card_testing", evasive=evasive, days=(3, 12) if evasive else (0.3, 1.5))._replace(verdict="fraud")
    common = scattered(rng, VPNS if rng.random() < 0.5 else HOMES, 1)
    device = hex_name(rng, "dev", 10)
    testers = []
    for _ in range(int(rng.integers(8, 14)) if evasive else int(rng.integers(1, 4))):
        person = hobbyist.habits(rng)
        person = replace(
            person, caller=person.caller._replace(plan=FREE), addresses=scattered(rng, HOMES, 1) if evasive else common,
            browsers=agent.some(rng, agent.BROWSER),
        )  # fmt: skip
        joined_ms = int(rng.integers(found.from_ms, max(found.from_ms + 1, found.until_ms)))
        cards = 1 if evasive else int(rng.integers(15, 60))
        testers.append(
            Tester(person, joined_ms, cards, float(rng.uniform(0.3, 3)), hex_name(rng, "dev", 10) if evasive else device, email(rng))
        )
    labels = [] if evasive else found.of_addresses(common)
    for one in testers:
        own = found._replace(from_ms=one.joined_ms, until_ms=one.joined_ms + DAY_MS)
        labels += own.of_caller(one.person.caller._replace(key=0))
    return Member(
        lambda day, rng: in_order(joined([one.pages(day, rng) for one in testers if one.on(day)])),
        lambda day, rng: [purchase for one in testers if one.on(day) for purchase in one.buys(rng)],
        labels,
    )
