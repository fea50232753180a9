"""What the ledger is told of a purchase: the facts that a payment service told of each attempt, and what they come to. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from ratelimit.core.message import Concluded, Happened, LabelSource
from ratelimit.core.purchase_entry import Fact, PurchaseEntry
from ratelimit.core.stripe_fact import CASE_CLOSED, Conclusion, attempt_of

_DISPUTE: Final = "charge.dispute."
_WARNING: Final = "radar.early_fraud_warning."
_DETAILS: Final = ("decline", "fraud_type", "reason", "report", "status")  # the first of these that was said
_CLOSED: Final = {"won": "dispute_won", "lost": "dispute_lost"}


def concluded(entry: PurchaseEntry, found: Iterable[Conclusion]) -> Iterator[Concluded]:
    """A message for each attempt of which something is known."""
    facts: dict[int, list[Fact]] = {}
    for fact in entry.facts.values():
        facts.setdefault(attempt_of(entry, fact), []).append(fact)
    accounts = {attempt.attempt: attempt.account for attempt in entry.attempts}
    for one in found:
        mine = facts[one.attempt]
        happened = tuple(_happened(fact) for fact in mine if fact.type != CASE_CLOSED)
        yield Concluded(entry.id, one.attempt, accounts[one.attempt], happened, one.label, one.label_at, _label_by(mine))


def _happened(fact: Fact) -> Happened:
    said = fact.said
    amount = said.get("refunded") if fact.type == "charge.refunded" else said.get("amount")
    detail = next((str(said[name]) for name in _DETAILS if said.get(name)), None)
    return Happened(fact.event, _kind(fact), float(fact.created), fact.known_at, amount if isinstance(amount, int) else None, detail)


def _kind(fact: Fact) -> str:
    if fact.type.startswith(_DISPUTE):
        status = str(fact.said.get("status"))
        return "inquiry" if status.startswith("warning_") else _CLOSED.get(status, "disputed")
    if fact.type.startswith(_WARNING):
        return "warned"
    if fact.type == "review.opened":
        return "review_opened"
    if fact.type == "review.closed":
        return "reviewed"
    for ending in ("succeeded", "failed", "refunded"):
        if fact.type.endswith(ending):
            return ending
    return fact.type


def _label_by(facts: Iterable[Fact]) -> LabelSource:
    """On what a label rests: a person's word, else a dispute, else what the payment service itself found."""
    types = {fact.type for fact in facts}
    if CASE_CLOSED in types:
        return "analyst"
    return "dispute" if any(type_.startswith(_DISPUTE) for type_ in types) else "efw"
