"""The site's side of a purchase: asks the service, and tells it what the payment service says, by signed events."""

import hashlib
import hmac
import json
import re
import time
from itertools import count
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.e2e.serving import PATIENCE_S, until

_number = count(1)


class Checkout:
    """Speaks to one service; `secret` is what its events are signed with."""

    def __init__(self, gateway: str, operator: str, secret: str) -> None:
        self._gateway, self._operator, self._secret, self._told = gateway, operator, secret, 0

    def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a purchase; where the store of a busy machine was too slow for one, the answer to the same question asked again."""
        answer: dict[str, Any] = {}

        def answered() -> bool:
            status, text = _post(f"{self._gateway}/v1/purchases", json.dumps(body).encode(), {})
            assert status == 200, text
            answer.update(json.loads(text))
            return bool(answer["reason"] != "store_unavailable")

        until(answered)
        return answer

    def tell(self, body: dict[str, Any], outcome: str) -> None:
        """The bank has answered."""
        kind = "charge.succeeded" if outcome == "succeeded" else "charge.failed"
        self.event(kind, _charge(body, outcome))

    def event(self, kind: str, thing: dict[str, Any]) -> None:
        """An event about a thing of the payment service, told and taken in."""
        now = int(time.time())
        event = {"id": f"evt_{next(_number)}", "object": "event", "type": kind, "created": now, "livemode": True, "data": {"object": thing}}
        payload = json.dumps(event)
        signature = hmac.new(self._secret.encode(), f"{now}.{payload}".encode(), hashlib.sha256).hexdigest()
        status, text = _post(f"{self._operator}/v1/webhooks/stripe", payload.encode(), {"Stripe-Signature": f"t={now},v1={signature}"})
        assert status in range(200, 300), text
        self._told += 1
        until(lambda: self._worked() >= self._told)

    def _worked(self) -> float:
        with urlopen(f"{self._operator}/metrics", timeout=PATIENCE_S) as answer:  # noqa: S310  our own server
            found = re.search(r'^ratelimit_stripe_facts_total\{end="worked"\} (\S+)', answer.read().decode(), re.MULTILINE)
        return float(found[1]) if found is not None else 0


def _charge(body: dict[str, Any], outcome: str) -> dict[str, Any]:
    checks = {"cvc_check": "pass", "address_postal_code_check": "pass", "address_line1_check": None}
    return {
        "id": f"ch_{body['id']}_{body['attempt']}",
        "object": "charge",
        "amount": body["amount"],
        "currency": body.get("currency", "usd").lower(),
        "status": "succeeded" if outcome == "succeeded" else "failed",
        "payment_intent": f"pi_{body['id']}",
        "failure_code": None if outcome == "succeeded" else "card_declined",
        "outcome": {"reason": None if outcome == "succeeded" else "generic_decline"},
        "metadata": {"purchase_id": body["id"], "attempt": str(body["attempt"])},
        "payment_method_details": {"card": {"checks": checks, "last4": "4242", "exp_month": 4, "exp_year": 2030}},
    }


def _post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    try:
        with urlopen(Request(url, body, headers), timeout=PATIENCE_S) as answer:  # noqa: S310  our own server
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
