"""May this purchase go through? One trip to the store to see what was before, one to write down what is answered.

The attempt counts before anything is decided, and what was before it stands fast with that: whoever asks again about the same attempt, be
it after a lost answer or at the same time at another sidecar, sees the same. Of several answers to one attempt the first in the book is
everybody's, and what follows from an answer (a hold) is done after it is there, by everybody who gives it: once or many times is the same.

Times are seconds since the epoch, by the `wall` clock.
"""

from collections.abc import Callable
from secrets import token_hex
from typing import Final

import msgspec
from msgspec.structs import replace

from ratelimit.core.policy import Policy
from ratelimit.core.protocols import AddressBook, Store
from ratelimit.core.purchase import OnStoreFailure, Purchase, PurchaseDecision
from ratelimit.core.purchase_check import Checked
from ratelimit.core.purchase_entry import Attempt, PurchaseEntry, attempt_of, read, reading, writing
from ratelimit.core.purchase_verdict import EXEMPT, waived, without_store
from ratelimit.core.store_key import BOOK, StoreKeys
from ratelimit.service.ask import StoreAwayError, ask
from ratelimit.service.bought import Answered
from ratelimit.service.flags import Flags
from ratelimit.service.holds import Holds
from ratelimit.service.purchase_counts import PurchaseCounts
from ratelimit.service.purchase_exploration import PurchaseExploration
from ratelimit.service.purchase_judge import Asked, Judgement, PurchaseJudge
from ratelimit.service.recent_purchases import RecentPurchases
from ratelimit.service.rule_words import RuleWords
from ratelimit.service.velocity import Velocity

AGAIN_S: Final = 3_600.0  # for so long whoever asks again makes sure that a hold is there: who answered first may have died before
_MOST_TRIES: Final = 20  # to write: each that fails says that somebody else has written, and a purchase has few attempts at once
_ID_BYTES: Final = 6

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(PurchaseDecision).decode


class ConflictError(Exception):
    """The attempt was asked about before, with another body."""


