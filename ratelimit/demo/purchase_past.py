"""What was bought on the demonstration's site until now: judged by the policy, each as it stood then, and told to the ledger.

The velocity engine is the serving one, on the store that will serve, so that what is bought next meets this past.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from ratelimit.core.address import parse_address
from ratelimit.core.message import Concluded, Happened, Message
from ratelimit.core.purchase import Purchase
from ratelimit.core.purchase_entry import Attempt
from ratelimit.core.purchase_event import Bought, Confirmed, Ended, PurchaseEvent
from ratelimit.service.bought import Answered, bought_of
from ratelimit.service.flags import Flags
from ratelimit.service.purchase_history import Judged, PurchaseHistory
from ratelimit.service.purchase_judge import Asked, PurchaseJudge
from ratelimit.service.velocity import Velocity

_OPEN_S: Final = 1.5 * 86_400  # older than that, cases were decided

Put = Callable[[Message], None]


class PurchasePast:
    """Judges and tells; what wants a person to look at it goes to `flags`."""

    def __init__(self, history: PurchaseHistory, velocity: Velocity, judge: PurchaseJudge, put: Put, flags: Flags, now_s: float) -> None:
        self._history, self._velocity, self._judge, self._put, self._flags = history, velocity, judge, put, flags
        self._now_s, self._count = now_s, 0
        self._decided: dict[tuple[str, int], Purchase] = {}
        self._happened: dict[tuple[str, int], list[Happened]] = defaultdict(list)

    async def tell(self, told: Iterable[list[PurchaseEvent]]) -> int:
        """Tell of all; how many attempts there were."""
        events = [event for event in in_order(told) if event.at < self._now_s]
        async for judged in self._history.rows(events):
            self._judged(judged)
        for event in events:
            if not isinstance(event, Bought):
                self._ended(event)
        return self._count

    def _judged(self, judged: Judged) -> None:
        at, purchase, row = judged
        ip = parse_address(purchase.ip)
        if ip is None:
            return
        entities = self._velocity.entities(purchase, ip)
        asked = Asked(purchase, ip, b"", entities, at)
        self._count += 1
        decision, evidence, hits = self._judge.judge(f"demo-p{self._count:x}", asked, row)
        self._put(bought_of(Answered(at, purchase, entities, decision, self._judge.policy.digest, evidence)))
        signals = self._judge.unusual(evidence)
        if at < self._now_s - _OPEN_S:
            signals, hits = (), []  # whatever it was, somebody has looked at it by now
        if self._judge.is_risky(decision) and signals:
            self._flags.risky_purchase(asked, decision, signals)
        self._flags.purchase(asked, decision, [hit.rule for hit in hits if hit.enforced and hit.rule.then == "review"], signals)
        if decision.action != "refuse":
            self._decided[purchase.id, purchase.attempt] = purchase

    def _ended(self, event: Ended | Confirmed) -> None:
        """How an attempt ended, and what it was confirmed as; one that was refused was never paid."""
        key = event.purchase_id, event.attempt
        purchase = self._decided.get(key)
        if purchase is None:
            return
        kind = "warned" if isinstance(event, Confirmed) else event.outcome
        source = f"demo:{key[0]}:{key[1]}:{kind}"
        self._happened[key].append(Happened(source, kind, event.at, event.at, purchase.amount))
        if isinstance(event, Confirmed):
            self._put(Concluded(*key, purchase.account, tuple(self._happened[key]), event.label, event.at, "efw"))
            if event.at >= self._now_s - _OPEN_S:
                self._flags.warned(purchase.id, _attempt(event.at, purchase), source, "made_with_stolen_card", event.at)
        else:
            self._put(Concluded(*key, purchase.account, tuple(self._happened[key])))


def _attempt(at: float, purchase: Purchase) -> Attempt:
    return Attempt(
        purchase.attempt, at, b"", b"", purchase.kind, purchase.account, purchase.amount, purchase.currency or "", purchase.tokens, {}, ()
    )


def in_order(told: Iterable[list[PurchaseEvent]]) -> list[PurchaseEvent]:
    """All events by time, though each line tells of its own future."""
    return sorted((event for events in told for event in events), key=lambda one: one.at)
