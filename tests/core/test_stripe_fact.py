"""What the facts of a purchase come to, whatever order they came in."""

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core import stripe_fact
from ratelimit.core.purchase_entry import Attempt, Fact, PurchaseEntry
from ratelimit.core.stripe_event import TYPES
from ratelimit.core.stripe_fact import CASE_CLOSED, Conclusion, Warned, attempt_of, conclusions, is_certain, warnings, with_fact

NOW = 1_790_000_000
EFW, DISPUTED = "radar.early_fraud_warning.created", "charge.dispute.created"


def attempt(number: int, at: float = NOW) -> Attempt:
    return Attempt(number, at, b"", b"{}", "purchase", "a", 4_900, "EUR", 100, {}, ())


def fact(kind: str, number: int = 0, object: str = "o", **said: Any) -> Fact:
    """A fact; what it says may name when it was `created` and when it was known, `at`, as seconds after NOW."""
    created, at = said.pop("created", 0), said.pop("at", 0)
    return Fact(NOW + created, said.pop("event", f"evt_{kind}_{object}_{number}_{created}"), kind, object, number, said, NOW + at)


def entry(*facts: Fact, attempts: tuple[Attempt, ...] = (attempt(1),)) -> PurchaseEntry:
    return reduce(with_fact, facts, PurchaseEntry("p", attempts))


def only(*facts: Fact) -> Conclusion:
    (found,) = conclusions(entry(*facts))
    return found


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ([fact("charge.succeeded")], "succeeded"),
        ([fact("charge.failed")], "failed"),
        ([fact("setup_intent.setup_failed")], "failed"),
        ([fact("payment_intent.payment_failed"), fact("payment_intent.succeeded")], "succeeded"),
        ([fact("charge.succeeded", created=0), fact("charge.failed", created=9)], "succeeded"),
        ([fact("charge.refunded", refunded=5)], ""),
        ([fact(EFW)], ""),
    ],
)
def test_outcome(facts: list[Fact], outcome: str) -> None:
    """One success is enough, and no refund takes it back."""
    assert only(*facts).outcome == outcome


def disputed(reason: str, status: str, **more: Any) -> Fact:
    return fact("charge.dispute.updated", object="du_1", reason=reason, status=status, **more)


def reviewed(reason: str) -> Fact:
    return fact("review.closed", object="prv_1", reason=reason)


def case_closed(verdict: str, **more: Any) -> Fact:
    return fact(CASE_CLOSED, object="case-1", verdict=verdict, **more)


@pytest.mark.parametrize(
    ("facts", "label"),
    [
        ([case_closed("fraud"), case_closed("undone", created=5)], ""),
        ([disputed("fraudulent", "lost"), case_closed("good"), case_closed("undone", created=5)], "fraud"),
        ([case_closed("fraud"), case_closed("undone", created=5), case_closed("good", created=9)], "good"),
        ([fact(EFW)], "fraud"),
        ([fact("radar.early_fraud_warning.updated", actionable=False)], "fraud"),
        ([disputed("fraudulent", "needs_response")], "fraud"),
        ([disputed("fraudulent", "lost")], "fraud"),
        ([disputed("fraudulent", "prevented")], "fraud"),
        ([disputed("fraudulent", "appeal_needs_response")], "fraud"),
        ([disputed("fraudulent", "won")], "first_party_dispute"),
        ([disputed("fraudulent", "warning_needs_response")], ""),
        ([disputed("fraudulent", "warning_closed")], ""),
        ([disputed("unrecognized", "needs_response")], ""),
        ([disputed("unrecognized", "lost")], "fraud"),
        ([disputed("unrecognized", "won")], "first_party_dispute"),
        ([disputed("product_not_received", "needs_response")], "first_party_dispute"),
        ([disputed("duplicate", "won")], "first_party_dispute"),
        ([disputed("general", "lost")], ""),
        ([disputed("bank_cannot_process", "lost")], ""),
        ([disputed("fraudulent", "won"), fact(EFW, object="issfr_1")], "first_party_dispute"),
        ([disputed("product_unacceptable", "lost"), fact(EFW, object="issfr_1")], "fraud"),
        ([disputed("fraudulent", "lost", created=1), disputed("fraudulent", "won", created=2)], "first_party_dispute"),
        ([disputed("fraudulent", "warning_closed"), fact(EFW, object="issfr_1")], "fraud"),
        ([reviewed("refunded_as_fraud")], "fraud"),
        ([reviewed("approved")], "good"),
        ([reviewed("approved"), fact(EFW, object="issfr_1")], "fraud"),
        ([reviewed("refunded")], ""),
        ([fact("charge.refunded", report="fraudulent")], "fraud"),
        ([fact("charge.refunded", report="safe")], "good"),
        ([fact("charge.refunded", refunded=4_900)], ""),
        ([case_closed("good"), fact(EFW, object="issfr_1"), disputed("fraudulent", "lost")], "good"),
        ([case_closed("unclear"), fact(EFW, object="issfr_1")], ""),
        ([case_closed("fraud")], "fraud"),
    ],
)
def test_label(facts: list[Fact], label: str) -> None:
    """The table of the module, row by row; whoever comes first in it wins."""
    assert only(*facts).label == label
    assert only(*reversed(facts)).label == label


