"""Scripted purchases: attacks as they are described by those who suffer them, and honest people who look a little like one.

A scene is a list of attempts with what the bank makes of each, in the order in which they happen. Whoever plays it tells the service of
each outcome before the next attempt, as a payment service does within a second.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

DAY_S = 86_400
OFFICE = "203.0.113.40"


class Attempt(NamedTuple):
    """What the checkout asks about, and how it ends if it may go on: succeeded or declined. `of_attack`: what should be caught."""

    body: dict[str, Any]
    outcome: str
    of_attack: bool = True


class Scene(NamedTuple):
    """`caught_by` is the attempt of the attack, from 1, at which it must be met at the latest; None: nothing of it may be met."""

    name: str
    caught_by: int | None
    play: Callable[[], Iterator[Attempt]]


def card(name: str, **changes: object) -> dict[str, object]:
    """A card of the United States; its name stands for its number."""
    return {
        "fingerprint": f"fp_{name}",
        "last4": "4242",
        "exp_month": 4,
        "exp_year": 2030,
        "country": "US",
        "funding": "credit",
        "brand": "visa",
    } | changes


def purchase(name: str, account: str, *, age_s: float = 400 * DAY_S, **changes: object) -> dict[str, object]:
    """A purchase of tokens by card for 10 dollars, by an account that is that old."""
    body: dict[str, object] = {
        "id": f"pu_{name}",
        "attempt": 1,
        "account": account,
        "amount": 1_000,
        "currency": "USD",
        "tokens": 110,
        "ip": "198.51.100.10",
        "email": f"{account}@example.com",
        "card": card(account),
        "device": f"dev_{account}",
        "billing_country": "US",
        "account_created_at": time.time() - age_s,
    }
    return body | changes


def testing_by_one() -> Iterator[Attempt]:
    """Card after card by one account, small amounts, nearly all declined."""
    for number in range(10):
        name = f"tester_{number}"
        body = purchase(name, "acct_tester", age_s=3_600, amount=100, tokens=8, card=card(name))
        yield Attempt(body, "succeeded" if number == 6 else "declined")


def testing_spread() -> Iterator[Attempt]:
    """Every card by a new account, from another address and device, in the middle of what is bought honestly."""
    for number in range(12):
        yield Attempt(
            purchase(f"usual_{number}", f"acct_usual_{number}", ip=f"100.64.{number}.7"),
            "declined" if number == 11 else "succeeded",
            of_attack=False,
        )
    for number in range(12):
        name, account = f"spread_{number}", f"acct_spread_{number}"
        body = purchase(
            name, account, age_s=1_200, amount=100, tokens=8, ip=f"100.65.{number}.9", card=card(name), email=f"{name}@mail{number}.example"
        )
        yield Attempt(body, "declined")


def stolen_card() -> Iterator[Attempt]:
    """An account of an hour, a card of another country than the address and the bill, and each purchase larger than the one before."""
    stolen = card("stolen", country="GB")
    for number, amount in enumerate((500, 2_500, 10_000, 25_000, 25_000)):
        body = purchase(
            f"stolen_{number}",
            "acct_thief",
            age_s=3_600,
            amount=amount,
            tokens=amount // 8,
            card=stolen,
            billing_country="GB",
            ip="73.10.1.66",
        )
        yield Attempt(body, "succeeded")


def taken_over() -> Iterator[Attempt]:
    """An account that bought the same pack for months, then with another card and device from elsewhere, much more."""
    for number in range(4):
        yield Attempt(purchase(f"own_{number}", "acct_owner", ip="198.51.100.77"), "succeeded", of_attack=False)
    for number in range(5):
        foreign = card(f"foreign_{number}", country="FR")
        body = purchase(f"taken_{number}", "acct_owner", amount=25_000, tokens=3_800, card=foreign, device="dev_thief", ip="81.2.69.142")
        yield Attempt(body, "declined" if number % 2 else "succeeded")


def credit_farm() -> Iterator[Attempt]:
    """Account after account takes the credit that a new one is given, by one device."""
    for number in range(10):
        account = f"acct_farm_{number}"
        body = purchase(
            f"grant_{number}",
            account,
            age_s=60,
            kind="grant",
            amount=0,
            tokens=100,
            device="dev_farm",
            ip="192.0.2.68",
            email=f"farm{number}@example.net",
        )
        del body["card"], body["currency"], body["billing_country"]
        yield Attempt(body, "succeeded")


def team() -> Iterator[Attempt]:
    """Eight people in one office, each with an account, who pay with the card of their company; one mistypes its CVC."""
    company = card("company", funding="credit")
    for turn in range(2):
        for number in range(8):
            body = purchase(f"team_{turn}_{number}", f"acct_team_{number}", card=company, ip=OFFICE, device=f"dev_team_{number}")
            yield Attempt(body, "declined" if (turn, number) == (0, 3) else "succeeded", of_attack=False)


SCENES = (
    Scene("card testing, one account", 5, testing_by_one),
    Scene("card testing, spread", 5, testing_spread),
    Scene("stolen card", 5, stolen_card),
    Scene("account taken over", 5, taken_over),
    Scene("free-credit farm", 5, credit_farm),
    Scene("team, one office, one card", None, team),
)
