"""What of a purchase must be together, beyond the shape of each field: what its kind needs, its currency, its address, its times."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ratelimit.core.address import parse_address
from ratelimit.core.currency import MINOR_DIGITS
from ratelimit.core.expectation import shown
from ratelimit.core.purchase import Purchase

MOST_AHEAD_S: Final = 86_400  # of our clock, that an account may have been created

Problem = tuple[str, str]  # the JSON path of the wrong field; what was found, and what would do


class Checked(Struct, frozen=True):
    """A purchase that fits, its currency in upper case, and its address in bytes."""

    purchase: Purchase
    ip: bytes


class WrongPurchaseError(ValueError):
    """A purchase that cannot be judged: where it is wrong, as a JSON path, and what was found and would do."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(detail)
        self.path, self.detail = path, detail


def checked(purchase: Purchase, now_s: float) -> Checked:
    """The purchase to be judged; raises WrongPurchaseError for the first problem."""
    currency = purchase.currency.upper() if purchase.currency is not None else None
    for path, text in _problems(purchase, currency, now_s):
        raise WrongPurchaseError(path, text)
    ip = parse_address(purchase.ip)
    if ip is None:
        raise WrongPurchaseError("$.ip", f"{shown(purchase.ip)} is not an address; expected one such as 203.0.113.7 or 2001:db8::1")
    return Checked(purchase if currency == purchase.currency else replace(purchase, currency=currency), ip)


def _problems(purchase: Purchase, currency: str | None, now_s: float) -> Iterator[Problem]:
    yield from _of_kind(purchase)
    if currency is not None and currency not in MINOR_DIGITS:
        yield "$.currency", f"{shown(currency)} is no currency that a card is charged in; expected a code of ISO 4217 such as EUR"
    if purchase.amount and currency is None:
        yield "$.currency", "is missing; an amount is of a currency"
    if purchase.email is not None and not all(purchase.email.strip().rpartition("@")[::2]):
        yield "$.email", "is not an email address; expected one such as somebody@example.com, or leave it out"
    created = purchase.account_created_at
    if created is not None and not 0 <= created <= now_s + MOST_AHEAD_S:
        yield "$.account_created_at", f"{created:.0f} is not a time of the past; expected seconds since the epoch"


def _of_kind(purchase: Purchase) -> Iterator[Problem]:
    kind = purchase.kind
    if kind == "grant":
        if purchase.card is not None:
            yield "$.card", "has no place in a grant, which costs nothing; expected none, or another kind"
        if purchase.amount:
            yield "$.amount", f"{purchase.amount} has no place in a grant, which costs nothing; expected 0, or kind purchase"
        return
    if purchase.card is None:
        yield "$.card", f"is missing; a {kind} is made with a card"
    if kind == "setup" and purchase.tokens:
        yield "$.tokens", f"{purchase.tokens} has no place in a setup, which keeps a card for later; expected 0, or kind purchase"
    if kind == "setup" and purchase.amount:
        yield "$.amount", f"{purchase.amount} has no place in a setup, which keeps a card for later; expected 0, or kind purchase"
    if kind == "purchase" and not purchase.amount:
        yield "$.amount", "is missing, or 0; a purchase costs something, and tokens for nothing are a grant"
