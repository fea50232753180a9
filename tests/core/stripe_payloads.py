"""Events as Stripe sends them, in the documented shapes, with the personal data that real ones carry."""

import json
from typing import Any

SECRETS_OF_BUYERS = ("jenny.rosen@example.com", "Jenny Rosen", "510 Townsend St", "203.0.113.99", "+15555550100")

_BILLING = {
    "address": {"city": "San Francisco", "country": "US", "line1": "510 Townsend St", "line2": None, "postal_code": "94103", "state": "CA"},
    "email": "jenny.rosen@example.com",
    "name": "Jenny Rosen",
    "phone": "+15555550100",
}


def event(kind: str, about: dict[str, Any], *, id: str = "evt_1", created: int = 1_790_000_000, live: bool = True) -> bytes:
    """The body of an event."""
    envelope = {
        "id": id,
        "object": "event",
        "api_version": "2026-02-25.clover",
        "created": created,
        "data": {"object": about},
        "livemode": live,
        "pending_webhooks": 1,
        "request": {"id": "req_1", "idempotency_key": "d2b0b3e4"},
        "type": kind,
    }
    return json.dumps(envelope, indent=2).encode()


def metadata(purchase: str | None, attempt: int) -> dict[str, str]:
    """What the site puts on an intent, from where it comes to each charge."""
    return ({"purchase_id": purchase} if purchase else {}) | ({"attempt": str(attempt)} if attempt else {}) | {"theme": "dark"}


def charge(
    id: str = "ch_1",
    intent: str = "pi_1",
    purchase: str | None = None,
    attempt: int = 0,
    *,
    failed: str | None = None,
    cvc: str = "pass",
    refunded: int = 0,
    report: str | None = None,
) -> dict[str, Any]:
    """A charge; `failed` is why the bank declined it."""
    return {
        "id": id,
        "object": "charge",
        "amount": 4_900,
        "amount_captured": 0 if failed else 4_900,
        "amount_refunded": refunded,
        "billing_details": _BILLING,
        "captured": failed is None,
        "created": 1_790_000_000,
        "currency": "eur",
        "failure_code": "card_declined" if failed else None,
        "failure_message": "Your card was declined." if failed else None,
        "fraud_details": {"user_report": report} if report else {},
        "livemode": True,
        "metadata": metadata(purchase, attempt),
        "outcome": {
            "network_status": "declined_by_network" if failed else "approved_by_network",
            "reason": failed,
            "risk_level": "normal",
            "seller_message": "The bank returned a decline code.",
            "type": "issuer_declined" if failed else "authorized",
        },
        "paid": failed is None,
        "payment_intent": intent,
        "payment_method_details": {
            "card": {
                "brand": "visa",
                "checks": {"address_line1_check": None, "address_postal_code_check": "pass", "cvc_check": cvc},
                "country": "US",
                "exp_month": 8,
                "exp_year": 2030,
                "fingerprint": "Xt5EWLLDS7FJjR1c",
                "funding": "credit",
                "last4": "4242",
            },
            "type": "card",
        },
        "receipt_email": "jenny.rosen@example.com",
        "refunded": refunded == 4_900,
        "status": "failed" if failed else "succeeded",
    }


def intent(
    id: str = "pi_1", purchase: str | None = None, attempt: int = 0, *, charge_id: str | None = "ch_1", failed: str | None = None
) -> dict[str, Any]:
    """A payment intent after a charge."""
    error = {
        "charge": charge_id,
        "code": "card_declined",
        "decline_code": failed,
        "message": "Your card was declined.",
        "type": "card_error",
    }
    return {
        "id": id,
        "object": "payment_intent",
        "amount": 4_900,
        "currency": "eur",
        "last_payment_error": error if failed else None,
        "latest_charge": charge_id,
        "metadata": metadata(purchase, attempt),
        "receipt_email": "jenny.rosen@example.com",
        "status": "requires_payment_method" if failed else "succeeded",
    }


def setup(id: str = "seti_1", purchase: str | None = None, attempt: int = 0, *, failed: str | None = None) -> dict[str, Any]:
    """A setup intent: a card that is kept for later."""
    error = {"code": "card_declined", "decline_code": failed, "type": "card_error"}
    return {
        "id": id,
        "object": "setup_intent",
        "last_setup_error": error if failed else None,
        "metadata": metadata(purchase, attempt),
        "status": "requires_payment_method" if failed else "succeeded",
    }


def dispute(
    id: str = "du_1", charge_id: str = "ch_1", intent_id: str = "pi_1", *, reason: str = "fraudulent", status: str = "needs_response"
) -> dict[str, Any]:
    """A dispute with the evidence that a site would upload."""
    return {
        "id": id,
        "object": "dispute",
        "amount": 4_900,
        "charge": charge_id,
        "currency": "eur",
        "evidence": {"customer_email_address": "jenny.rosen@example.com", "customer_purchase_ip": "203.0.113.99"},
        "metadata": {},
        "payment_intent": intent_id,
        "reason": reason,
        "status": status,
    }


def warning(
    id: str = "issfr_1",
    charge_id: str = "ch_1",
    intent_id: str | None = "pi_1",
    *,
    kind: str = "made_with_stolen_card",
    actionable: bool = True,
) -> dict[str, Any]:
    """An early fraud warning."""
    return {
        "id": id,
        "object": "radar.early_fraud_warning",
        "actionable": actionable,
        "charge": charge_id,
        "created": 1_790_000_000,
        "fraud_type": kind,
        "livemode": True,
        "payment_intent": intent_id,
    }


def review(id: str = "prv_1", charge_id: str = "ch_1", intent_id: str = "pi_1", *, reason: str = "rule") -> dict[str, Any]:
    """A review of Radar's."""
    return {
        "id": id,
        "object": "review",
        "charge": charge_id,
        "ip_address": "203.0.113.99",
        "ip_address_location": {"city": "San Francisco"},
        "open": reason == "rule",
        "opened_reason": "rule",
        "payment_intent": intent_id,
        "reason": reason,
    }
