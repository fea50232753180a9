"""The record of a purchase's decision: a row of the same stream as that of a request, see core/record."""

from typing import Final, NamedTuple

import numpy as np
from msgspec import UNSET

from ratelimit.core.purchase import Purchase, PurchaseDecision
from ratelimit.core.purchase_signals import VERSION as VERSION_OF_SIGNALS
from ratelimit.core.record import Record

METHOD: Final = "POST"
PATH: Final = "/v1/purchases"


class PurchaseEvidence(NamedTuple):
    """What was known at that moment; `signals` are float64 in the order of core.purchase_signals, `model` made the risk of them."""

    signals: bytes
    model: str | None


def purchase_record_of(
    decision: PurchaseDecision, purchase: Purchase, *, time: float, policy: str, evidence: PurchaseEvidence | None
) -> Record:
    """The row of `decision`. Of the purchase it holds who asked, for what and for how much, and nothing of card, address and email."""
    return Record(
        decision.id,
        time,
        decision.decision,
        decision.reason,
        decision.rule,
        f"account:{purchase.account}",
        METHOD,
        PATH,
        purchase.tokens,
        None,
        None,
        policy,
        risk=decision.risk,
        model=evidence.model if evidence is not None else None,
        signal_version=VERSION_OF_SIGNALS if evidence is not None else None,
        signals=_values(evidence.signals) if evidence is not None else None,
        purchase=purchase.id,
        attempt=purchase.attempt,
        kind=purchase.kind,
        amount=purchase.amount,
        currency=purchase.currency,
        action=decision.action,
        hold_ratio=decision.hold_ratio,
        held=decision.held,
        p_fraud=decision.p_fraud,
        propensity=None if decision.propensity is UNSET else decision.propensity,
        case=decision.case,
        shadow=decision.shadow,
    )


def _values(signals: bytes) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else float(value) for value in np.frombuffer(signals, "<f8"))
