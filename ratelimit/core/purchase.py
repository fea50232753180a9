"""A purchase as the checkout tells it, and what it is answered. Amounts are in minor units of their currency, times in seconds.

It is the attempt that is judged: another card is another attempt of the same purchase.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from ratelimit.core.decision import Reason, ShadowFinding, UnusualSignal, Verdict
from ratelimit.core.identity import MAX_NAME
from ratelimit.core.request import MAX_COST, Text

PurchaseKind = Literal["purchase", "setup", "grant"]  # tokens for money; a card that is kept for later; tokens for nothing
Funding = Literal["credit", "debit", "prepaid", "unknown"]
Action = Literal["accept", "hold", "challenge", "refuse"]
OnStoreFailure = Literal["accept", "challenge", "refuse"]

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
_END = r"$(?!\n)"  # `$` alone lets a line feed pass
Country = Annotated[str, Meta(pattern=rf"^[A-Z]{{2}}{_END}")]  # ISO 3166-1
Tokens = Annotated[int, Meta(ge=0, le=MAX_COST)]


class Card(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a payment service says of a card; its fingerprint stands for the number, which must never come here."""

    fingerprint: Name
    last4: Annotated[str, Meta(pattern=rf"^[0-9]{{4}}{_END}")]
    exp_month: Annotated[int, Meta(ge=1, le=12)]
    exp_year: Annotated[int, Meta(ge=2000, le=2100)]
    country: Country | None = None
    funding: Funding | None = None
    brand: Annotated[str, Meta(min_length=1, max_length=32)] | None = None


class Purchase(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One attempt. A grant has no card. `balance` is what the account had left before, which is spent first; None is nothing."""

    id: Name
    attempt: Annotated[int, Meta(ge=1, le=1_000)]
    account: Name
    ip: Annotated[str, Meta(max_length=64)]
    kind: PurchaseKind = "purchase"
    amount: Annotated[int, Meta(ge=0, le=1_000_000_000_000)] = 0
    currency: Annotated[str, Meta(pattern=rf"^[A-Za-z]{{3}}{_END}")] | None = None  # ISO 4217
    tokens: Tokens = 0
    email: Annotated[str, Meta(min_length=3, max_length=320)] | None = None
    card: Card | None = None
    device: Name | None = None
    billing_country: Country | None = None
    account_created_at: float | None = None
    user_agent: Text | None = None
    balance: Tokens | None = None


class PurchaseRules(Struct, frozen=True, forbid_unknown_fields=True):
    """The policy's section `purchases`: what the checkout is told to do while the store is away, and nothing can be known."""

    on_store_failure: OnStoreFailure = "challenge"


class PurchaseDecision(Struct, frozen=True, kw_only=True):
    """The answer. `held` tokens are not spendable until `lapses_at`, or until a person decides otherwise.

    `rule` is what decided: the rule, the list or the override, by its name or id. `signals` are the three that are farthest out.
    `propensity` is the chance that a hold by the model was not waived by lot, where one was drawn. `case` is the reference of what waits
    for a person.
    """

    id: str
    purchase: str
    attempt: int
    decision: Verdict
    action: Action
    reason: Reason
    hold_ratio: float = 0.0
    held: int = 0
    lapses_at: float | None = None
    rule: str | None = None
    risk: float | None = None
    p_fraud: float | None = None
    propensity: float | UnsetType = UNSET
    signals: tuple[UnusualSignal, ...] = ()
    case: str | None = None
    shadow: tuple[ShadowFinding, ...] = ()
