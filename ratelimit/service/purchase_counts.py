"""What is counted of purchases, as plain integers that the metrics read."""

from bisect import bisect_left
from collections import Counter
from typing import Final

from ratelimit.core.decision import Reason
from ratelimit.core.purchase import Action

BOUNDS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


class PurchaseCounts:
    """Since the start of this process."""

    def __init__(self) -> None:
        self.decided: Counter[tuple[Action, Reason]] = Counter()
        self.repeated = 0  # answered once more from the book
        self.contradicted = 0  # the same attempt with another body
        self.refused: Counter[str] = Counter()  # bodies with what must never come here, by what it was
        self.held = 0  # tokens
        self.without_store = 0
        self.took: list[int] = [0] * (len(BOUNDS_S) + 1)  # calls by how long they took, up to each bound and longer
        self.seconds = 0.0

    def took_s(self, seconds: float) -> None:
        """A call came to its end."""
        self.took[bisect_left(BOUNDS_S, seconds)] += 1
        self.seconds += seconds
