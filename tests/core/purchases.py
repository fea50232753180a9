"""Purchases for tests: a sound one, of which fields can be changed."""

from typing import Any

from ratelimit.core.purchase import Card, Purchase

NOW = 1_790_000_000.0
CARD = Card(fingerprint="fp_1", last4="4242", exp_month=12, exp_year=2030, country="DE", funding="credit", brand="visa")


def purchase(**fields: Any) -> Purchase:
    """One of 1,000 tokens for 49 euros."""
    sound = {"id": "p1", "attempt": 1, "account": "a1", "ip": "203.0.113.7", "amount": 4_900, "currency": "EUR", "tokens": 1_000}
    return Purchase(**{**sound, "email": "somebody@example.com", "card": CARD, **fields})
