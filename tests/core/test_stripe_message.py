"""What the ledger is told of a purchase by what a payment service told."""

import pytest

from ratelimit.core.message import Happened
from ratelimit.core.purchase_entry import Attempt, Fact, PurchaseEntry
from ratelimit.core.stripe_fact import CASE_CLOSED, conclusions
from ratelimit.core.stripe_message import concluded

Said = str | int | bool | None
WARNED, DISPUTED = "radar.early_fraud_warning.created", "charge.dispute.created"


def fact(type_: str, number: int = 1, /, **said: Said) -> Fact:
    return Fact(100 + number, f"evt_{number}", type_, f"obj_{number}", 1, said, 200.0 + number)


def entry(*facts: Fact) -> PurchaseEntry:
    attempt = Attempt(1, 99.0, b"", b"", "purchase", "anna", 500, "eur", 10, {}, ())
    return PurchaseEntry("pi_1", (attempt,), {f"{one.type}:{one.object}": one for one in facts})


@pytest.mark.parametrize(
    ("type_", "said", "kind", "amount", "detail"),
    [
        ("charge.succeeded", {"amount": 500}, "succeeded", 500, None),
        ("charge.failed", {"amount": 500, "decline": "stolen_card", "status": "failed"}, "failed", 500, "stolen_card"),
        ("charge.refunded", {"amount": 500, "refunded": 200}, "refunded", 200, None),
        (DISPUTED, {"amount": 500, "reason": "fraudulent", "status": "needs_response"}, "disputed", 500, "fraudulent"),
        ("charge.dispute.closed", {"reason": "fraudulent", "status": "won"}, "dispute_won", None, "fraudulent"),
        ("charge.dispute.closed", {"reason": "fraudulent", "status": "lost"}, "dispute_lost", None, "fraudulent"),
        ("charge.dispute.created", {"status": "warning_needs_response"}, "inquiry", None, "warning_needs_response"),
        (WARNED, {"fraud_type": "made_with_stolen_card"}, "warned", None, "made_with_stolen_card"),
        ("review.opened", {}, "review_opened", None, None),
        ("review.closed", {"reason": "approved"}, "reviewed", None, "approved"),
    ],
)
def test_happened(type_: str, said: dict[str, Said], kind: str, amount: int | None, detail: str | None) -> None:
    """Each fact is one thing that happened, by its own time and since it is known."""
    one = entry(fact(type_, 1, **said))
    (found,) = concluded(one, conclusions(one))
    assert (found.purchase, found.attempt, found.account) == ("pi_1", 1, "anna")
    assert found.happened == (Happened("evt_1", kind, 101.0, 201.0, amount, detail),)


@pytest.mark.parametrize(
    ("facts", "label", "by"),
    [
        ([fact("charge.succeeded")], "", "efw"),
        ([fact("charge.succeeded"), fact(WARNED, 2)], "fraud", "efw"),
        ([fact(WARNED, 2), fact(DISPUTED, 3, reason="fraudulent", status="needs_response")], "fraud", "dispute"),
        ([fact(WARNED, 2), fact(CASE_CLOSED, 3, verdict="good")], "good", "analyst"),
    ],
)
def test_label(facts: list[Fact], label: str, by: str) -> None:
    """It says what all of it comes to, and on what that rests; a person's word is in the ledger already, and is nothing that happened."""
    one = entry(*facts)
    (found,) = concluded(one, conclusions(one))
    assert (found.label, found.label_by) == (label, by)
    assert (found.label_at is None) == (not label)
    assert all(happened.kind != CASE_CLOSED for happened in found.happened)
