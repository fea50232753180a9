"""What the facts of a purchase come to: the outcome and the label of each attempt. Pure, and the same in whatever order they came.

A fact that another one overtakes (the same type about the same object and attempt, told later by the service's clock) is let go, so an
entry is a set of facts and not a history. What follows is known since all the facts behind it were: a fact may be worked on later than one
that came after it, and of two conclusions the one with more facts behind it is never the earlier. Whoever is told the same conclusion
twice keeps the first time.

Outcome: `succeeded` if any charge or intent of the attempt did, else `failed` if one did. A refund is none.

Label, the first that applies:

| what was told | label |
|---|---|
| a person closed a case with a verdict, the latest counts, unless it was undone | that verdict; `unclear`: none |
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
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from ratelimit.core.purchase_entry import Fact, Label, Outcome, PurchaseEntry

MOST_FACTS: Final = 256  # of one purchase
CASE_CLOSED: Final = "case.closed"  # a person's word, a fact like the others
UNDONE: Final = "undone"  # in place of its verdict: it was taken back, and says nothing any more
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


Check = Literal["cvc", "postal"]
_CHECKS: Final[tuple[Check, ...]] = ("cvc", "postal")


class Conclusion(NamedTuple):
    """What is known of one attempt, and when all of that was. `failed_checks` are what the bank said is wrong of what the buyer typed.

    `failed_before`: it failed at some time, also where it succeeded in the end. `label_at` None: no label was ever spoken of; otherwise a
    `label` of "" takes back what was.
    """

    attempt: int
    outcome: Outcome
    outcome_at: float
    failed_before: bool
    failed_checks: frozenset[Check]
    label: Label
    label_at: float | None


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
        fact = _overtaken(known, fact)
        if fact == known:
            return entry
    facts = {**entry.facts, key: fact}
    if len(facts) > MOST_FACTS:
        del facts[min(facts, key=lambda one: _worth(facts[one]))]
        if key not in facts:
            return entry
    return replace(entry, facts=dict(sorted(facts.items())))


def _overtaken(known: Fact, fact: Fact) -> Fact:
    """The one that counts of two, known since both were."""
    if known.event == fact.event:
        return known if known.known_at <= fact.known_at else fact
    latest = max(known, fact, key=lambda one: (one.created, one.event))
    return replace(latest, known_at=max(known.known_at, fact.known_at))


def _worth(fact: Fact) -> tuple[bool, int, str]:
    """Which facts are kept where there are too many: a card tester leaves hundreds of failures on one intent."""
    return (not fact.type.endswith("failed"), fact.created, fact.event)


def conclusions(entry: PurchaseEntry) -> list[Conclusion]:
    """One for each attempt of which something is known."""
    of_attempt: dict[int, list[Fact]] = {}
    for fact in entry.facts.values():
        of_attempt.setdefault(attempt_of(entry, fact), []).append(fact)
    return [_conclusion(one.attempt, of_attempt[one.attempt]) for one in entry.attempts if one.attempt in of_attempt]


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
    named = _of_charge(entry, fact)
    if named:
        return max(named, key=_when).attempt
    before = [attempt for attempt in entry.attempts if attempt.at <= fact.created + _CLOCKS_S]
    return max((one.attempt for one in before), default=min((one.attempt for one in entry.attempts), default=0))


def is_certain(entry: PurchaseEntry, fact: Fact) -> bool:
    """Whether nothing that may still come can tell that a fact is about another attempt than `attempt_of` says."""
    return bool(len(entry.attempts) == 1 or fact.attempt or "charge" not in fact.said or _of_charge(entry, fact))


def _of_charge(entry: PurchaseEntry, fact: Fact) -> list[Fact]:
    """The facts that name the attempt of the same charge."""
    charge = fact.said.get("charge")
    return [other for other in entry.facts.values() if charge and other.attempt and other.said.get("charge") == charge]


def _conclusion(attempt: int, facts: list[Fact]) -> Conclusion:
    ends = {ending: [fact for fact in facts if fact.type.endswith(ending)] for ending in ("succeeded", "failed")}
    outcome: Outcome = "succeeded" if ends["succeeded"] else "failed" if ends["failed"] else ""
    label, label_at = _label(facts)
    return Conclusion(
        attempt=attempt,
        outcome=outcome,
        outcome_at=max((fact.known_at for some in ends.values() for fact in some), default=0.0),
        failed_before=bool(ends["failed"]),
        failed_checks=_failed_checks(facts),
        label=label,
        label_at=label_at,
    )


def _failed_checks(facts: Iterable[Fact]) -> frozenset[Check]:
    """Those of the latest charge that tells of any."""
    told = [fact for fact in facts if fact.type.startswith("charge.") and not fact.said.keys().isdisjoint(_CHECKS)]
    said = max(told, key=_when).said if told else {}
    return frozenset(check for check in _CHECKS if said.get(check) == "fail")


def _label(facts: Iterable[Fact]) -> tuple[Label, float | None]:
    """The strongest of what stands."""
    words = [word for fact in facts for word in _words(fact)]
    if not words:
        return "", None
    standing = {word.about: word for word in sorted(words, key=lambda word: _when(word.fact))}
    strongest = min(standing.values(), key=lambda word: word.strength)
    return strongest.label, max(word.fact.known_at for word in words)


def _words(fact: Fact) -> Iterator[_Word]:
    found = _verdict(fact)
    if found is not None:
        yield _Word(*found, "person" if fact.type == CASE_CLOSED else fact.object, fact)


def _verdict(fact: Fact) -> tuple[int, Label] | None:
    """How strong its word is, and what it says; None: it is not about that."""
    said = fact.said
    if fact.type == CASE_CLOSED and said.get("verdict") == UNDONE:
        return _NOTHING, ""
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
