"""What the model says of a purchase, by the policy's `risk.purchases`."""

from math import isnan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratelimit.core.policy import Policy
from ratelimit.core.protocols import PurchaseScorer
from ratelimit.core.purchase_verdict import Said

BY = "risk"  # as shadow findings name the model's word


class Scored(NamedTuple):
    """`said` None: nothing against it."""

    risk: float | None
    p_fraud: float | None
    said: Said | None


def scored(scorer: PurchaseScorer, row: NDArray[np.float64], policy: Policy) -> Scored:
    """The risk of a purchase and what follows of it: of the bounds that it is above, the one that holds the largest share."""
    rows = row[np.newaxis]
    risk, p_fraud = _known(scorer.score(rows)), _known(scorer.p_fraud(rows))
    rules = policy.file.risk.purchases if policy.file.risk is not None else None
    if rules is None or risk is None:
        return Scored(risk, p_fraud, None)
    above = [throttle for throttle in rules.throttle if risk > throttle.above]
    if not above:
        return Scored(risk, p_fraud, None)
    largest = max(above, key=lambda throttle: (throttle.hold, throttle.lapse))
    enforced = rules.mode == "enforce" and policy.mode == "enforce"
    return Scored(risk, p_fraud, Said("risk", "throttle", BY, largest.hold, largest.lapse.seconds, enforced=enforced))


def _known(values: NDArray[np.float64]) -> float | None:
    value = float(values[0])
    return None if isnan(value) else value