class Purchases:
    """Decides as `judge` does; `adopt` puts a policy in force.

    Without `flags`, `holds` or `words` there will be none, without `explores` no hold is waived; `tell` is told of each decision.
    """

    def __init__(self, store: Store, keys: StoreKeys, policy: Policy, wall: Callable[[], float], addresses: AddressBook) -> None:
        self.judge: Final = PurchaseJudge(policy)
        self.counts: Final = PurchaseCounts()
        self.recent: Final = RecentPurchases()
        self.flags: Flags | None = None
        self.holds: Holds | None = None
        self.words: RuleWords | None = None
        self.explores: PurchaseExploration | None = None
        self.tell: Callable[[Answered], None] | None = None
        self._store, self._keys, self._wall, self._addresses = store, keys, wall, addresses
        self._book, self._digest = keys.namer_of(BOOK), keys.namer_of("", "purchase body")
        self._instance, self._count = token_hex(_ID_BYTES), 0
        self.adopt(policy)

    def adopt(self, policy: Policy) -> None:
        """Put a policy in force."""
        self.judge.adopt(policy)
        self._velocity = Velocity(self._keys, self._addresses, policy.identity.ipv6_prefix)

    async def decide(self, checked: Checked) -> PurchaseDecision:
        """The answer to an attempt; raises ConflictError."""
        purchase, now_s, velocity = checked.purchase, self._wall(), self._velocity
        entities = velocity.entities(purchase, checked.ip)
        asked = Asked(purchase, checked.ip, self._digest(_encode(purchase)).encode(), entities, now_s)
        book = self._book(purchase.id)
        try:
            (_, state), *before = await ask(self._store, [reading(book), *velocity.calls(purchase, entities, now_s)])
        except StoreAwayError:
            return self._away(asked, self.judge.judge(self._id(), asked, None))
        entry = read(purchase.id, state)
        if (known := entry.find(purchase.attempt)) is not None:
            return await self._again(asked, known, latest=known is entry.attempts[-1])
        row = velocity.row(purchase, entities, checked.ip, now_s, before)
        judgement = self.judge.judge(self._id(), asked, row)
        try:
            judgement = self._with_case(asked, await self._explored(asked, judgement))
            attempt = attempt_of(asked.purchase, asked.entities, asked.now_s, _encode(judgement.decision), asked.body)
            kept = await self._keep(book, entry, attempt)
            if kept is attempt:
                await self._follow(purchase, judgement.decision)
                await self._let_stand(asked, judgement)
        except StoreAwayError:
            return self._away(asked, judgement)
        return self._told(asked, judgement) if kept is attempt else await self._again(asked, kept, latest=True)

    async def _explored(self, asked: Asked, judgement: Judgement) -> Judgement:
        """Waive a few of the holds that the model alone makes, to know what becomes of them; never where a warning has come."""
        decision, rules, purchase = judgement.decision, self.judge.risk, asked.purchase
        if decision.reason != "risk_throttled" or self.explores is None or rules is None or self._is_warned(purchase.account):
            return judgement
        draw = await self.explores.draw(purchase.account, purchase.amount, purchase.currency or "", rules)
        if draw.propensity is None:
            return judgement
        found = waived(decision, draw.propensity) if draw.waived else replace(decision, propensity=draw.propensity)
        return judgement._replace(decision=found)

    def _is_warned(self, account: str) -> bool:
        held = self.holds.account(account) if self.holds is not None else None
        return held is not None and any(hold.warned for hold in held.holds)

    def _with_case(self, asked: Asked, judgement: Judgement) -> Judgement:
        """With the reference of the case that rules ask a person to look into; a risky one may become a case as well."""
        if self.flags is None:
            return judgement
        decision, evidence, hits = judgement
        rules = [rule for rule, enforced in hits if enforced and rule.then == "review"]
        risky = self.judge.is_risky(decision)
        signals = self.judge.unusual(evidence) if rules or risky else ()
        if risky:
            self.flags.risky_purchase(asked, decision, signals)
        case = self.flags.purchase(asked, decision, rules, signals)
        return judgement if case is None else judgement._replace(decision=replace(decision, case=case))

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

    async def _again(self, asked: Asked, known: Attempt, *, latest: bool) -> PurchaseDecision:
        """What was answered to the attempt before. What is held follows the `latest` attempt alone."""
        if known.body != asked.body:
            raise ConflictError
        self.counts.repeated += 1
        decision = _decode(known.answer)
        if latest and asked.now_s < known.at + AGAIN_S:
            try:
                await self._follow(asked.purchase, decision)
            except StoreAwayError:
                return without_store(decision, self._on_store_failure)
        return decision

    async def _follow(self, purchase: Purchase, decision: PurchaseDecision) -> None:
        """Hold what is to be held; of an account of which something is held already the rest of this purchase may be spent."""
        if self.holds is None or not purchase.tokens or decision.action == "refuse":
            return
        if decision.held and decision.lapses_at is not None:
            why = f"{decision.reason} {decision.rule}" if decision.rule is not None else decision.reason
            await self.holds.open(purchase, decision.held, decision.lapses_at, why)
        else:
            await self.holds.purchased(purchase)

    async def _let_stand(self, asked: Asked, judgement: Judgement) -> None:
        """Let verdicts of rules stand for what they are about, for as long as the rules say; who is allowed is exempt from them."""
        if judgement.hits and self.words is not None and judgement.decision.reason not in EXEMPT:
            await self.words.of_purchase([hit.rule for hit in judgement.hits if hit.enforced], asked.entities.targets, asked.now_s)

    def _away(self, asked: Asked, judgement: Judgement) -> PurchaseDecision:
        self.counts.without_store += 1
        return self._told(asked, judgement._replace(decision=without_store(judgement.decision, self._on_store_failure)))

    def _told(self, asked: Asked, judgement: Judgement) -> PurchaseDecision:
        decision, evidence, _ = judgement
        self.counts.decided[decision.action, decision.reason] += 1
        self.counts.held += decision.held
        policy = self.judge.policy.digest
        self.recent.add(asked.now_s, decision, asked.purchase, policy, evidence)
        if self.tell is not None:
            self.tell(Answered(asked.now_s, asked.purchase, asked.entities, decision, policy, evidence))
        return decision

    @property
    def _on_store_failure(self) -> OnStoreFailure:
        return self.judge.policy.file.purchases.on_store_failure

    def _id(self) -> str:
        self._count += 1
        return f"{self._instance}-{self._count:x}"
