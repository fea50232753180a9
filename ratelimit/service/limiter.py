"""The heart of the service: may this request pass? Read this file first.

A request meets several limits, and all must pass or none is charged. For each there is a *meter*, which is asked three things in turn:

1. `look`: what is in hand decides at once. If every limit says yes, all are taken in one step without waiting; if one says no, the answer
   is no, and nothing was touched. Most requests end here, in a plain function call: no await, no task.
2. Otherwise what is in hand is earmarked and the rest is asked of the store, together, in one pipeline. Whatever was granted to a request
   that another limit refuses goes back: an earmark into the lease, a charged need as a refund in the next turn of the loop.
3. A limit whose store does not answer in time, or is known to be away, answers by its own `on_store_failure`.

Shadow limits go along: they never refuse, and are charged only if the request passes. Times are microseconds, costs tokens.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from random import random
from secrets import token_hex
from typing import Final

from ratelimit.core.decision import Decision, Reason, ShadowFinding, Verdict
from ratelimit.core.identity import Caller
from ratelimit.core.limit import Limit
from ratelimit.core.policy import Policy
from ratelimit.core.protocols import Clock, Store
from ratelimit.core.share import ASK
from ratelimit.core.store_key import StoreKeys
from ratelimit.service import fallback
from ratelimit.service.meter import Meter, Surroundings
from ratelimit.service.shelf import Setting, Shelf
from ratelimit.service.ticket import Claim, Outcome, Ticket

SWEEP_S: Final = 0.025  # how often leases are looked through for those that fell quiet
_MOST_ROUTES: Final = 4_096  # different sets of limits that requests meet
_SECOND: Final = 1e-6
_GRANTED: Final = frozenset({Outcome.LEASED, Outcome.CHARGED})

Asked = tuple[Shelf, Meter]


class Limiter:
    """Decides by the policy in force. `check` is all that a lane calls."""

    def __init__(  # noqa: PLR0913  a composition root's six parts, all by name
        self,
        policy: Policy,
        store: Store,
        keys: StoreKeys,
        clock: Clock,
        *,
        late_us: int = 0,
        sidecars: int = 1,
        most_subjects: int = 100_000,
    ) -> None:
        self._allowed_count = 0
        self._throttled: dict[Reason, int] = {}
        self._clock, self._sidecars = clock, sidecars
        self._in_hand: dict[Meter, None] = {}
        self._setting = Setting(Surroundings(store, random, self._in_hand), keys, late_us, most_subjects)
        self._instance, self._count = token_hex(6), 0
        self._shelves: dict[str, Shelf] = {}
        self._routes: dict[int, tuple[tuple[Limit, ...], tuple[Shelf, ...]]] = {}
        self.adopt(policy)

    def adopt(self, policy: Policy) -> None:
        """Put a policy in force. A limit that stays the same keeps its meters; of others the leases go back."""
        before, self.policy = self._shelves, policy
        prefix = policy.identity.ipv6_prefix
        kept = {name: shelf for name, shelf in before.items() if shelf.ipv6_prefix == prefix}
        self._shelves = {}
        for limit in policy.limits:
            old = kept.get(limit.name)
            self._shelves[limit.name] = old if old is not None and old.limit == limit else Shelf(limit, self._setting, prefix)
        self._routes = {}
        for name, shelf in before.items():
            if self._shelves.get(name) is not shelf:
                _give_back(shelf.meters())

    @property
    def shelves(self) -> Iterable[Shelf]:
        """The meters of every limit in force."""
        return self._shelves.values()

    @property
    def decided(self) -> dict[tuple[Verdict, Reason], int]:
        """How many decisions there were of each kind."""
        return {("allow", "ok"): self._allowed_count, **{("throttle", reason): count for reason, count in self._throttled.items()}}

    def check(self, caller: Caller, method: str, path: str, cost: int) -> Decision | Awaitable[Decision]:
        """The decision, at once where what is in hand suffices; else to be awaited, for no longer than the store's deadline."""
        now = self._clock()
        asked: list[Asked] = []
        shadow: tuple[ShadowFinding, ...] = ()
        worst: tuple[Shelf, Meter, int] | None = None
        ask = False
        for shelf in self._route(self.policy.match(method, path, caller.plan)):
            meter = shelf.meter(caller, now)
            if meter is None:
                if shelf.limit.missing == "deny" and not shelf.shadow:
                    return self._refused(shelf, None, None, "cost_exceeds_capacity", now)
                continue
            if cost > shelf.most_cost:
                if shelf.shadow:
                    shadow += (ShadowFinding(shelf.limit.name, "cost_exceeds_capacity"),)
                    continue
                return self._refused(shelf, meter, None, "cost_exceeds_capacity", now)
            share = meter.share
            share.demand.arrived += cost
            wait = share.look(now, cost) if cost else ASK
            if wait == ASK:
                ask = True
            elif wait and not shelf.shadow and (worst is None or wait > worst[2]):
                worst = shelf, meter, wait
            asked.append((shelf, meter))
        if worst is not None:
            return self._refused(worst[0], worst[1], worst[2], worst[0].reason, now)
        return self._ask(asked, cost, shadow) if ask else self._take(asked, cost, shadow, now)

    async def run(self) -> None:
        """Give back, for ever, leases of keys that fell quiet."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now = self._clock()
            for meter in list(self._in_hand):
                if meter.share.hand is None:
                    del self._in_hand[meter]
                elif meter.share.idle(now) and not meter.busy():
                    meter.give_back()

    def give_back(self) -> None:
        """At the end: give back all that is in hand. The store's queue sends it."""
        _give_back([*self._in_hand, *(meter for shelf in self.shelves for meter in shelf.meters() if meter.share.owes())])

    def _route(self, limits: tuple[Limit, ...]) -> tuple[Shelf, ...]:
        # the policy gives the same tuple for the same set of limits; kept here, so that its id cannot become another's
        known = self._routes.get(id(limits))
        if known is None:
            if len(self._routes) >= _MOST_ROUTES:
                self._routes.clear()
            known = self._routes[id(limits)] = limits, tuple(self._shelves[limit.name] for limit in limits)
        return known[1]

    def _take(self, asked: list[Asked], cost: int, shadow: tuple[ShadowFinding, ...], now: int) -> Decision:
        """Every limit that is meant said yes: spend from all."""
        for shelf, meter in asked:
            share = meter.share
            if shelf.shadow and share.look(now, cost):
                shadow += (ShadowFinding(shelf.limit.name, shelf.reason),)
                continue
            hand = share.take(cost)
            if hand.slots <= hand.low and share.wants_renewal():
                meter.renew()
        return self._allowed(asked, shadow, now)

    async def _ask(self, asked: list[Asked], cost: int, shadow: tuple[ShadowFinding, ...]) -> Decision:
        """Earmark what is in hand, ask the store for the rest, and decide when all is known or time is up."""
        loop = asyncio.get_running_loop()
        ticket = Ticket(cost, loop)
        claims = [Claim(ticket, shadow=shelf.shadow) for shelf, _ in asked]
        ticket.pending = len(claims) + 1
        now = self._clock()
        for (_, meter), claim in zip(asked, claims, strict=True):
            wait = meter.share.look(now, cost) if cost else ASK
            if wait == 0:
                claim.earmark = meter.share.take(cost)
                claim.settled(Outcome.LEASED)
            elif wait != ASK:
                claim.wait = wait
                claim.settled(Outcome.REFUSED)
            elif not meter.ask(claim):
                claim.settled(Outcome.AWAY)
        ticket.pending -= 1
        if ticket.pending:
            try:
                await ticket.future
            finally:  # a caller who went away is answered no more
                ticket.open = False
        ticket.open = False
        return self._settle(ticket, asked, claims, shadow)

    def _settle(self, ticket: Ticket, asked: list[Asked], claims: list[Claim], shadow: tuple[ShadowFinding, ...]) -> Decision:
        now, cost = self._clock(), ticket.cost
        worst: tuple[Shelf, Meter, int] | None = None
        local: list[Asked] = []
        for (shelf, meter), claim in zip(asked, claims, strict=True):
            if shelf.shadow or claim.outcome in _GRANTED:
                continue
            if claim.outcome is Outcome.REFUSED:
                wait: int | None = claim.wait
            elif worst is not None:
                continue  # refused already; what the store says later goes back
            else:
                wait = fallback.charge(meter, shelf.limit.on_store_failure, now, cost, self._sidecars)
                shelf.without_store += 1
                if wait == 0:
                    local.append((shelf, meter))
                    continue
            if wait is None:
                self._undo(asked, claims, local, cost, now)
                return self._refused(shelf, meter, fallback.ASK_AGAIN_US, "store_unavailable", now)
            if worst is None or wait > worst[2]:
                worst = shelf, meter, wait
        if worst is not None:
            self._undo(asked, claims, local, cost, now)
            return self._refused(worst[0], worst[1], worst[2], worst[0].reason, now)
        ticket.admitted = True
        for (shelf, _), claim in zip(asked, claims, strict=True):
            if shelf.shadow and claim.outcome is Outcome.REFUSED:
                shadow += (ShadowFinding(shelf.limit.name, shelf.reason),)
        return self._allowed(asked, shadow, now)

    def _undo(self, asked: list[Asked], claims: list[Claim], local: list[Asked], cost: int, now: int) -> None:
        """A refused request costs nothing, in any of the limits it was checked against."""
        for (_, meter), claim in zip(asked, claims, strict=True):
            if claim.outcome is Outcome.LEASED and claim.earmark is not None:
                meter.share.release(claim.earmark, cost)
            elif claim.outcome is Outcome.CHARGED and cost:
                meter.refund(cost, claim.charged_at)
        for shelf, meter in local:
            fallback.undo(meter, shelf.limit.on_store_failure, now, cost, self._sidecars)

    def _refused(self, shelf: Shelf, meter: Meter | None, wait: int | None, reason: Reason, now: int) -> Decision:
        shelf.refused += 1
        self._throttled[reason] = self._throttled.get(reason, 0) + 1
        return Decision(
            self._id(),
            "throttle",
            reason,
            shelf.limit.name,
            meter.subject if meter is not None else None,
            meter.share.remaining(now) if meter is not None else 0,
            wait * _SECOND if wait is not None else None,
            meter.share.reset_after(now) * _SECOND if meter is not None else None,
        )

    def _allowed(self, asked: list[Asked], shadow: tuple[ShadowFinding, ...], now: int) -> Decision:
        """The limit that is named is the one with the least left, of those that are meant."""
        self._allowed_count += 1
        least: tuple[int, Shelf, Meter] | None = None
        for shelf, meter in asked:
            if not shelf.shadow:
                remaining = meter.share.remaining(now)
                if least is None or remaining < least[0]:
                    least = remaining, shelf, meter
        if least is None:
            return Decision(self._id(), "allow", "ok", shadow=shadow)
        remaining, shelf, meter = least
        reset_after = meter.share.reset_after(now) * _SECOND
        return Decision(self._id(), "allow", "ok", shelf.limit.name, meter.subject, remaining, None, reset_after, None, shadow)

    def _id(self) -> str:
        self._count += 1
        return f"{self._instance}-{self._count:x}"


def _give_back(meters: Iterable[Meter]) -> None:
    for meter in meters:
        if meter.share.hand is not None or meter.share.owes():
            meter.give_back()
