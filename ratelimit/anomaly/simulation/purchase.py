"""What people buy: tokens by card, with cards that are refused, kept, changed or stolen, and what became of each purchase."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation.network import HOMES, lives_in, some
from ratelimit.anomaly.simulation.rhythm import daytime
from ratelimit.anomaly.simulation.row import DAY_MS, Rows
from ratelimit.anomaly.simulation.site import Day

_BRANDS: Final = ("visa", "visa", "mastercard", "mastercard", "amex", "discover")
_FUNDING: Final = ("credit", "credit", "debit", "debit", "debit", "prepaid")
PACKS: Final = ((100, 8), (300, 25), (500, 50), (1_000, 110), (2_500, 300), (5_000, 650), (10_000, 1_400), (25_000, 3_800))  # cents, tokens
GIVEN: Final = 25  # tokens to try
_DOMAINS: Final = ("gmail.com", "gmail.com", "outlook.com", "yahoo.com", "icloud.com", "proton.me", "example.com", "example.org")
_DECLINES: Final = ("insufficient_funds", "do_not_honor", "expired_card", "incorrect_cvc")
_RETRY_MS: Final = 90_000


class Card(NamedTuple):
    """A card as a payment service describes it; the fingerprint stands for its number."""

    fingerprint: str
    last4: str
    exp_month: int
    exp_year: int
    country: str
    funding: str
    brand: str


class Outcome(NamedTuple):
    """What became of a purchase; times are None where it did not come to that."""

    status: str  # succeeded | declined
    decline_code: str | None = None
    cvc_check: str = "pass"
    postal_check: str = "pass"
    early_warning_ms: int | None = None
    disputed_ms: int | None = None
    dispute_reason: str | None = None
    refunded_ms: int | None = None


class Purchase(NamedTuple):
    """One attempt to buy; the address is two numbers as in a row, the agent its index."""

    time_ms: int
    id: str
    attempt: int
    account: int
    amount: int  # cents
    tokens: int
    address: tuple[int, int]
    email: str
    card: Card | None
    device: str
    billing_country: str
    account_created_ms: int
    agent: int
    outcome: Outcome
    kind: str = "purchase"


@dataclass(frozen=True, slots=True)
class Buyer:
    """Somebody who pays for what they use: once in `every_days`, mostly the same pack by the same card."""

    account: int
    email: str
    device: str
    cards: tuple[Card, ...]
    country: str
    address: tuple[int, int]
    agent: int
    created_ms: int
    every_days: float
    pack: int
    zone_h: int

    def __call__(self, day: Day, rng: Generator) -> list[Purchase]:
        """The attempts of a day."""
        if day.start_ms < self.created_ms - DAY_MS or rng.random() >= 1 / self.every_days:
            return []
        time_ms = int(daytime(self.zone_h).starts(rng, day.start_ms, 1)[0])
        amount, tokens = PACKS[min(len(PACKS) - 1, self.pack + int(rng.random() < 0.15))]
        found: list[Purchase] = []
        name = hex_name(rng, "pu", 12)
        while not found or (found[-1].outcome.status == "declined" and len(found) < 4 and rng.random() < 0.7):
            card = self.cards[0 if rng.random() < 0.9 else int(rng.integers(len(self.cards)))]
            at = time_ms + len(found) * _RETRY_MS
            found.append(
                Purchase(at, name, 1 + len(found), self.account, amount, tokens, self.address, self.email, card, self.device,
                         self.country, self.created_ms, self.agent, honest_outcome(rng, at, again=bool(found)))
            )  # fmt: skip
        return found


def buyer(rng: Generator, account: int, addresses: Rows, agent: int, zone_h: int, created_ms: int) -> Buyer:
    """Somebody honest with one to three cards, of the country that they live in, nearly always."""
    country = lives_in(rng, addresses[0])
    cards = tuple(
        card(rng, country if rng.random() < 0.93 else some(rng, HOMES).country) for _ in range(1 + min(2, int(rng.poisson(0.35))))
    )
    first = addresses[0]
    return Buyer(account, email(rng), hex_name(rng, "dev", 10), cards, country, (int(first["high"]), int(first["low"])), agent, created_ms,
                 every_days=float(rng.lognormal(np.log(14), 0.7)) + 1, pack=int(rng.integers(6)), zone_h=zone_h)  # fmt: skip


def bought(who: Buyer, time_ms: int, name: str, pack: tuple[int, int], by: Card, outcome: Outcome) -> Purchase:
    """A first attempt to buy a pack (cents, tokens) by a card, as from where the card is."""
    return Purchase(time_ms, name, 1, who.account, *pack, who.address, who.email, by, who.device, by.country, who.created_ms, who.agent,
                    outcome)  # fmt: skip


def grant(rng: Generator, who: Buyer, time_ms: int) -> Purchase:
    """Tokens to try that somebody new is given: for nothing, and without a card."""
    return Purchase(time_ms, hex_name(rng, "gr", 12), 1, who.account, 0, GIVEN, who.address, who.email, None, who.device, who.country,
                    who.created_ms, who.agent, Outcome("succeeded", None, "unavailable", "unavailable"), "grant")  # fmt: skip


def card(rng: Generator, country: str) -> Card:
    """A new card of a country."""
    return Card(
        fingerprint=hex_name(rng, "fp", 14),
        last4=f"{rng.integers(10_000):04}",
        exp_month=int(rng.integers(1, 13)),
        exp_year=int(rng.integers(2026, 2032)),
        country=country,
        funding=_FUNDING[rng.integers(len(_FUNDING))],
        brand=_BRANDS[rng.integers(len(_BRANDS))],
    )


def email(rng: Generator) -> str:
    """An address to write to."""
    return f"{hex_name(rng, 'user', 8)}@{_DOMAINS[rng.integers(len(_DOMAINS))]}"


def hex_name(rng: Generator, prefix: str, digits: int) -> str:
    """A name with some hexadecimal digits, never digits alone: that could be taken for a card's number."""
    return f"{prefix}_{int(rng.integers(16**digits)):0{digits}x}"


