"""Reads an event of Stripe down to the fact that is kept of it. Pure; whoever calls has checked the signature.

Names, addresses, emails and billing details are in no struct here, so they are never decoded, let alone stored. Amounts are in minor
units, times in seconds since the epoch. What is kept in `said` is named in SAID.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta, Struct

from ratelimit.core.identity import MAX_NAME
from ratelimit.core.purchase_entry import Fact

# once: it happens to an object a single time, so a second event of that type about it tells of the same change
_ONCE: Final = frozenset(
    {
        "charge.succeeded",
        "charge.failed",
        "payment_intent.succeeded",
        "setup_intent.succeeded",
        "radar.early_fraud_warning.created",
        "charge.dispute.created",
        "review.opened",
        "review.closed",
    }
)
_AGAIN: Final = frozenset(
    {
        "charge.refunded",
        "payment_intent.payment_failed",
        "setup_intent.setup_failed",
        "radar.early_fraud_warning.updated",
        "charge.dispute.updated",
        "charge.dispute.closed",  # an appeal opens it again
    }
)
TYPES: Final = _ONCE | _AGAIN

# what is kept of an event, each where the event has it
SAID: Final = {
    "purchase": "metadata.purchase_id",
    "intent": "id of the payment or setup intent",
    "charge": "id of the charge",
    "amount": "of the object: paid, disputed",
    "refunded": "amount given back",
    "currency": "ISO 4217, lower case",
    "status": "of the object",
    "reason": "of a dispute, or why a review was closed",
    "fraud_type": "of an early fraud warning",
    "actionable": "false: disputed or refunded already",
    "report": "what the site told Stripe of the charge: fraudulent or safe",
    "decline": "why a payment failed",
    "cvc": "check of the CVC: pass, fail, unavailable, unchecked",
    "postal": "check of the postal code",
    "last4": "of the card",
    "expiry": "of the card, YYYY-MM",
    "live": "false: of Stripe's test mode",
}

_Id = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
_Seconds = Annotated[int, Meta(ge=0, le=1 << 40)]


class _Expanded(Struct):
    id: _Id


_Reference = _Id | _Expanded | None


class _Metadata(Struct):
    purchase_id: str | None = None
    attempt: str | int | None = None


class _Checks(Struct):
    cvc_check: str | None = None
    address_postal_code_check: str | None = None


class _Card(Struct):
    checks: _Checks | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None


class _Method(Struct):
    card: _Card | None = None


class _Outcome(Struct):
    reason: str | None = None


class _Fault(Struct):
    code: str | None = None
    decline_code: str | None = None
    charge: _Reference = None


class _Report(Struct):
    user_report: str | None = None


class _Object(Struct):
    """A charge, an intent, a dispute, an early fraud warning or a review: what any of them has that is of use here."""

    id: _Id
    object: str
    charge: _Reference = None
    payment_intent: _Reference = None
    latest_charge: _Reference = None
    metadata: _Metadata | None = None
    amount: int | None = None
    amount_refunded: int | None = None
    currency: str | None = None
    status: str | None = None
    reason: str | None = None
    fraud_type: str | None = None
    actionable: bool | None = None
    failure_code: str | None = None
    outcome: _Outcome | None = None
    payment_method_details: _Method | None = None
    fraud_details: _Report | None = None
    last_payment_error: _Fault | None = None
    last_setup_error: _Fault | None = None


class _Data(Struct):
    object: msgspec.Raw


class Event(Struct):
    """The envelope; what it holds is read only if it is of a type that is of use."""

    id: _Id
    type: Annotated[str, Meta(max_length=MAX_NAME)]
    created: _Seconds
    data: _Data
    livemode: bool = True


class Heard(NamedTuple):
    """A fact, and by what another event that tells of the same change is known."""

    fact: Fact
    twin: str


_read_event: Any = msgspec.json.Decoder(Event).decode
_read_object: Any = msgspec.json.Decoder(_Object).decode


def heard(body: bytes, known_at: float) -> Heard | None:
    """What an event says, None if it is of no type that is of use; raises msgspec.DecodeError, of which ValidationError is one."""
    event: Event = _read_event(body)
    if event.type not in TYPES:
        return None
    found: _Object = _read_object(event.data.object)
    said: dict[str, str | int | bool | None] = {name: value for name, value in _said(event, found) if value is not None}
    attempt = _attempt(found.metadata.attempt) if found.metadata is not None else 0
    fact = Fact(event.created, event.id, event.type, found.id, attempt, said, known_at)
    return Heard(fact, _twin(fact))


def _twin(fact: Fact) -> str:
    """Stripe may make two events of one change. Where changes repeat, those of one second that say the same are one."""
    if fact.type in _ONCE:
        return f"{fact.type}:{fact.object}"
    content = msgspec.msgpack.encode([fact.attempt, sorted(fact.said.items())])
    return f"{fact.type}:{fact.object}:{fact.created}:{blake2b(content, digest_size=8).hexdigest()}"


def _said(event: Event, found: _Object) -> Iterator[tuple[str, str | int | bool | None]]:
    fault = found.last_payment_error or found.last_setup_error or _Fault()
    is_intent, is_charge = found.object.endswith("_intent"), found.object == "charge"
    purchase = found.metadata.purchase_id if found.metadata is not None else None
    yield "purchase", purchase if purchase and len(purchase) <= MAX_NAME else None
    yield "intent", found.id if is_intent else _id(found.payment_intent)
    yield "charge", found.id if is_charge else _id(found.charge) or _id(fault.charge) or _id(found.latest_charge)
    yield from (("amount", found.amount), ("refunded", found.amount_refunded or None), ("currency", found.currency))
    yield from (("status", found.status), ("reason", found.reason))
    yield from (("fraud_type", found.fraud_type), ("actionable", found.actionable))
    yield "report", found.fraud_details.user_report if found.fraud_details is not None else None
    if event.type.endswith("failed"):
        yield "decline", fault.decline_code or (found.outcome.reason if found.outcome is not None else None) or _code(found, fault)
    if found.payment_method_details is not None and found.payment_method_details.card is not None:
        yield from _card(found.payment_method_details.card)
    yield "live", None if event.livemode else False


def _code(found: _Object, fault: _Fault) -> str | None:
    return found.failure_code or fault.code


def _card(card: _Card) -> Iterator[tuple[str, str | None]]:
    if card.checks is not None:
        yield from (("cvc", card.checks.cvc_check), ("postal", card.checks.address_postal_code_check))
    yield "last4", card.last4
    if card.exp_year is not None and card.exp_month is not None:
        yield "expiry", f"{card.exp_year:04}-{card.exp_month:02}"


def _id(reference: str | _Expanded | None) -> str | None:
    return reference.id if isinstance(reference, _Expanded) else reference


def _attempt(told: str | int | None) -> int:
    """0: none that could be one."""
    text = str(told)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0
