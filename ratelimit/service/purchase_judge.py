"""What words that stand, lists, rules and the model say of a purchase, and what is decided by it. It asks nobody and keeps nothing."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from ratelimit.core.decision import UnusualSignal
from ratelimit.core.policy import Policy
from ratelimit.core.protocols import PurchaseScorer
from ratelimit.core.purchase import Purchase, PurchaseDecision
from ratelimit.core.purchase_entity import Entities
from ratelimit.core.purchase_record import PurchaseEvidence
from ratelimit.core.purchase_signals import Row
from ratelimit.core.purchase_verdict import Said, judged
from ratelimit.core.signal_reason import unusual
from ratelimit.service.purchase_challenge import PurchaseChallenge
from ratelimit.service.purchase_risk import Scored, scored
from ratelimit.service.purchase_words import said_by_lists, said_by_rule, said_by_words
from ratelimit.service.rulebook import Rulebook, RuleHit
from ratelimit.service.standings import Standings

_UNSCORED = Scored(None, None, None)


class Asked(Struct, frozen=True):
    """One purchase on its way through, from the packed address `ip`. `body` is the digest of what was asked."""

    purchase: Purchase
    ip: bytes
    body: bytes
    entities: Entities
    now_s: float


class Judgement(NamedTuple):
    """A decision, what it was made from, and the rules that hold."""

    decision: PurchaseDecision
    evidence: PurchaseEvidence | None
    hits: Sequence[RuleHit]


class PurchaseJudge:
    """Judges by whom there is: without `standings`, `rulebook` or `scorer` nothing is said by them. `adopt` puts a policy in force."""

    def __init__(self, policy: Policy) -> None:
        self.standings: Standings | None = None
        self.rulebook: Rulebook | None = None
        self.scorer: PurchaseScorer | None = None
        self.challenge: Final = PurchaseChallenge()
        self.adopt(policy)

    def adopt(self, policy: Policy) -> None:
        """Put a policy in force."""
        self.policy = policy
        self.risk = policy.file.risk.purchases if policy.file.risk is not None else None
        self._rules = {rule.name: rule for rule in policy.file.rules}

    def judge(self, id: str, asked: Asked, row: Row | None) -> Judgement:
        """The decision with that id; `row` None: nothing is known of what was before."""
        purchase, now_s = asked.purchase, asked.now_s
        hits = self.rulebook.purchase(purchase, row, now_s) if self.rulebook is not None else []
        seen = None if self._is_spared(purchase.account) else row
        by_model = scored(self.scorer, seen, self.policy) if self.scorer is not None and seen is not None else _UNSCORED
        if seen is not None:
            self.challenge.see(seen, by_model.risk, self.risk)
        decision = judged(id, purchase, self._said(asked, hits, by_model), now_s)
        decision = replace(decision, risk=by_model.risk, p_fraud=by_model.p_fraud)
        if self.scorer is None or seen is None:
            evidence = PurchaseEvidence(row.tobytes(), None) if row is not None else None
        else:
            evidence = PurchaseEvidence(seen.tobytes(), self.scorer.version)
            if decision.reason != "ok" or decision.shadow:
                decision = replace(decision, signals=tuple(map(unusual, self.scorer.reasons(seen))))
        return Judgement(decision, evidence, hits)

    def unusual(self, evidence: PurchaseEvidence | None) -> tuple[UnusualSignal, ...]:
        """What is farthest out of what a purchase was judged by; nothing without a model."""
        if self.scorer is None or evidence is None or evidence.model is None:
            return ()
        return tuple(map(unusual, self.scorer.reasons(np.frombuffer(evidence.signals))))

    def is_risky(self, decision: PurchaseDecision) -> bool:
        """Whether its risk is above a bound of the policy, in shadow too."""
        risk = decision.risk
        return risk is not None and self.risk is not None and any(risk > throttle.above for throttle in self.risk.throttle)

    def _is_spared(self, account: str) -> bool:
        """Whether its owner has restricted, or objected to, what models do with the account."""
        return self.standings is not None and ("account", account) in self.standings.unscored

    def _said(self, asked: Asked, hits: Sequence[RuleHit], by_model: Scored) -> Iterable[Said]:
        if self.standings is not None and len(self.standings):
            yield from said_by_words(self.standings.words(asked.entities.targets.values(), "purchase"), self._rules)
        if self.policy.lists.purchases:
            yield from said_by_lists(self.policy.lists.of_purchase(asked.purchase, asked.ip, asked.now_s))
        for hit in hits:
            if hit.rule.then != "review":
                yield said_by_rule(hit.rule, hit.rule.then, enforced=hit.enforced)
        if by_model.said is not None:
            yield by_model.said
