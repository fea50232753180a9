"""The heart of the service: may this request pass? Read this file first.

First it passes the gate: whom a person, a list or a rule has blocked goes no further, and for others there may be more limits, fewer or
other ones. Where nothing stands for anybody that is one look. Then it meets several limits, and all must pass or none is charged. For each
there is a *meter*, which is asked three things in turn:

1. `look`: what is in hand decides at once. If every limit says yes, all are taken in one step without waiting; if one says no, the answer
   is no, and nothing was touched. Most requests end here, in a plain function call: no await, no task.
2. Otherwise what is in hand is earmarked and the rest is asked of the store, together, in one pipeline. Whatever was granted to a request
   that another limit refuses goes back: an earmark into the lease, a charged need as a refund in the next turn of the loop.
3. A limit whose store does not answer in time, or is known to be away, answers by its own `on_store_failure`.

Shadow limits go along: they never refuse, and are charged only if the request passes. Beside the limits of a subject whose risk is high
stand their twins, smaller buckets, which are asked like any limit; those of a few, by lot, are in shadow. Times are microseconds, costs
tokens.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from random import random
from typing import Final

from ratelimit.core.decision import Decision, ShadowFinding
from ratelimit.core.identity import Caller
from ratelimit.core.limit import Limit
from ratelimit.core.passage import Passage
from ratelimit.core.policy import Policy
from ratelimit.core.protocols import Clock, Risks, Store
from ratelimit.core.risk import Risk
from ratelimit.core.risk_rule import EXPLORED, TWIN, RequestRisk
from ratelimit.core.share import ASK
from ratelimit.core.store_key import StoreKeys
from ratelimit.service import fallback
from ratelimit.service.allow_sample import AllowSample
from ratelimit.service.answer import Answers, Asked, Denial, Shadow
from ratelimit.service.gate import Gate
from ratelimit.service.hold_shelf import HeldOf, HoldShelf
from ratelimit.service.meter import Meter, Surroundings
from ratelimit.service.question import Question
from ratelimit.service.recent import row_of
from ratelimit.service.shelf import OperationIds, Setting, Shelf
from ratelimit.service.stopwatch import Stopwatch
from ratelimit.service.ticket import Claim, Outcome, Ticket
from ratelimit.service.usage import Usage

SWEEP_S: Final = 0.025  # how often leases are looked through for those that fell quiet
_MOST_ROUTES: Final = 4_096  # different sets of limits that requests meet


class Limiter:
    """Decides by the policy in force. `check` is all that a lane calls."""

    def __init__(  # noqa: PLR0913  a composition root's parts, all by name
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
        self.answers = Answers()
        self.usage: Usage | None = None  # whom to tell of every decision
        self.risks: Risks | None = None  # whom to ask how risky a caller is
        self.sample: AllowSample | None = None  # of what is allowed, for the ledger
        self.explores: Callable[[Risk, float], bool] | None = None  # draws the share that the model does not slow down
        self.stopwatch: Stopwatch | None = None  # for one decision after each sweep
        self._deciding = self._decide  # or, for one decision, the stopwatch
        self._clock, self._sidecars = clock, sidecars
        self._in_hand: dict[Meter, None] = {}
        self._setting = Setting(Surroundings(store, random, self._in_hand), keys, OperationIds(), late_us, most_subjects)
        self.gate = Gate(self._setting)
        self._shelves: dict[str, Shelf] = {}
        self._routes: dict[int, tuple[tuple[Limit, ...], tuple[Shelf, ...]]] = {}
        self.adopt(policy)

    def adopt(self, policy: Policy) -> None:
        """Put a policy in force. A limit that stays the same keeps its meters; of others the leases go back."""
        before, self.policy = self._shelves, policy
        prefix = policy.identity.ipv6_prefix
        kept = {name: shelf for name, shelf in before.items() if shelf.ipv6_prefix == prefix}
        self._shelves = {}
        self.gate.adopt(policy)
        for limit in (*policy.limits, *policy.twins, *policy.explored, *policy.rule_twins):
            old = kept.get(limit.name)
            self._shelves[limit.name] = old if old is not None and old.limit == limit else Shelf(limit, self._setting, prefix)
        self._routes = {}
        for name, shelf in before.items():
            if self._shelves.get(name) is not shelf:
                _give_back(shelf.meters())

    def heed_holds(self, held_of: HeldOf, wall: Callable[[], float]) -> None:
        """From now on accounts with holds spend no more than they may; `wall` gives seconds since the epoch."""
        self.gate.held = HoldShelf(self._setting, self.policy.identity.ipv6_prefix, held_of, wall)

    @property
    def shelves(self) -> Iterable[Shelf]:
        """The meters of every limit in force, and those of holds."""
        return self._shelves.values() if self.gate.held is None else (*self._shelves.values(), self.gate.held)

    def check(
        self, caller: Caller, method: str, path: str, cost: int, user_agent: str | None = None, referrer: str | None = None
    ) -> Decision | Awaitable[Decision]:
        """The decision, at once where what is in hand suffices; else to be awaited, for no longer than the store's deadline."""
        decision = self._deciding(caller, method, path, cost, user_agent, referrer)
        if not isinstance(decision, Decision):
            return self._noted(decision, Question(method, path, cost, caller, None, None, user_agent, referrer))
        passed = decision.decision == "allow"
        if self.usage is not None:
            self.usage.note(caller, path, user_agent, cost, passed=passed)
        if passed and (sample := self.sample) is not None:
            sample.left -= 1
            if not sample.left:
                self._have_recorded(sample, decision, Question(method, path, cost, caller, None, None, user_agent, referrer))
        return decision

    async def _noted(self, waiting: Awaitable[Decision], question: Question) -> Decision:
        """The same for a decision that had to wait."""
        decision, (_, path, cost, caller, *_, agent, _) = await waiting, question
        passed = decision.decision == "allow"
        if self.usage is not None:
            self.usage.note(caller, path, agent, cost, passed=passed)
        if passed and (sample := self.sample) is not None:
            sample.left -= 1
            if not sample.left:
                self._have_recorded(sample, decision, question)
        return decision

    def _have_recorded(self, sample: AllowSample, decision: Decision, question: Question) -> None:
        known = self.usage.known_of(question.caller) if self.usage is not None else None
        sample.take(row_of(decision, question, self.policy.digest, known, self.policy.identity.ipv6_prefix))

    def _decide(
        self, caller: Caller, method: str, path: str, cost: int, agent: str | None, referrer: str | None
    ) -> Decision | Awaitable[Decision]:
        now = self._clock()
        asked: list[Asked] = []
        shadow: Shadow = ()
        worst: Denial | None = None
        longest = 0
        unheard: list[Asked] = []  # limits that only the store can answer for
        gate = self.gate
        passage = gate.passage(caller) if gate.index.requests or gate.lists.requests else None
        if passage is not None and passage.blocked:
            return self._block(Question(method, path, cost, caller, None, passage, agent, referrer), passage)
        shelves, risk = self._route(self.policy.match(method, path, caller.plan)), None
        if passage is not None:
            shelves = gate.shelves(passage, shelves, self._shelves)
        if self.risks is not None and self.policy.risk is not None and (passage is None or not passage.free):
            shelves, risk = self._assess(self.policy.risk, self.risks.risk_of(caller), shelves)
        for shelf in shelves:
            meter = shelf.meter(caller, now)
            if meter is None:
                if shelf.limit.missing == "deny" and not shelf.shadow:
                    return self._never(Question(method, path, cost, caller, risk, passage, agent, referrer), shelf, None, now)
                continue
            if cost > shelf.most_cost and not shelf.rank:
                if not shelf.shadow:
                    return self._never(Question(method, path, cost, caller, risk, passage, agent, referrer), shelf, meter, now)
                shadow += (ShadowFinding(shelf.limit.name, "cost_exceeds_capacity"),)
                continue
            share, need = meter.share, cost if cost <= shelf.most_cost else shelf.most_cost
            share.arrived += need
            wait = share.look(now, need) if need else ASK
            if wait == ASK:
                unheard.append((shelf, meter))
            elif wait > longest and not shelf.shadow:
                longest, worst = wait, _worse(worst, shelf, meter, wait)
            asked.append((shelf, meter))
        if worst is not None:
            return self._refuse(
                Question(method, path, cost, caller, risk, passage, agent, referrer), _longest(worst, longest, unheard, cost, now), now
            )
        return (
            self._ask(Question(method, path, cost, caller, risk, passage, agent, referrer), asked, shadow)
            if unheard
            else self._take(asked, cost, shadow, now, risk, passage)
        )

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep()

    def sweep(self) -> None:
        """Give back leases of keys that fell quiet, and replace those of busy ones that end before they are spent."""
        now = self._clock()
        for meter in list(self._in_hand):
            if meter.share.hand is None and not meter.share.owes():
                del self._in_hand[meter]
            elif not meter.busy():
                meter.tend(now)
        if self.stopwatch is not None:
            self._deciding = self.stopwatch.on(self._decide, self._untimed)

    def _untimed(self) -> None:
        self._deciding = self._decide

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

    def _assess(self, rule: RequestRisk, found: Risk | None, shelves: tuple[Shelf, ...]) -> tuple[tuple[Shelf, ...], float | None]:
        """The limits of a request and its risk; beside those that count by a risky subject stand their twins, which come last."""
        if found is None:
            return shelves, None
        if found.risk <= rule.throttle.above:
            return shelves, found.risk
        per = (found.kind,)
        known, names = self._shelves, [shelf.limit.name for shelf in shelves if shelf.limit.per == per]
        twins = [known.get(TWIN + name) for name in names]
        if rule.explore and self.explores is not None and self.explores(found, rule.explore):
            twins = [known.get(EXPLORED + name, twin) for name, twin in zip(names, twins, strict=True)]
        return (*shelves, *(twin for twin in twins if twin is not None)), found.risk

    def _take(self, asked: list[Asked], cost: int, shadow: Shadow, now: int, risk: float | None, passage: Passage | None) -> Decision:
        """Every limit that is meant said yes: spend from all."""
        for shelf, meter in asked:
            share, need = meter.share, cost if cost <= shelf.most_cost else shelf.most_cost
            if shelf.shadow and share.look(now, need):
                shadow += (shelf.finding,)
                continue
            hand = share.take(need)
            if hand.slots <= hand.low and share.wants_renewal():
                meter.renew()
        return self.answers.allowed(asked, shadow, now, risk, passage)

    async def _ask(self, question: Question, asked: list[Asked], shadow: Shadow) -> Decision:
        """Earmark what is in hand, ask the store for the rest, and decide when all is known or time is up."""
        ticket = Ticket(asyncio.get_running_loop())
        claims = [Claim(ticket, shelf.need(question.cost), shadow=shelf.shadow) for shelf, _ in asked]
        ticket.pending = len(claims) + 1
        now = self._clock()
        for (_, meter), claim in zip(asked, claims, strict=True):
            wait = meter.share.look(now, claim.cost) if claim.cost else ASK
            if wait == 0:
                claim.earmark = meter.share.take(claim.cost)
                claim.settled(Outcome.LEASED)
            elif wait != ASK:
                claim.wait = wait
                claim.settled(Outcome.REFUSED)
            elif not meter.ask(claim):
                claim.settled(Outcome.AWAY)
        ticket.pending -= 1
        try:
            if ticket.pending:
                await ticket.future
        except asyncio.CancelledError:  # the caller went away
            ticket.open = False
            _release(asked, claims)
            raise
        ticket.open = False  # what is granted from now on goes back
        return self._settle(question, ticket, asked, claims, shadow)

    def _settle(self, question: Question, ticket: Ticket, asked: list[Asked], claims: list[Claim], shadow: Shadow) -> Decision:
        now, cost = self._clock(), question.cost
        denial: Denial | None = None
        longest = 0
        away: list[Asked] = []
        for (shelf, meter), claim in zip(asked, claims, strict=True):
            if claim.outcome is Outcome.REFUSED and shelf.shadow:
                shadow += (shelf.finding,)
            elif claim.outcome is Outcome.REFUSED and claim.wait > longest:
                longest, denial = claim.wait, _worse(denial, shelf, meter, claim.wait)
            elif claim.outcome is Outcome.AWAY and not shelf.shadow:
                away.append((shelf, meter))
        if denial is not None:
            unheard = [it for it, claim in zip(asked, claims, strict=True) if claim.outcome is Outcome.PENDING]
            denial = _longest(denial, longest, unheard, cost, now)
        if denial is None:
            denial = fallback.charge(away, now, cost, self._sidecars)
        if denial is None:
            ticket.admitted = True
            return self.answers.allowed(asked, shadow, now, question.risk, question.passage)
        _release(asked, claims)
        return self._refuse(question, denial, now)

    def _refuse(self, question: Question, denial: Denial, now: int) -> Decision:
        known = self.usage.known_of(question.caller) if self.usage is not None else None
        return self.answers.refused(question, denial, now, self.policy.digest, known)

    def _block(self, question: Question, passage: Passage) -> Decision:
        """What stands at the entrance has decided; no limit is asked, and nothing is charged."""
        known = self.usage.known_of(question.caller) if self.usage is not None else None
        return self.answers.blocked(question, passage, self.policy.digest, known, self.policy.identity.ipv6_prefix)

    def _never(self, question: Question, shelf: Shelf, meter: Meter | None, now: int) -> Decision:
        """A cost that no waiting pays for; a caller who is no subject of a limit with `missing: deny` has a capacity of nothing."""
        return self._refuse(question, Denial(shelf, meter, None, "cost_exceeds_capacity"), now)


