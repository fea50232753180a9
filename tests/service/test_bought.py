"""What the ledger is told of a purchase."""

from msgspec.structs import replace

from ratelimit.core.purchase import Card, Purchase, PurchaseDecision
from ratelimit.core.purchase_entity import EntityNames
from ratelimit.core.purchase_record import PurchaseEvidence
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.address_book import AddressBook
from ratelimit.service.bought import Answered, bought_of

CARD = Card(fingerprint="fp_secret", last4="4242", exp_month=4, exp_year=2030, country="DE", brand="visa")
PURCHASE = Purchase(
    id="pi_1", attempt=2, account="anna", ip="192.0.2.7", amount=500, currency="EUR", tokens=10, email="An.Na+x@GMail.com", card=CARD,
    device="device-secret",
)  # fmt: skip
DECISION = PurchaseDecision(id="r-1", purchase="pi_1", attempt=2, decision="allow", action="accept", reason="ok")


def _answered(purchase: Purchase = PURCHASE, evidence: PurchaseEvidence | None = None) -> Answered:
    return Answered(5.0, purchase, EntityNames(StoreKeys(bytes(32))).of(purchase, b"\xc0\x00\x02\x07"), DECISION, "policy", evidence)


def test_entities() -> None:
    """All that it shares goes along by the names that words have for it, as people see it: no fingerprint and no device."""
    told = bought_of(_answered())
    shown = {entity.kind: entity.shown for entity in told.entities}
    assert told.entities[0].target == _answered().entities.targets["account"]
    assert {entity.kind: entity.target for entity in told.entities} == _answered().entities.targets
    assert (shown["card"], shown["email"], shown["email_domain"], shown["ip"]) == ("•••• 4242", "An.Na+x@GMail.com", "gmail.com", None)
    assert shown["device"] is not None
    assert shown["device"].startswith("device_")
    assert "secret" not in str(told)


def test_rest() -> None:
    """What was bought, what was decided, and what was known then."""
    told = bought_of(_answered(evidence=PurchaseEvidence(b"\0" * 8, "0123456789ab")))
    assert (told.record, told.at, told.purchase, told.attempt, told.amount_minor, told.last4) == ("r-1", 5.0, "pi_1", 2, 500, "4242")
    assert (told.decision, told.action, told.policy, told.signals, told.model) == ("allow", "accept", "policy", b"\0" * 8, "0123456789ab")
    bare = bought_of(_answered(replace(PURCHASE, card=None, email=None, device=None, kind="grant")))
    assert {entity.kind for entity in bare.entities} == {"account", "ip", "network"}
    assert (bare.last4, bare.signals, bare.signal_version, bare.ip_country, bare.balance) == (None, None, None, None, None)
    assert bought_of(_answered(replace(PURCHASE, ip="8.8.8.8")), AddressBook()).ip_country == "US"
    assert bought_of(_answered(replace(PURCHASE, ip="nowhere", balance=7)), AddressBook()).balance == 7
