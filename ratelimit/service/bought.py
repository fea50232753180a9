"""Makes the ledger's messages of decisions on purchases; it is done when they are sent, which is after the checkout has the answer."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from msgspec import UNSET

from ratelimit.core.message import Bought, Entity
from ratelimit.core.protocols import AddressBook
from ratelimit.core.purchase import Purchase, PurchaseDecision
from ratelimit.core.purchase_entity import Entities, email_domain
from ratelimit.core.purchase_record import PurchaseEvidence
from ratelimit.core.purchase_signals import VERSION as VERSION_OF_SIGNALS
from ratelimit.core.record import writable
from ratelimit.service.country import country_of
from ratelimit.service.recent import LONGEST

_PSEUDONYM_SHOWN: Final = 6  # characters of one that people see


class Answered(NamedTuple):
    """A purchase that was decided, at `at`, by the policy of that digest."""

    at: float
    purchase: Purchase
    entities: Entities
    decision: PurchaseDecision
    policy: str
    evidence: PurchaseEvidence | None


def bought_of(answered: Answered, book: AddressBook | None = None) -> Bought:
    """The message; `book` knows of which country the address is."""
    at, purchase, entities, decision, policy, evidence = answered
    card = purchase.card
    return Bought(
        decision.id,
        at,
        writable(purchase.id),
        purchase.attempt,
        purchase.kind,
        tuple(_entities(purchase, entities)),
        purchase.amount,
        purchase.currency,
        purchase.tokens,
        decision.decision,
        decision.action,
        decision.reason,
        decision.rule,
        decision.hold_ratio,
        decision.held,
        decision.lapses_at,
        policy,
        last4=card.last4 if card is not None else None,
        exp_month=card.exp_month if card is not None else None,
        exp_year=card.exp_year if card is not None else None,
        card_country=card.country if card is not None else None,
        brand=card.brand if card is not None else None,
        funding=card.funding if card is not None else None,
        billing_country=purchase.billing_country,
        user_agent=writable(purchase.user_agent[:LONGEST]) if purchase.user_agent is not None else None,
        risk=decision.risk,
        p_fraud=decision.p_fraud,
        propensity=None if decision.propensity is UNSET else decision.propensity,
        model=evidence.model if evidence is not None else None,
        signal_version=VERSION_OF_SIGNALS if evidence is not None else None,
        signals=evidence.signals if evidence is not None else None,
        shadow=decision.shadow,
        ip_country=country_of(purchase.ip, book) if book is not None else None,
        balance=purchase.balance,
    )


def _entities(purchase: Purchase, entities: Entities) -> Iterator[Entity]:
    """All that it shares with others, as people see it; the account comes first."""
    shown: dict[str, str | None] = {
        "card": f"•••• {purchase.card.last4}" if purchase.card is not None else None,
        "email": purchase.email,
        "email_domain": email_domain(purchase.email) if purchase.email is not None else None,
    }
    for kind, target in entities.targets.items():
        value = writable(target.value)
        seen = shown.get(kind)
        if kind == "device":
            seen = f"device_{value[:_PSEUDONYM_SHOWN]}"
        yield Entity(kind, value, writable(seen) if seen is not None else None)