def test_since_when() -> None:
    """A conclusion is known since all of what it follows from was; no label was ever spoken of where no word is about one."""
    assert only(fact("charge.failed", at=5), fact("charge.succeeded", at=9)).outcome_at == NOW + 9
    assert only(fact(EFW, at=3), disputed("fraudulent", "won", at=8)).label_at == NOW + 8
    assert only(fact("charge.succeeded")).label_at is None
    assert only(disputed("general", "lost", at=4)).label_at == NOW + 4  # it takes back what an earlier reason said


def test_checks_of_the_latest_charge() -> None:
    """What the bank found wrong when the buyer typed it last."""
    first = fact("charge.failed", 1, "ch_1", cvc="fail", postal="fail", created=1)
    assert only(first).failed_checks == {"cvc", "postal"}
    assert only(first, fact("charge.succeeded", 1, "ch_2", cvc="pass", postal="fail", created=2)).failed_checks == {"postal"}
    assert only(first, fact("payment_intent.succeeded", 1, "pi_1", created=3)).failed_checks == {"cvc", "postal"}


TWO = (attempt(1), attempt(2, NOW + 1_000))


@pytest.mark.parametrize(
    ("asked", "others", "number", "certain"),
    [
        (fact(EFW, charge="ch_1"), [fact("charge.failed", 1, "ch_1", charge="ch_1")], 1, True),
        (fact(EFW, charge="ch_2"), [fact("charge.succeeded", 2, "ch_2", charge="ch_2")], 2, True),
        (fact(EFW, charge="ch_2"), [fact("payment_intent.succeeded", 2, "pi_1", charge="ch_2")], 2, True),
        (fact(EFW, 1, charge="ch_2"), [], 1, True),
        (fact("setup_intent.succeeded"), [], 1, True),
        (fact(EFW, charge="ch_1", created=100), [], 1, False),
        (fact(EFW, charge="ch_1", created=2_000), [], 2, False),
        (fact(EFW, charge="ch_1", created=-5_000), [], 1, False),
    ],
)
def test_which_attempt(asked: Fact, others: list[Fact], number: int, certain: bool) -> None:
    """The one it names, else that of its charge, else, and then it is not certain, the last that was made before."""
    known = entry(*others, attempts=TWO)
    assert (attempt_of(known, asked), is_certain(known, asked)) == (number, certain)
    assert is_certain(entry(*others), asked)  # there is but one


