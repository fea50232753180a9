"""Lines of a purchase log: what each tells and when that was known, and what is said of one that cannot be read."""

import json
from typing import Any

import pytest

from ratelimit.core.log_entry import BrokenLineError
from ratelimit.core.purchase_event import Bought, Confirmed, Ended
from ratelimit.core.purchase_log import ENDS_AFTER_S, events_of

AT = 1_772_411_037.5
CARD = {"fingerprint": "fp", "last4": "4242", "exp_month": 1, "exp_year": 2030}


def line(**fields: Any) -> bytes:
    sound = {"time": "2026-03-02T00:23:57.5Z", "id": "p1", "attempt": 2, "account": "a1", "amount": 500, "currency": "usd", "tokens": 50}
    return json.dumps({**sound, "ip": "203.0.113.7", "card": CARD, **fields}).encode()


def test_an_attempt() -> None:
    """Its time and its fields; what we do not know is ignored, and without an outcome there is no more."""
    (bought,) = events_of(line(account_created_at="2026-03-01T00:00:00Z", campaign="spring"))
    assert isinstance(bought, Bought)
    assert (bought.at, bought.purchase.attempt, bought.purchase.account_created_at) == (AT, 2, 1_772_323_200.0)
    assert bought.purchase.card is not None


@pytest.mark.parametrize(("status", "ended"), [("succeeded", "succeeded"), ("declined", "failed"), ("failed", "failed")])
def test_how_it_ended(status: str, ended: str) -> None:
    """Some seconds later, with the checks that failed."""
    told = list(
        events_of(line(outcome={"status": status, "cvc_check": "fail", "postal_check": "pass", "refunded_at": "2026-04-01T00:00:00Z"}))
    )
    assert told[1:] == [Ended(AT + ENDS_AFTER_S, "p1", 2, "succeeded" if ended == "succeeded" else "failed", frozenset({"cvc"}))]


@pytest.mark.parametrize(
    ("outcome", "known_at"),
    [
        ({"early_warning_at": AT + 90}, AT + 90),
        ({"disputed_at": AT + 50, "dispute_reason": "fraudulent", "early_warning_at": AT + 90}, AT + 50),
        ({"disputed_at": AT + 50, "dispute_reason": "product_not_received"}, None),
        ({"disputed_at": AT + 50, "dispute_reason": "product_not_received", "early_warning_at": AT + 90}, AT + 90),
    ],
)
def test_when_it_was_confirmed_as_fraud(outcome: dict[str, Any], known_at: float | None) -> None:
    """By the first word that says so; a dispute for another reason is none."""
    told = [event for event in events_of(line(outcome=outcome)) if isinstance(event, Confirmed)]
    assert told == ([Confirmed(known_at, "p1", 2, "fraud")] if known_at is not None else [])


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (b"not json", "expected a purchase, a JSON object a line"),
        (b"[]", "expected a purchase"),
        (line(time=None), "it has no time; expected RFC 3339"),
        (line(time=True), "it has no time"),
        (line(time="yesterday"), "its time is unknown"),
        (line(attempt=0), r"attempt"),
        (line(card={**CARD, "last4": "42421"}), r"last4"),
        (line(outcome={"status": "perhaps"}), r"status"),
        (line(outcome={"status": None, "early_warning_at": "soon"}), "its time is unknown"),
        (b"\xff", "expected a purchase"),
    ],
)
def test_a_broken_line(broken: bytes, problem: str) -> None:
    """What is wrong is said, and nothing of the line is taken."""
    with pytest.raises(BrokenLineError, match=problem):
        list(events_of(broken))
