"""What is kept of an event of Stripe, and by what two of them are known to tell of the same change."""

import re
from importlib.resources import files
from typing import Any

import msgspec
import pytest

from ratelimit.core.purchase_entry import Fact
from ratelimit.core.stripe_event import SAID, TYPES, Heard, heard
from tests.core.stripe_payloads import SECRETS_OF_BUYERS, charge, dispute, event, intent, review, setup, warning

KNOWN_AT = 1_790_000_007.5
OBJECTS = {
    "charge.succeeded": charge(purchase="p", attempt=2),
    "charge.failed": charge(failed="stolen_card", cvc="fail"),
    "charge.refunded": charge(refunded=4_900, report="fraudulent"),
    "payment_intent.succeeded": intent(purchase="p"),
    "payment_intent.payment_failed": intent(failed="lost_card"),
    "setup_intent.succeeded": setup(purchase="p", attempt=1),
    "setup_intent.setup_failed": setup(failed="incorrect_cvc"),
    "radar.early_fraud_warning.created": warning(),
    "radar.early_fraud_warning.updated": warning(actionable=False),
    "charge.dispute.created": dispute(),
    "charge.dispute.updated": dispute(status="under_review"),
    "charge.dispute.closed": dispute(status="won"),
    "review.opened": review(),
    "review.closed": review(reason="approved"),
}


def hear(kind: str, about: dict[str, Any] | None = None, **envelope: Any) -> Heard:
    found = heard(event(kind, about or OBJECTS[kind], **envelope), KNOWN_AT)
    assert found is not None
    return found


CARD = {"last4": "4242", "expiry": "2030-08", "postal": "pass"}
IDS = {"intent": "pi_1", "charge": "ch_1"}
PAID = {"amount": 4_900, "currency": "eur"}


@pytest.mark.parametrize(
    ("kind", "attempt", "said"),
    [
        ("charge.succeeded", 2, {"purchase": "p", **IDS, **PAID, "status": "succeeded", "cvc": "pass", **CARD}),
        ("charge.failed", 0, {**IDS, **PAID, "status": "failed", "decline": "stolen_card", "cvc": "fail", **CARD}),
        (
            "charge.refunded", 0,
            {**IDS, **PAID, "refunded": 4_900, "status": "succeeded", "report": "fraudulent", "cvc": "pass", **CARD},
        ),
        ("payment_intent.succeeded", 0, {"purchase": "p", **IDS, **PAID, "status": "succeeded"}),
        (
            "payment_intent.payment_failed", 0,
            {**IDS, **PAID, "status": "requires_payment_method", "decline": "lost_card"},
        ),
        ("setup_intent.succeeded", 1, {"purchase": "p", "intent": "seti_1", "status": "succeeded"}),
        ("setup_intent.setup_failed", 0, {"intent": "seti_1", "status": "requires_payment_method", "decline": "incorrect_cvc"}),
        ("radar.early_fraud_warning.created", 0, {**IDS, "fraud_type": "made_with_stolen_card", "actionable": True}),
        ("charge.dispute.closed", 0, {**IDS, **PAID, "status": "won", "reason": "fraudulent"}),
        ("review.closed", 0, {**IDS, "reason": "approved"}),
    ],
)  # fmt: skip
def test_what_is_kept(kind: str, attempt: int, said: dict[str, Any]) -> None:
    """Ids, amounts, status, reasons, checks, the card's last four and expiry, and whose purchase it is."""
    assert hear(kind).fact == Fact(1_790_000_000, "evt_1", kind, OBJECTS[kind]["id"], attempt, said, KNOWN_AT)


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_no_more_is_kept(kind: str) -> None:
    """Nothing of who the buyer is, and nothing that has no meaning in the table."""
    fact = hear(kind).fact
    assert not [secret for secret in SECRETS_OF_BUYERS if secret in msgspec.json.encode(fact).decode()]
    assert fact.said.keys() <= SAID.keys()


def test_what_is_of_no_use_is_not_read() -> None:
    """An event of another type is none, whatever it holds."""
    assert heard(event("customer.created", {"object": "customer"}), KNOWN_AT) is None


def test_test_mode_is_told() -> None:
    """Events of Stripe's test mode are known as such."""
    assert hear("charge.succeeded", live=False).fact.said["live"] is False


def test_expanded_references() -> None:
    """An id may come as the whole object."""
    fact = hear("charge.dispute.created", {**dispute(), "charge": charge("ch_9"), "payment_intent": intent("pi_9")}).fact
    assert (fact.said["charge"], fact.said["intent"]) == ("ch_9", "pi_9")


@pytest.mark.parametrize(("told", "attempt"), [("3", 3), ("0", 0), ("-1", 0), ("12345", 0), ("first", 0), ("\u0661", 0), ("", 0)])
def test_an_attempt_that_is_none(told: str, attempt: int) -> None:
    """Metadata is text that the site writes; what is no number is no attempt."""
    assert hear("charge.succeeded", {**charge(), "metadata": {"attempt": told}}).fact.attempt == attempt


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"{", b'{"id":1}', b"\xff", event("charge.failed", {"id": "ch_1", "object": 5})])
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    """What has not the documented shape is an error of its own, so that it can be told."""
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        heard(body, KNOWN_AT)


def test_two_events_of_one_change() -> None:
    """They differ in their ids; what happens to an object once is the same change whenever it is told."""
    assert hear("charge.failed").twin == hear("charge.failed", id="evt_2", created=1_790_000_009).twin
    assert hear("charge.failed").twin != hear("charge.failed", charge("ch_2", failed="x")).twin
    assert hear("charge.succeeded").twin != hear("charge.failed").twin


def test_what_happens_again_is_not_taken_for_the_same() -> None:
    """A second failure of one intent, or a dispute that changes back, is news."""
    first = hear("charge.dispute.updated")
    assert hear("charge.dispute.updated", id="evt_2").twin == first.twin
    assert hear("charge.dispute.updated", id="evt_2", created=1_790_000_001).twin != first.twin
    assert hear("charge.dispute.updated", dispute(status="lost"), id="evt_2").twin != first.twin
    failures = {hear("payment_intent.payment_failed", intent(charge_id=name, failed="lost_card")).twin for name in ("ch_1", "ch_2")}
    assert len(failures) == 2


def test_stripe_has_these_types() -> None:
    """Every type that is read is one that an endpoint can be told to send."""
    params = files("stripe").joinpath("params", "_webhook_endpoint_create_params.py").read_text()
    assert set(re.findall(r'"([a-z_.]+)"', params)) >= TYPES
