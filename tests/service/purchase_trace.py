"""Purchases that somebody might make, and what became known of them, in the order in which it did."""

from random import Random

from ratelimit.core.purchase import Card, Purchase
from ratelimit.core.purchase_entry import Label
from ratelimit.core.purchase_event import Bought, Check, Confirmed, Ended, PurchaseEvent

START = 1_790_000_000.0
DAY = 86_400.0
_LATE = 9 * DAY
_LABELS: tuple[tuple[Label, ...], ...] = ((), ("fraud",), ("good",), ("fraud", "good"), ("first_party_dispute",))


def purchase(number: int, chance: Random, account: int | None = None) -> Purchase:
    """One of a few accounts, by a few cards and devices, from a few addresses."""
    account = chance.randint(0, 5) if account is None else account
    kind = chance.choice(["purchase", "purchase", "purchase", "setup", "grant"])
    return Purchase(
        id=f"o{number}",
        attempt=1 + chance.randint(0, 2),
        account=f"a{account}",
        kind=kind,  # type: ignore[arg-type]
        ip=chance.choice(["203.0.113.7", "203.0.113.9", "2001:db8::1", ""]),
        amount=chance.randint(1, 50) * 100 if kind == "purchase" else 0,
        currency=chance.choice(["EUR", "JPY"]) if kind == "purchase" else None,
        tokens=chance.randint(0, 900),
        email=chance.choice([f"user{account}@gmail.com", f"user{account}@mailinator.com", None]),
        device=chance.choice([f"d{account % 3}", None]),
        card=None if kind == "grant" else card(chance.randint(0, 7)),
        billing_country=chance.choice(["DE", "US", None]),
        account_created_at=chance.choice([START - 30 * DAY, None]),
    )


def card(number: int) -> Card:
    """A card of a few kinds."""
    countries, fundings = ("US", "DE", None), ("credit", "prepaid", "unknown", None)
    return Card(
        fingerprint=f"f{number}",
        last4="4242",
        exp_month=1,
        exp_year=2030,
        country=countries[number % 3],
        funding=fundings[number % 4],  # type: ignore[arg-type]
        brand="visa",
    )


def trace(seed: int, count: int) -> list[PurchaseEvent]:
    """Attempts with ends and labels, some told twice, some contradicted, in order."""
    chance, now = Random(seed), START
    events: list[PurchaseEvent] = []
    for number in range(count):
        now += chance.choice([0, 1, 30, 600, 4_000, 90_000])
        bought = purchase(number, chance)
        events.append(Bought(now, bought))
        checks = frozenset[Check](chance.sample(["cvc", "postal"], chance.choice([0, 0, 1])))
        outcome = chance.choice(["succeeded", "succeeded", "failed"])
        events += [Ended(now + chance.choice([0, 2, 700]), bought.id, bought.attempt, outcome, checks)] * chance.choice([0, 1, 2])  # type: ignore[arg-type]
        for label in chance.choice(_LABELS):
            events.append(Confirmed(now + chance.random() * _LATE, bought.id, bought.attempt, label))
    return sorted(events, key=lambda event: event.at)
