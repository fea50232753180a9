"""What the payment service tells of purchases: its events as Stripe would send them, and the facts that they are.

What takes days elsewhere (a refund, a warning of the issuer, a dispute) comes within minutes where `hurry` says so.
"""

import hmac
import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

from ratelimit.anomaly.simulation.purchase import Purchase

ENDS_AFTER_S: Final = 2.0
_MS: Final = 1_000


class Told(NamedTuple):
    """An event that is sent at that time."""

    at: float
    body: bytes


def told_of(bought: Purchase, at: float, hurry: float = 1.0) -> Iterator[Told]:
    """All that is told of an attempt that was made at that time and not refused; delays are that many times shorter."""
    outcome, charge = bought.outcome, _name("ch", bought)
    end = at + ENDS_AFTER_S
    paid = outcome.status == "succeeded"
    yield _event(end, "charge.succeeded" if paid else "charge.failed", bought, _charge(bought, charge))
    later = (
        ("charge.refunded", outcome.refunded_ms, {**_charge(bought, charge), "amount_refunded": bought.amount}),
        ("radar.early_fraud_warning.created", outcome.early_warning_ms, {
            "id": _name("issfr", bought), "object": "radar.early_fraud_warning", "charge": charge, "actionable": True,
            "fraud_type": "made_with_stolen_card",
        }),
        ("charge.dispute.created", outcome.disputed_ms, {
            "id": _name("dp", bought), "object": "dispute", "charge": charge, "amount": bought.amount, "currency": "usd",
            "status": "needs_response", "reason": outcome.dispute_reason,
        }),
    )  # fmt: skip
    for type_, then_ms, about in later:
        if then_ms is not None:
            yield _event(end + (then_ms - bought.time_ms) / _MS / hurry, type_, bought, about)


def signature(body: bytes, secret: str) -> str:
    """The header that says that it is theirs."""
    now = int(time.time())
    return f"t={now},v1={hmac.new(secret.encode(), b'%d.' % now + body, sha256).hexdigest()}"


def _charge(bought: Purchase, charge: str) -> dict[str, Any]:
    outcome, paid = bought.outcome, bought.card
    found = {"id": charge, "object": "charge", "amount": bought.amount, "currency": "usd", "status": outcome.status}
    if outcome.decline_code is not None:
        found["failure_code"] = outcome.decline_code
    if paid is not None:
        checks = {"cvc_check": outcome.cvc_check, "address_postal_code_check": outcome.postal_check}
        found["payment_method_details"] = {"card": {"checks": checks, "last4": paid.last4}}
    return found


def _event(at: float, type_: str, bought: Purchase, about: dict[str, Any]) -> Told:
    about = {**about, "metadata": {"purchase_id": bought.id, "attempt": str(bought.attempt)}}
    name = _name("evt", bought) + type_.replace(".", "_")
    return Told(at, msgspec.json.encode({"id": name, "type": type_, "created": int(at), "livemode": False, "data": {"object": about}}))


def _name(prefix: str, bought: Purchase) -> str:
    return f"{prefix}_{bought.id.rpartition('_')[2]}_{bought.attempt}"
