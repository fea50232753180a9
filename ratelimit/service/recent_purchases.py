"""The latest decisions on purchases that were not plain accepts, in memory only, as `recent` has those on requests."""

from collections import deque
from collections.abc import Iterator
from typing import Final

from ratelimit.core.purchase import Purchase, PurchaseDecision
from ratelimit.core.purchase_record import PurchaseEvidence, purchase_record_of
from ratelimit.core.record import Record

MOST: Final = 5_000  # some 10 MB

_Row = tuple[float, PurchaseDecision, Purchase, str, PurchaseEvidence | None]


class RecentPurchases:
    """A ring of them. Records are made when somebody reads."""

    def __init__(self, most: int = MOST) -> None:
        self._rows: deque[_Row] = deque(maxlen=most)

    def add(self, time: float, decision: PurchaseDecision, purchase: Purchase, policy: str, evidence: PurchaseEvidence | None) -> None:
        """Keep a decision, if anything was said against the purchase."""
        if decision.reason != "ok" or decision.shadow:
            self._rows.append((time, decision, purchase, policy, evidence))

    def records(self) -> Iterator[Record]:
        """Latest first."""
        return map(_record, reversed(self._rows))

    def find(self, reference: str) -> Record | None:
        """The record with that id, if it is still remembered."""
        return next((_record(row) for row in reversed(self._rows) if row[1].id == reference), None)


def _record(row: _Row) -> Record:
    time, decision, purchase, policy, evidence = row
    return purchase_record_of(decision, purchase, time=time, policy=policy, evidence=evidence)
