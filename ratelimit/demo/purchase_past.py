"""What was bought on the demonstration's site until now: judged by the policy, each as it stood then, and told to the ledger.

The velocity engine and the book are the serving ones, on the store that will serve: what is bought next meets this past, and what the
payment service says later finds its purchase.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec

from ratelimit.anomaly.simulation.purchase import Purchase as Simulated
from ratelimit.anomaly.simulation.text import purchase_line
from ratelimit.core.address import parse_address
from ratelimit.core.message import Message
from ratelimit.core.protocols import Store
from ratelimit.core.purchase import Purchase, PurchaseDecision
from ratelimit.core.purchase_entry import PurchaseEntry, attempt_of, writing
from ratelimit.core.purchase_event import PurchaseEvent
from ratelimit.core.purchase_log import events_of
from ratelimit.core.store_key import BOOK, StoreKeys
from ratelimit.core.stripe_event import heard
from ratelimit.core.stripe_fact import conclusions, warnings, with_fact
from ratelimit.core.stripe_message import concluded
from ratelimit.demo.bank import Told, told_of
from ratelimit.service.ask import ask
from ratelimit.service.bought import Answered, bought_of
from ratelimit.service.flags import Flags
from ratelimit.service.purchase_history import Judged
from ratelimit.service.purchase_judge import Asked, PurchaseJudge
from ratelimit.service.velocity import Velocity

_AT_ONCE: Final = 64

Put = Callable[[Message], None]


class PurchasePast:
    """Judges and tells; what wants a person to look at it goes to `flags`.

    `later` is what the payment service is still to say, `refused` are the times and references of what was, `held` is
    what is held by now, `met` is what rules met (rule_past.Met).
    """

    def __init__(self, velocity: Velocity, judge: PurchaseJudge, put: Put, flags: Flags, now_s: float) -> None:
        self.later: list[Told] = []
        self.refused: list[tuple[float, str]] = []
        self.met = Counter[tuple[str, int, str, bool]]()
        self.held: list[tuple[Purchase, PurchaseDecision]] = []
        self._velocity, self._judge, self._put, self._flags = velocity, judge, put, flags
        self._now_s = now_s
        self._book: dict[str, PurchaseEntry] = {}

    def tell(self, judged: Iterable[Judged], bought: Iterable[Simulated]) -> None:
        """Tell of all of them; `bought` are the same attempts, with what became of them."""
        became = {(one.id, one.attempt): one for one in bought}
        for one in judged:
            if self._judged(one):
                self._happened(became[one.purchase.id, one.purchase.attempt])

    async def write(self, store: Store, keys: StoreKeys) -> None:
        """Put it all into the book."""
        name = keys.namer_of(BOOK)
        calls = [writing(name(entry.id), entry) for entry in self._book.values()]
        for start in range(0, len(calls), _AT_ONCE):
            await ask(store, calls[start : start + _AT_ONCE])

    def _judged(self, judged: Judged) -> bool:
        """Whether it went on to the payment service."""
        at, purchase, row = judged
        ip = parse_address(purchase.ip)
        if ip is None:
            return False
        entities = self._velocity.entities(purchase, ip)
        asked = Asked(purchase, ip, b"", entities, at)
        decision, evidence, hits = self._judge.judge(f"demo-{purchase.id}-{purchase.attempt}", asked, row)
        self._put(bought_of(Answered(at, purchase, entities, decision, self._judge.policy.digest, evidence)))
        day = datetime.fromtimestamp(at, UTC).date().isoformat()
        self.met.update((hit.rule.name, 1, day, not hit.enforced) for hit in hits)
        signals = self._judge.unusual(evidence)
        if self._judge.is_risky(decision) and signals:
            self._flags.risky_purchase(asked, decision, signals)
        self._flags.purchase(asked, decision, [hit.rule for hit in hits if hit.enforced and hit.rule.then == "review"], signals)
        entry = self._book.get(purchase.id, PurchaseEntry(purchase.id))
        self._book[purchase.id] = entry.with_attempt(attempt_of(purchase, entities, at, msgspec.json.encode(decision)))
        if decision.held and (decision.lapses_at or 0) > self._now_s:
            self.held.append((purchase, decision))
        if decision.action == "refuse":
            self.refused.append((at, decision.id))
        return decision.action != "refuse"

    def _happened(self, became: Simulated) -> None:
        for told in told_of(became, became.time_ms / 1_000):
            if told.at < self._now_s:
                self._told(became, told)
            else:
                self.later.append(told)

    def _told(self, became: Simulated, told: Told) -> None:
        found = heard(told.body, told.at)
        if found is None:
            return
        entry = self._book[became.id] = with_fact(self._book[became.id], found.fact)
        for message in concluded(entry, conclusions(entry)):
            if message.attempt == became.attempt:
                self._put(message)
        attempt = next(one for one in entry.attempts if one.attempt == became.attempt)
        for warning in warnings(entry):
            if warning.object == found.fact.object:
                self._flags.warned(entry.id, attempt, warning.object, warning.fraud_type, told.at)


def events(bought: Iterable[Simulated], now_s: float) -> list[PurchaseEvent]:
    """All that became known until now, by time, though each attempt tells of its own future."""
    told = (event for one in bought for event in events_of(purchase_line(one)) if event.at < now_s)
    return sorted(told, key=lambda event: event.at)
