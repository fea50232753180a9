"""What the facts of a purchase come to: the outcome and the label of each attempt. Pure, and the same in whatever order they came.

A fact that another one overtakes (the same type about the same object and attempt, told later by the service's clock) is let go, so an
entry is a set of facts and not a history. `known_at` is when something was first known here: no earlier moment may make use of it.

Outcome: `succeeded` if any charge or intent of the attempt did, else `failed` if one did. A refund is none.

Label, the first that applies:

| what was told | label |
|---|---|
| a person closed a case with a verdict, the latest counts | that verdict; `unclear`: none |
| a dispute over fraud that was won: the bank held the holder to the purchase | first_party_dispute |
| a dispute whose reason is `fraudulent`, however it stands otherwise | fraud |
| one whose reason is `unrecognized` and that was lost; until then it may be a statement that was misread | fraud |
| an early fraud warning, also when nothing can be done about it any more | fraud |
| a review that was closed as `refunded_as_fraud`, or a charge that the site reported to Stripe as fraudulent | fraud |
| a dispute by the buyer over what was bought, such as `product_not_received` or `duplicate` | first_party_dispute |
| a review that was closed as `approved`, or a charge that the site reported as safe | good |
| an inquiry (`warning_...`): no dispute yet; a dispute over something between banks, such as `general`; a refund alone | none |

Reasons are those of https://docs.stripe.com/disputes/categories.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from msgspec.structs import replace

from ratelimit.core.purchase_entry import Fact, Label, Outcome, PurchaseEntry

MOST_FACTS: Final = 256  # of one purchase
CASE_CLOSED: Final = "case.closed"  # a person's word, a fact like the others
_CLOCKS_S: Final = 300  # by which the service's clock may be behind ours
_BY_BUYER: Final = frozenset(
    "credit_not_processed customer_initiated duplicate product_not_received product_unacceptable subscription_canceled".split()
)
_VERDICTS: Final[dict[str, Label]] = {"fraud": "fraud", "first_party_dispute": "first_party_dispute", "good": "good"}
_PERSON, _WON, _FRAUD, _BUYER, _GOOD, _NOTHING = range(6)  # the strongest first
# why a review was closed, and what the site reported of a charge
_TOLD: Final[dict[str, tuple[int, Label]]] = {
    "refunded_as_fraud": (_FRAUD, "fraud"),
    "fraudulent": (_FRAUD, "fraud"),
    "approved": (_GOOD, "good"),
    "safe": (_GOOD, "good"),
}


class Checks(NamedTuple):
    """What the bank said of what the buyer typed: pass, fail, unavailable, unchecked; None: nothing."""

    cvc: str | None = None
    postal: str | None = None


class Conclusion(NamedTuple):
    """What is known of one attempt, and since when; `labelled` says whether any label was ever spoken of, so that "" takes one back."""

    attempt: int
    outcome: Outcome
    outcome_at: float
    checks: Checks
    label: Label
    label_at: float
    labelled: bool


class Warned(NamedTuple):
    """An early fraud warning of an attempt."""

    object: str
    attempt: int
    fraud_type: str
    known_at: float


class _Word(NamedTuple):
    """What one fact says of the label."""

    strength: int
    label: Label
    about: str  # what it is about: of several words about one thing the latest counts
    fact: Fact


def with_fact(entry: PurchaseEntry, fact: Fact) -> PurchaseEntry:
    """The entry with one more fact; the same object if that changes nothing."""
    key = f"{fact.type}:{fact.object}:{fact.attempt}" if fact.attempt else f"{fact.type}:{fact.object}"
    known = entry.facts.get(key)
    if known is not None:
        if known.event == fact.event:
            fact = replace(fact, known_at=min(known.known_at, fact.known_at))
        if fact == known or (known.created, known.event) > (fact.created, fact.event):
            return entry
    facts = {**entry.facts, key: fact}
    if len(facts) > MOST_FACTS:
        del facts[min(facts, key=lambda one: _worth(facts[one]))]
    return replace(entry, facts=dict(sorted(facts.items())))


def _worth(fact: Fact) -> tuple[bool, int, str]:
    """Which facts are kept where there are too many: a card tester leaves hundreds of failures on one intent."""
    return (not fact.type.endswith("failed"), fact.created, fact.event)


def conclusions(entry: PurchaseEntry) -> list[Conclusion]:
    """One for each attempt of which something is known; for all where a label was spoken of, which may have gone from one to another."""
    of_attempt: dict[int, list[Fact]] = {attempt.attempt: [] for attempt in entry.attempts}
    for fact in entry.facts.values():
        of_attempt.get(attempt_of(entry, fact), []).append(fact)
    labelled = any(_verdict(fact) is not None for fact in entry.facts.values())
    return [_conclusion(attempt, facts, labelled) for attempt, facts in sorted(of_attempt.items()) if facts or labelled]


def warnings(entry: PurchaseEntry) -> list[Warned]:
    """Every early fraud warning, by its object."""
    found: dict[str, Warned] = {}
    for fact in sorted(entry.facts.values(), key=_when):
        if fact.type.startswith("radar.early_fraud_warning."):
            before = found.get(fact.object)
            known_at = fact.known_at if before is None else min(before.known_at, fact.known_at)
            found[fact.object] = Warned(fact.object, attempt_of(entry, fact), str(fact.said.get("fraud_type", "")), known_at)
    return sorted(found.values())


def attempt_of(entry: PurchaseEntry, fact: Fact) -> int:
    """The attempt that a fact is about: the one it names, else that of its charge, else the last that was made before it."""
    if fact.attempt:
        return fact.attempt
    charge = fact.said.get("charge")
    if charge is not None:
        named = [other for other in entry.facts.values() if other.attempt and other.said.get("charge") == charge]
        if named:
            return max(named, key=_when).attempt
    if not entry.attempts:
        return 0
    before = [attempt for attempt in entry.attempts if attempt.at <= fact.created + _CLOCKS_S]
    return max(before, key=lambda one: one.attempt).attempt if before else min(one.attempt for one in entry.attempts)


def _conclusion(attempt: int, facts: list[Fact], labelled: bool) -> Conclusion:
    outcome, outcome_at = _outcome(facts)
    label, label_at = _label(facts)
    return Conclusion(attempt, outcome, outcome_at, _checks(facts), label, label_at, labelled)


def _outcome(facts: Iterable[Fact]) -> tuple[Outcome, float]:
    succeeded = [fact.known_at for fact in facts if fact.type.endswith("succeeded")]
    failed = [fact.known_at for fact in facts if fact.type.endswith("failed")]
    if succeeded:
        return "succeeded", min(succeeded)
    return ("failed", min(failed)) if failed else ("", 0.0)


def _checks(facts: Iterable[Fact]) -> Checks:
    """Those of the latest charge that tells of any."""
    found = Checks()
    for fact in sorted(facts, key=_when):
        if fact.type.startswith("charge.") and {"cvc", "postal"} & fact.said.keys():
            found = Checks(_text(fact, "cvc"), _text(fact, "postal"))
    return found


def _text(fact: Fact, name: str) -> str | None:
    value = fact.said.get(name)
    return None if value is None else str(value)


def _label(facts: Iterable[Fact]) -> tuple[Label, float]:
    """The strongest of what stands, and since when it could be known."""
    words = [word for fact in facts for word in _words(fact)]
    standing = {word.about: word for word in sorted(words, key=lambda word: _when(word.fact))}
    if not standing:
        return "", 0.0
    strongest = min(standing.values(), key=lambda word: (word.strength, word.fact.known_at))
    same = [word.fact.known_at for word in words if word.about in standing and word[:2] == strongest[:2]]
    return strongest.label, min(same) if strongest.strength != _PERSON else strongest.fact.known_at


def _words(fact: Fact) -> Iterator[_Word]:
    found = _verdict(fact)
    if found is not None:
        yield _Word(*found, "person" if fact.type == CASE_CLOSED else fact.object, fact)


def _verdict(fact: Fact) -> tuple[int, Label] | None:
    """How strong its word is, and what it says; None: it is not about that."""
    said = fact.said
    if fact.type == CASE_CLOSED:
        return _PERSON, _VERDICTS.get(str(said.get("verdict")), "")
    if fact.type.startswith("charge.dispute."):
        return _dispute(str(said.get("reason")), str(said.get("status")))
    if fact.type.startswith("radar.early_fraud_warning."):
        return _FRAUD, "fraud"
    told = said.get("reason") if fact.type == "review.closed" else said.get("report")
    return _TOLD.get(str(told))


def _dispute(reason: str, status: str) -> tuple[int, Label]:
    if status.startswith("warning_"):
        return _NOTHING, ""
    if reason in {"fraudulent", "unrecognized"} and status == "won":
        return _WON, "first_party_dispute"
    if reason == "fraudulent" or (reason == "unrecognized" and status == "lost"):
        return _FRAUD, "fraud"
    return (_BUYER, "first_party_dispute") if reason in _BY_BUYER else (_NOTHING, "")


def _when(fact: Fact) -> tuple[int, int, str]:
    """The order of facts by the service's clock, whose second may hold several: what closes comes last."""
    return fact.created, fact.type.endswith("closed") * 2 + fact.type.endswith("updated"), fact.event
