"""Asks for a case: what wants a person to look at it is told to the ledger, which opens one, or adds it to the open one.

Whoever asks for the same twice, here or in another process, says the same reference, which is told at once: it is made of the source by a
key that nobody outside has.
"""

from collections.abc import Callable, Iterable
from typing import Final

from ratelimit.core.address import format_address
from ratelimit.core.decision import UnusualSignal
from ratelimit.core.message import Entity, Flagged, Message
from ratelimit.core.priority import DUE_OF_KIND_S
from ratelimit.core.purchase import PurchaseDecision
from ratelimit.core.purchase_entry import Attempt
from ratelimit.core.record import writable
from ratelimit.core.rule import Rule
from ratelimit.core.signals import Kind
from ratelimit.core.standing import Target
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.purchase_judge import Asked
from ratelimit.service.watch import Watch

_DAY_S: Final = 86_400


class Flags:
    """`put` tells the ledger."""

    def __init__(self, put: Callable[[Message], None], keys: StoreKeys) -> None:
        self._put, self._name = put, keys.namer_of("r-", "case")

    def warned(self, purchase: str, attempt: Attempt, source: str, fraud_type: str, known_at: float) -> None:
        """An issuer takes a purchase for fraud."""
        flag = Flagged(
            id=self._name(source),
            anchor=Entity("account", writable(attempt.account)),
            kind="early_fraud_warning",
            source=source,
            reasons=(f"early fraud warning: {fraud_type or 'no type was told'}",),
            at=known_at,
            purchase=purchase,
            attempt=attempt.attempt,
            due_at=known_at + DUE_OF_KIND_S["early_fraud_warning"],
            currency=attempt.currency or None,
        )
        self._put(flag)

    def purchase(self, asked: Asked, decision: PurchaseDecision, rules: Iterable[Rule], signals: Iterable[UnusualSignal]) -> str | None:
        """Rules want a person to look at a purchase; the reference, None where no rule does."""
        reasons = tuple(f"{rule.name}: {rule.reason}" for rule in rules)
        if not reasons:
            return None
        source = f"rule:{asked.purchase.id}:{asked.purchase.attempt}:{'; '.join(reasons)}"
        word = ", ".join(reason.partition(":")[0] for reason in reasons)
        self._put(self._of_purchase(asked, decision, source, signals, kind="rule", reasons=reasons, word=word))
        return self._name(source)

    def risky_purchase(self, asked: Asked, decision: PurchaseDecision, signals: Iterable[UnusualSignal]) -> None:
        """The model finds a purchase unusual: a case if there is room for it."""
        source = f"model:{asked.purchase.id}:{asked.purchase.attempt}"
        self._put(self._of_purchase(asked, decision, source, signals, kind="model"))

    def request(self, target: Target, rule: Rule, day: int, at: float, signals: Iterable[UnusualSignal], plan: str | None) -> None:
        """A rule wants a person to look at a subject of requests, once a day."""
        source = f"rule:{rule.name}:{target}:{day}"
        flag = Flagged(
            id=self._name(source),
            anchor=Entity(target.kind, target.value),
            kind="rule",
            source=source,
            reasons=(f"{rule.name}: {rule.reason}",),
            at=at,
            word=rule.name,
            signals=tuple(signals),
            plan=plan,
        )
        self._put(flag)

    def subject(self, target: Target, watch: Watch, at: float, signals: Iterable[UnusualSignal], chance: float | None = None) -> None:
        """The model finds a subject unusual; with a `chance`, it does not, and it was drawn by lot to be looked at all the same."""
        kind = "model" if chance is None else "audit"
        source = f"{kind}:{target}:{int(at // _DAY_S)}"
        flag = Flagged(
            id=self._name(source),
            anchor=Entity(target.kind, target.value),
            kind="model" if chance is None else "audit",
            source=source,
            reasons=(),
            at=at,
            risk=watch.risk,
            signals=tuple(signals),
            plan=watch.plan,
            chance=chance or 0.0,
        )
        self._put(flag)

    def _of_purchase(  # noqa: PLR0913  what a flag says
        self,
        asked: Asked,
        decision: PurchaseDecision,
        source: str,
        signals: Iterable[UnusualSignal],
        *,
        kind: str,
        reasons: tuple[str, ...] = (),
        word: str = "",
    ) -> Flagged:
        purchase = asked.purchase
        return Flagged(
            id=self._name(source),
            anchor=Entity("account", writable(purchase.account)),
            kind="rule" if kind == "rule" else "model",
            source=source,
            reasons=reasons,
            at=asked.now_s,
            purchase=purchase.id,
            attempt=purchase.attempt,
            risk=decision.risk,
            p_fraud=decision.p_fraud,
            decision=decision.id,
            word=word,
            signals=tuple(signals),
            about="purchase",
            currency=purchase.currency,
        )


def target_of(kind: Kind, value: str | bytes, ipv6_prefix: int) -> Target:
    """A subject of requests as words about it name it."""
    if isinstance(value, bytes):
        return Target(kind, format_address(value, None if len(value) == 4 else ipv6_prefix))
    return Target(kind, writable(value))
