"""What the payment service of the demonstration tells: it is what Stripe would, and the service believes it."""

import time

import pytest

from ratelimit.anomaly.simulation.purchase import Outcome, Purchase
from ratelimit.core.stripe_event import heard
from ratelimit.demo.bank import ENDS_AFTER_S, signature, told_of
from ratelimit.web.stripe_signature import SignatureError, verifier

DAY_MS = 86_400_000
AT = 1_790_000_000.0


def bought(outcome: Outcome) -> Purchase:
    return Purchase(int(AT * 1_000), "pu_00ff", 2, 7, 500, 50, (0, 1), "a@example.com", None, "dev_1", "DE", 0, 0, outcome)


@pytest.mark.parametrize(
    ("outcome", "types"),
    [
        (Outcome("succeeded"), ["charge.succeeded"]),
        (Outcome("declined", "do_not_honor"), ["charge.failed"]),
        (
            Outcome(
                "succeeded", early_warning_ms=int(AT * 1_000) + DAY_MS, disputed_ms=int(AT * 1_000) + DAY_MS, dispute_reason="fraudulent"
            ),
            ["charge.succeeded", "radar.early_fraud_warning.created", "charge.dispute.created"],
        ),
    ],
)
def test_told(outcome: Outcome, types: list[str]) -> None:
    """Each event is read as a fact of that purchase and attempt."""
    facts = [found.fact for told in told_of(bought(outcome), AT) if (found := heard(told.body, told.at)) is not None]
    assert [fact.type for fact in facts] == types
    assert {(fact.said["purchase"], fact.attempt) for fact in facts} == {("pu_00ff", 2)}


def test_hurry() -> None:
    """What takes a day comes within a minute where there is hurry; how it ended does not."""
    told = list(told_of(bought(Outcome("succeeded", refunded_ms=int(AT * 1_000) + DAY_MS)), AT, hurry=1_440))
    assert [one.at - AT for one in told] == [ENDS_AFTER_S, ENDS_AFTER_S + 60]


def test_signed() -> None:
    """The service takes the signature of its own secret, and of no other."""
    (told,) = told_of(bought(Outcome("succeeded")), AT)
    header = signature(told.body, "whsec_ours")
    verifier(["whsec_ours"])(told.body, header, time.time())
    with pytest.raises(SignatureError):
        verifier(["whsec_other"])(told.body, header, time.time())
