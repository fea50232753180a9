"""A challenger beside the model of purchases: it scores each of them too, decides nothing, and is counted by whether both would hold."""

from collections import Counter
from math import isnan

from ratelimit.core.protocols import PurchaseScorer
from ratelimit.core.purchase_signals import Row
from ratelimit.core.risk_rule import PurchaseRisk
from ratelimit.service.challenge import ABOVE, Above


class PurchaseChallenge:
    """That of one sidecar; `model` is the challenger, None while there is none."""

    def __init__(self) -> None:
        self.model: PurchaseScorer | None = None
        self.above = Counter[Above]()  # purchases of which both models know a risk

    def see(self, row: Row, risk: float | None, rules: PurchaseRisk | None) -> None:
        """A purchase that the champion gave this risk."""
        if self.model is None or rules is None or risk is None:
            return
        other = float(self.model.score(row[None])[0])
        if not isnan(other):
            bound = min(throttle.above for throttle in rules.throttle)
            self.above[ABOVE[(risk > bound) + 2 * (other > bound)]] += 1
