"""What a log of purchases tells: an attempt, how it ended, and what it was confirmed as, each when it became known."""

from typing import Literal, NamedTuple

from ratelimit.core.purchase import Purchase
from ratelimit.core.purchase_entry import Label, Outcome

Check = Literal["cvc", "postal"]


class Bought(NamedTuple):
    """An attempt, `at` seconds since the epoch."""

    at: float
    purchase: Purchase


class Ended(NamedTuple):
    """How an attempt ended, and which checks failed."""

    at: float
    purchase_id: str
    attempt: int
    outcome: Outcome
    checks: frozenset[Check] = frozenset()


class Confirmed(NamedTuple):
    """What a purchase was confirmed as; `attempt` is the one that was paid."""

    at: float
    purchase_id: str
    attempt: int
    label: Label


PurchaseEvent = Bought | Ended | Confirmed
