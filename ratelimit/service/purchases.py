"""May this purchase go through? One trip to the store to see what was before, one to write down what is answered.

The attempt counts before anything is decided, and what was before it stands fast with that: whoever asks again about the same attempt, be
it after a lost answer or at the same time at another sidecar, sees the same. Of several answers to one attempt the first in the book is
everybody's, and what follows from an answer (a hold) is done after it is there, by everybody who gives it: once or many times is the same.

Times are seconds since the epoch, by the `wall` clock.
"""

from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Any, Final, Protocol

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ratelimit.core.call import Call
from ratelimit.core.policy import Policy
from ratelimit.core.protocols import Store
from ratelimit.core.purchase import Purchase, PurchaseDecision
from ratelimit.core.purchase_check import Checked
from ratelimit.core.purchase_entity import Entities, EntityNames
from ratelimit.core.purchase_entry import Attempt, PurchaseEntry, read, reading, writing
from ratelimit.core.purchase_record import PurchaseEvidence
from ratelimit.core.purchase_verdict import Said, judged, without_store
from ratelimit.core.store_key import BOOK, StoreKeys
from ratelimit.service.ask import StoreAwayError, ask
from ratelimit.service.purchase_counts import PurchaseCounts
from ratelimit.service.recent_purchases import RecentPurchases

_MOST_TRIES: Final = 20  # to write: each that fails says that somebody else has written, and a purchase has few attempts at once
_ID_BYTES: Final = 6

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(PurchaseDecision).decode


class ConflictError(Exception):
    """The attempt was asked about before, with another body."""


class VelocityLog(Protocol):
    """What was before."""

    def entities(self, purchase: Purchase, ip: bytes) -> Entities:
        """What the purchase shares with others."""

    def calls(self, purchase: Purchase, entities: Entities, now_s: float) -> list[Call]:
        """That it is attempted, and what was before."""

    def row(self, purchase: Purchase, entities: Entities, ip: bytes, now_s: float, answers: Sequence[Any]) -> NDArray[np.float64]:
        """The signals, from the answers to the calls."""


class _Case(Struct, frozen=True):
    """One purchase on its way through."""

    purchase: Purchase
    ip: bytes
    body: bytes
    entities: Entities
    now_s: float


class Purchases:
    """Decides; `adopt` puts a policy in force."""

    def __init__(self, store: Store, keys: StoreKeys, policy: Policy, wall: Callable[[], float]) -> None:
        self.counts: Final = PurchaseCounts()
        self.recent: Final = RecentPurchases()
        self.velocity: VelocityLog | None = None
        self._store, self._wall, self.policy = store, wall, policy
        self._names = EntityNames(keys, policy.identity.ipv6_prefix)
        self._book, self._digest = keys.namer_of(BOOK), keys.namer_of("", "purchase body")
        self._instance, self._count = token_hex(_ID_BYTES), 0

    def adopt(self, policy: Policy) -> None:
        """Put a policy in force."""
        self.policy = policy

    async def decide(self, asked: Checked) -> PurchaseDecision:
        """The answer to an attempt; raises ConflictError."""
        purchase, now_s = asked.purchase, self._wall()
        body = self._digest(_encode(purchase)).encode()
        case = _Case(purchase, asked.ip, body, self._names.of(purchase, asked.ip), now_s)
        book = self._book(purchase.id)
        try:
            (_, state), *before = await ask(self._store, [reading(book), *self._calls(case)])
        except StoreAwayError:
            return self._away(case, judged(self._id(), purchase, self._said(case), now_s), None)
        entry = read(purchase.id, state)
        if (known := entry.find(purchase.attempt)) is not None:
            return self._again(known, body)
        row = self._row(case, before)
        decision = judged(self._id(), purchase, self._said(case), now_s)
        evidence = PurchaseEvidence(row.tobytes(), None) if row is not None else None
        attempt = _attempt(case, decision)
        try:
            kept = await self._keep(book, entry, attempt)
        except StoreAwayError:
            return self._away(case, decision, evidence)
        if kept is not attempt:
            return self._again(kept, body)
        self._count_and_record(case, decision, evidence)
        return decision

    def _calls(self, case: _Case) -> list[Call]:
        return self.velocity.calls(case.purchase, case.entities, case.now_s) if self.velocity is not None else []

    def _row(self, case: _Case, before: Sequence[Any]) -> NDArray[np.float64] | None:
        return self.velocity.row(case.purchase, case.entities, case.ip, case.now_s, before) if self.velocity is not None else None

    def _said(self, case: _Case) -> list[Said]:  # noqa: ARG002
        return []

    async def _keep(self, book: str, entry: PurchaseEntry, attempt: Attempt) -> Attempt:
        """The attempt as it is in the book then: another's, if that was there first."""
        for _ in range(_MOST_TRIES):
            ((written, state),) = await ask(self._store, [writing(book, entry.with_attempt(attempt))])
            if written:
                return attempt
            entry = read(entry.id, state)
            if (known := entry.find(attempt.attempt)) is not None:
                return known
        raise StoreAwayError

    def _again(self, known: Attempt, body: bytes) -> PurchaseDecision:
        """What was answered to the attempt before."""
        if known.body != body:
            raise ConflictError
        self.counts.repeated += 1
        return _decode(known.answer)

    def _away(self, case: _Case, decision: PurchaseDecision, evidence: PurchaseEvidence | None) -> PurchaseDecision:
        decision = without_store(decision, self.policy.file.purchases.on_store_failure)
        self.counts.without_store += 1
        self._count_and_record(case, decision, evidence)
        return decision

    def _count_and_record(self, case: _Case, decision: PurchaseDecision, evidence: PurchaseEvidence | None) -> None:
        self.counts.decided[decision.action, decision.reason] += 1
        self.counts.held += decision.held
        self.recent.add(case.now_s, decision, case.purchase, self.policy.digest, evidence)

    def _id(self) -> str:
        self._count += 1
        return f"{self._instance}-{self._count:x}"


def _attempt(case: _Case, decision: PurchaseDecision) -> Attempt:
    purchase = case.purchase
    return Attempt(
        attempt=purchase.attempt,
        at=case.now_s,
        body=case.body,
        answer=_encode(decision),
        kind=purchase.kind,
        account=purchase.account,
        amount=purchase.amount,
        currency=purchase.currency or "",
        tokens=purchase.tokens,
        entities=case.entities.names,
        slices=tuple(case.entities.slices.values()),
    )
