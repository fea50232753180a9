"""How urgent a case is: P1 to P4 by the loss that is to be expected, and until when somebody should have looked. Money in minor units.

Expected loss is the chance that it is fraud, times the money that can still be lost: tokens held or unspent, at the price paid. A model
with labels gives the chance; without one it is taken from what opened the case, as CHANCE has it. Of whom no money is at risk nothing is
lost by waiting, so only what opened it raises the case.
"""

from collections.abc import Mapping
from typing import Final

from ratelimit.core.case import CaseKind

CHANCE: Final[Mapping[CaseKind, float]] = {
    "early_fraud_warning": 0.8,  # issuers send them after the holder's own word; most of those not refunded become disputes
    "rule": 0.4,  # somebody wrote down what to look at
    "model": 0.2,  # of the highest risks one in five, until labels tell
    "audit": 0.2,  # the same, or it would be told from the model's by its place
    "appeal": 0.1,
    "quality": 0.1,
    "person": 0.4,
    "banned": 0.4,  # a second hand on the same card is rare, and a mailbox has one
}
LEAST_LOSS_MINOR: Final[tuple[tuple[int, int], ...]] = ((1, 10_000), (2, 2_500), (3, 500))  # of P1, P2, P3; less is P4
AT_LEAST: Final[Mapping[CaseKind, int]] = {
    "early_fraud_warning": 2,  # a refund within a day or so keeps the dispute away
    "appeal": 2,  # somebody honest may be kept out
    "rule": 3,
    "person": 3,
    "banned": 3,
}
_HOUR_S: Final = 3_600.0
DUE_S: Final[Mapping[int, float]] = {1: 4 * _HOUR_S, 2: 24 * _HOUR_S, 3: 72 * _HOUR_S, 4: 7 * 24 * _HOUR_S}
DUE_OF_KIND_S: Final[Mapping[CaseKind, float]] = {
    "early_fraud_warning": 24 * _HOUR_S,  # refunded later than that, it is often disputed all the same
    "appeal": 48 * _HOUR_S,  # somebody waits for an answer
    "quality": 7 * 24 * _HOUR_S,
}


def expected_loss_minor(kind: CaseKind, at_risk_minor: int, p_fraud: float | None) -> int:
    """What is lost on average if nobody does anything."""
    return round(at_risk_minor * (p_fraud if p_fraud is not None else CHANCE[kind]))


def priority_of(kind: CaseKind, loss_minor: int) -> int:
    """1 to 4."""
    by_loss = next((priority for priority, least in LEAST_LOSS_MINOR if loss_minor >= least), 4)
    return min(by_loss, AT_LEAST.get(kind, 4))


def due_at(kind: CaseKind, priority: int, at: float, told: float | None = None) -> float:
    """Until when somebody should have looked: what was told, what the kind says or the priority, whichever is first."""
    ends = [at + DUE_S[priority]]
    if (of_kind := DUE_OF_KIND_S.get(kind)) is not None:
        ends = [at + of_kind]
    return min([*ends, *([told] if told is not None else [])])
