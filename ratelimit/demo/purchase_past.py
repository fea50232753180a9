"""What was bought on the demonstration's site until now: judged by the policy, each as it stood then, and told to the ledger.

The velocity engine is the serving one, on the store that will serve, so that what is bought next meets this past.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from ratelimit.core.address import parse_address
from ratelimit.core.message import Concluded, Flagged, Happened, Message
from ratelimit.core.purchase_event import Bought, Confirmed, PurchaseEvent
from ratelimit.service.bought import Answered, bought_of
from ratelimit.service.purchase_history import Judged, PurchaseHistory
from ratelimit.service.purchase_judge import Asked, Judgement, PurchaseJudge
from ratelimit.service.rulebook import RuleHit
from ratelimit.service.velocity import Velocity

Put = Callable[[Message], None]
Flag = Callable[[Asked, Judgement, list[RuleHit]], Iterable[Flagged]]

_REFUSED: Final = "refuse"


class PurchasePast:
    """Judges and tells. `flags` says what of a judgement wants a person to look at it."""

    def __init__(self, history: PurchaseHistory, velocity: Velocity, judge: PurchaseJudge, put: Put, flags: Flag) -> None:
        self._history, self._velocity, self._judge, self._put, self._flags = history, velocity, judge, put, flags
        self._number = 0
        self._refused: set[tuple[str, int]] = set()
        self._happened: dict[tuple[str, int], list[Happened]] = defaultdict(list)

    async def tell(self, told: Iterable[list[PurchaseEvent]]) -> int:
        """Tell of all; how many attempts there were."""
        events, ends = list(told), list[PurchaseEvent]()
        count = 0
        async for judged in self._history.rows(in_order(events)):
            self._judged(judged)
            count += 1
        for some in events:
            ends += [event for event in some if not isinstance(event, Bought)]
        accounts = {
            (some[0].purchase.id, some[0].purchase.attempt): some[0].purchase.account for some in events if isinstance(some[0], Bought)
        }
        for event in sorted(ends, key=lambda one: one.at):
            self._ended(event, accounts)
        return count

    def _judged(self, judged: Judged) -> None:
        at, purchase, row = judged
        ip = parse_address(purchase.ip)
        if ip is None:
            return
        entities = self._velocity.entities(purchase, ip)
        self._number += 1
        asked = Asked(purchase, ip, b"", entities, at)
        found = self._judge.judge(f"demo-p{self._number:x}", asked, row)
        if found.decision.action == _REFUSED:
            self._refused.add((purchase.id, purchase.attempt))
        self._put(bought_of(Answered(at, purchase, entities, found.decision, self._judge.policy.digest, found.evidence)))
        for flag in self._flags(asked, found, [hit for hit in found.hits if hit.enforced]):
            self._put(flag)

    def _ended(self, event: PurchaseEvent, accounts: dict[tuple[str, int], str]) -> None:
        """How an attempt ended, and what it was confirmed as; one that was refused was never paid."""
        assert not isinstance(event, Bought)  # noqa: S101
        key = event.purchase_id, event.attempt
        if key in self._refused or key not in accounts:
            return
        confirmed = isinstance(event, Confirmed)
        kind = "warned" if isinstance(event, Confirmed) else event.outcome
        self._happened[key].append(Happened(f"demo:{key[0]}:{key[1]}:{kind}", kind, event.at, event.at))
        label = event.label if isinstance(event, Confirmed) else ""
        self._put(Concluded(*key, accounts[key], tuple(self._happened[key]), label, event.at if confirmed else None, "efw"))


def in_order(told: Iterable[list[PurchaseEvent]]) -> list[PurchaseEvent]:
    """All events by time, though each line tells of its own future."""
    return sorted((event for events in told for event in events), key=lambda one: one.at)
