"""One decision told again: the record of a request or of a purchase, what was known then, and what the model that judged says today."""

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from ratelimit.core.record import Record
from ratelimit.core.signals import KINDS
from ratelimit.ledger import case_query, found, purchases, records
from ratelimit.ledger.cases import SubjectRef
from ratelimit.ledger.found import CaseHit
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.purchases import OutcomeRow, PurchaseRow
from ratelimit.ledger.records import RecordRow
from ratelimit.review.case_error import NotFoundError
from ratelimit.review.dossier_piece import of_purchase, of_request
from ratelimit.review.weighing import Recomputed, Weigher

_MOST_CASES: Final = 10

Fresh = Callable[[str], Awaitable[Record | None]]  # the decision with that id, if a sidecar still remembers it


class Replayed(Struct, frozen=True, kw_only=True):
    """What is known of a decision. One of `request`, `purchase` and `fresh` is there: fresh ones are not in the ledger yet."""

    id: str
    request: RecordRow | None = None
    purchase: PurchaseRow | None = None
    fresh: Record | None = None
    outcomes: tuple[OutcomeRow, ...] = ()
    again: Recomputed | None = None
    names: dict[int, SubjectRef] = {}
    cases: tuple[CaseHit, ...] = ()

    @property
    def about(self) -> int | None:
        """The subject that it is about, for the audit."""
        row = self.request
        if row is not None:
            return row.account or row.api_key or row.address
        return self.purchase.account if self.purchase is not None else None


class Decisions:
    """On a ledger; `fresh` asks the sidecars."""

    def __init__(self, ledger: Ledger, weigher: Weigher, fresh: Fresh) -> None:
        self._ledger, self._weigher, self._fresh = ledger, weigher, fresh

    async def find(self, id: str) -> Replayed:
        """The decision with that id; raises NotFoundError."""
        id = case_query.plain(id)
        async with self._ledger.read() as connection:
            request = await records.find(connection, id)
            purchase = await purchases.by_record(connection, id) if request is None else None
            ids = _subjects(request, purchase)
            names = await case_query.subjects_of(connection, ids)
            cases = await found.cases_about(connection, [one for one in ids if one is not None], _MOST_CASES)
            outcomes = await purchases.outcomes(connection, purchase.id) if purchase is not None else []
        if request is None and purchase is None:
            fresh = await self._fresh(id)
            if fresh is None:
                raise NotFoundError("no decision with that id is kept: refusals are, and a sample of what was allowed")
            return Replayed(id=id, fresh=fresh)
        kind = names[request.risk_subject].kind if request is not None and request.risk_subject is not None else None
        vector = of_request(request, kind) if request is not None and kind in KINDS else of_purchase(purchase) if purchase else None
        again = await self._weigher.again(vector) if vector is not None else None
        return Replayed(id=id, request=request, purchase=purchase, outcomes=tuple(outcomes), again=again, names=names, cases=tuple(cases))


def _subjects(request: RecordRow | None, purchase: PurchaseRow | None) -> list[int | None]:
    if request is not None:
        return [request.account, request.api_key, request.address, request.subject, request.risk_subject]
    if purchase is not None:
        return [purchase.account, purchase.card, purchase.address, purchase.device, purchase.email]
    return []