def honest_outcome(rng: Generator, time_ms: int, *, again: bool) -> Outcome:
    """One in fourteen is declined, who tries again is so more often; a few are refunded, very few disputed, and that is no fraud."""
    if rng.random() < (0.4 if again else 0.07):
        code = _DECLINES[rng.integers(len(_DECLINES))]
        return Outcome("declined", code, cvc_check="fail" if code == "incorrect_cvc" else "pass")
    postal = "fail" if rng.random() < 0.04 else "pass"
    luck = rng.random()
    if luck < 0.015:
        return Outcome("succeeded", postal_check=postal, refunded_ms=time_ms + int(rng.uniform(0.1, 20) * DAY_MS))
    if luck < 0.018:
        return Outcome("succeeded", postal_check=postal, disputed_ms=time_ms + int(rng.uniform(5, 60) * DAY_MS),
                       dispute_reason="product_not_received")  # fmt: skip
    return Outcome("succeeded", postal_check=postal)


def stolen_outcome(rng: Generator, time_ms: int, works: float) -> Outcome:
    """What becomes of a stolen card: a share of them `works`, until its holder sees it."""
    postal = "fail" if rng.random() < 0.5 else "unavailable"
    if rng.random() >= works:
        code = ("do_not_honor", "incorrect_cvc", "stolen_card", "invalid_account")[rng.integers(4)]
        return Outcome("declined", code, cvc_check="fail" if code == "incorrect_cvc" else "pass", postal_check=postal)
    warned = time_ms + int(rng.uniform(1, 9) * DAY_MS) if rng.random() < 0.5 else None
    disputed = time_ms + int(rng.uniform(6, 50) * DAY_MS) if rng.random() < 0.7 else None
    return Outcome("succeeded", None, "pass", postal, warned, disputed, "fraudulent" if disputed else None)
