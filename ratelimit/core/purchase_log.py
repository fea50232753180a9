"""Reads a line of a purchase log: a purchase as the checkout tells it, with its time, and what became of it as `outcome`.

    {"time": "2026-03-02T00:23:57Z", "id": ..., "attempt": 1, "account": ..., "amount": 500, ..., "outcome": {"status": "succeeded",
     "cvc_check": "pass", "postal_check": "fail", "early_warning_at": ..., "disputed_at": ..., "dispute_reason": "fraudulent"}}

Times are RFC 3339 or seconds since the epoch. How an attempt ended is known some seconds after it. An early fraud warning, or a dispute
whose reason is fraud, confirms it as fraud from then on; a dispute for another reason says nothing. Fields that we do not know are
ignored.
"""

from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from ratelimit.core.log_entry import BrokenLineError
from ratelimit.core.log_time import number_us, rfc3339_us
from ratelimit.core.purchase import Purchase
from ratelimit.core.purchase_event import Bought, Check, Confirmed, Ended, PurchaseEvent
from ratelimit.core.units import US_PER_S

ENDS_AFTER_S: Final = 2.0
FRAUD_REASONS: Final = frozenset({"fraudulent"})

_OURS: Final = frozenset(Purchase.__struct_fields__)
_TIMES: Final = ("account_created_at",)

Time = str | float


class Outcome(msgspec.Struct, frozen=True):
    """What became of an attempt, as far as it is known."""

    status: Literal["succeeded", "failed", "declined"] | None = None
    cvc_check: str | None = None
    postal_check: str | None = None
    early_warning_at: Time | None = None
    disputed_at: Time | None = None
    dispute_reason: str | None = None

    def warned_at(self) -> float | None:
        """When it was first known to be fraud."""
        disputed = self.disputed_at if self.dispute_reason in FRAUD_REASONS else None
        return min((instant(at) for at in (self.early_warning_at, disputed) if at is not None), default=None)


_decode: Any = msgspec.json.Decoder(dict[str, Any]).decode


def events_of(line: bytes) -> Iterator[PurchaseEvent]:
    """What a line tells, the attempt first. Raises BrokenLineError."""
    try:
        found = _decode(line)
        outcome = msgspec.convert(found.get("outcome") or {}, Outcome)
        at, purchase = instant(found.get("time")), _purchase(found)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BrokenLineError(f"{error}; expected a purchase, a JSON object a line") from None
    yield Bought(at, purchase)
    if outcome.status is not None:
        ended = "succeeded" if outcome.status == "succeeded" else "failed"
        yield Ended(at + ENDS_AFTER_S, purchase.id, purchase.attempt, "succeeded" if ended == "succeeded" else "failed", _failed(outcome))
    if (warned := outcome.warned_at()) is not None:
        yield Confirmed(warned, purchase.id, purchase.attempt, "fraud")


def instant(time: object) -> float:
    """Seconds since the epoch. Raises BrokenLineError."""
    if isinstance(time, str):
        return rfc3339_us(time) / US_PER_S
    if isinstance(time, int | float) and not isinstance(time, bool):
        return number_us(time) / US_PER_S
    raise BrokenLineError("it has no time; expected RFC 3339 or a number of seconds since 1970")


def _purchase(found: dict[str, Any]) -> Purchase:
    fields = {name: value for name, value in found.items() if name in _OURS}
    for name in _TIMES:
        if fields.get(name) is not None:
            fields[name] = instant(fields[name])
    return msgspec.convert(fields, Purchase)


def _failed(outcome: Outcome) -> frozenset[Check]:
    checks: tuple[tuple[Check, str | None], ...] = (("cvc", outcome.cvc_check), ("postal", outcome.postal_check))
    return frozenset(name for name, said in checks if said == "fail")