def test_each_attempt_has_its_own() -> None:
    """A card that was declined is not the one that was stolen."""
    found = entry(
        fact("charge.failed", 1, "ch_1", charge="ch_1", at=1),
        fact("charge.succeeded", 2, "ch_2", charge="ch_2", at=2),
        fact(EFW, object="issfr_1", charge="ch_2", fraud_type="misc", at=3),
        attempts=TWO,
    )
    assert [(one.attempt, one.outcome, one.label) for one in conclusions(found)] == [(1, "failed", ""), (2, "succeeded", "fraud")]
    assert warnings(found) == [Warned("issfr_1", 2, "misc", NOW + 3)]


def test_a_warning_that_is_updated_is_known_since_it_was_made() -> None:
    """What is told of it later, or came earlier than the first, does not put off when somebody must look at it."""
    found = entry(
        fact(EFW, object="issfr_1", fraud_type="misc", at=9),
        fact("radar.early_fraud_warning.updated", object="issfr_1", fraud_type="made_with_stolen_card", created=50, at=3),
    )
    assert warnings(found) == [Warned("issfr_1", 1, "made_with_stolen_card", NOW + 3)]


def test_too_many_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many the failures that are longest ago are forgotten first."""
    monkeypatch.setattr(stripe_fact, "MOST_FACTS", 3)
    kept = entry(fact(EFW, object="issfr_1"), *(fact("charge.failed", object=f"ch_{n}", created=n) for n in range(9)))
    assert sorted(one.object for one in kept.facts.values()) == ["ch_7", "ch_8", "issfr_1"]
    assert with_fact(kept, fact("charge.failed", object="ch_0")) is kept  # else it would be written for ever


def facts(least_attempt: int = 0) -> st.SearchStrategy[Fact]:
    """Facts that have much in common; an event always says the same, and is known since it came first."""

    def build(kind: str, number: int, object: int, created: int, status: str, at: int) -> Fact:
        said = {"status": status, "reason": "fraudulent", "charge": f"ch_{object}"}
        event = f"evt_{kind}_{number}_{object}_{created}_{status}_{at}"
        return fact(kind, number, f"o_{object}", created=created, at=at, event=event, **said)

    small = st.integers(0, 2)
    statuses = st.sampled_from(["won", "lost", "needs_response"])
    attempts = st.integers(least_attempt, 2)
    return st.builds(build, st.sampled_from(sorted(TYPES | {CASE_CLOSED})), attempts, small, small, statuses, small)


@given(st.lists(facts(), max_size=12), st.data())
def test_order_does_not_matter(told: list[Fact], data: st.DataObject) -> None:
    """Facts in any order, and each any number of times, make the same entry and the same conclusions."""
    repeated = told + data.draw(st.lists(st.sampled_from(told), max_size=6)) if told else []
    shuffled = data.draw(st.permutations(repeated))
    one, other = entry(*told, attempts=TWO), entry(*shuffled, attempts=TWO)
    assert one == other
    assert list(one.facts) == list(other.facts)  # to the last byte
    assert (conclusions(one), warnings(one)) == (conclusions(other), warnings(other))


@given(st.lists(facts(least_attempt=1), max_size=12))
def test_no_conclusion_is_earlier_than_one_before(told: list[Fact]) -> None:
    """With each further fact a conclusion is known later or at the same time, so what is told last stands, whoever tells it."""
    made = PurchaseEntry("p", TWO)
    before: dict[int, tuple[float, float]] = {}
    for one in told:
        made = with_fact(made, one)
        found = {conclusion.attempt: (conclusion.outcome_at, conclusion.label_at or 0) for conclusion in conclusions(made)}
        assert all(found[number] >= was and found[number][1] >= was[1] for number, was in before.items())
        before = found


def test_a_fact_told_again_changes_nothing() -> None:
    """The entry stays the very same, so nothing is written."""
    found = entry(fact(EFW, at=3))
    assert with_fact(found, fact(EFW, at=9)) is found
    assert with_fact(found, fact(EFW, at=1)) is not found