def _longest(worst: Denial, longest: int, asked: list[Asked], cost: int, now: int) -> Denial:
    """The refusal to tell: of limits that were not asked to the end, since another refuses already, one may have longer to go."""
    for shelf, meter in asked:
        wait = 0 if shelf.shadow else meter.share.lacking(now, shelf.need(cost))
        if wait > longest:
            longest, worst = wait, _worse(worst, shelf, meter, wait)
    return worst


def _worse(worst: Denial | None, shelf: Shelf, meter: Meter, wait: int) -> Denial:
    """The refusal to tell when another takes longer; of a higher rank than one that refuses as well, it only tells how long."""
    if worst is not None and shelf.rank > worst.shelf.rank:
        return worst._replace(wait=wait)
    return Denial(shelf, meter, wait, shelf.reason)


def _release(asked: list[Asked], claims: list[Claim]) -> None:
    """A refused request costs nothing, in any of the limits it was checked against."""
    for (_, meter), claim in zip(asked, claims, strict=True):
        if claim.earmark is not None:
            meter.release(claim.earmark, claim.cost)
        elif claim.outcome is Outcome.CHARGED and claim.cost:
            meter.refund(claim.cost, claim.charged_at)


def _give_back(meters: Iterable[Meter]) -> None:
    for meter in meters:
        if meter.share.hand is not None or meter.share.owes():
            meter.give_back()
