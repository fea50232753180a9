"""Promise 1: whatever the load, crashes, lost replies and clocks, no bucket admits more than its capacity and refill allow.

One bucket, several sidecars with shares of it, and a network that delays, loses and doubles calls, as events in whole microseconds. The
parts are the real ones. An admission counts at the instant at which the store executed it, or at which a leased slot was taken.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from random import Random
from typing import Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.bucket import Acquire, Bucket, Grant, Terms
from ratelimit.core.lease import DRIFT_PPM, Lease
from ratelimit.core.share import ASK, Share
from ratelimit.core.units import Refill

MS = 1_000
S = 1_000_000
START = 1_760_000_000_000_000
DEADLINE = 10 * MS
GIVEN_UP = 60 * MS

Network = Literal["good", "lost", "reply lost", "twice"]
Kind = Literal["request", "burst", "renew", "give back", "crash", "step back"]
NETWORKS: list[Network] = ["good", "good", "good", "lost", "reply lost", "twice"]
KINDS: list[Kind] = ["request", "request", "burst", "burst", "renew", "give back", "crash", "step back"]


class Fate(NamedTuple):
    """What becomes of a call that an event sends: its way there and back in us, and whether it or its reply is lost, or it comes twice."""

    there: int
    back: int
    network: Network = "good"
    admit: bool = True  # False: another limit refuses, and what was granted goes back
    hold: int = 0  # how long a slot is earmarked before that is known


class Event(NamedTuple):
    """Something that happens `passed` us after the event before, with sidecar number `who`."""

    passed: int
    kind: Kind
    who: int
    cost: int
    fate: Fate


@dataclass
class Sidecar:
    """One sidecar and its clock, which runs off by `ppm`. One call at a time, as the meter has it."""

    share: Share
    terms: Terms
    offset: int
    ppm: int
    calling: bool = False
    dead: bool = False
    waiting: list[tuple[int, bool]] = field(default_factory=list)  # cost, admit

    def clock(self, now: int) -> int:
        return self.offset + (now - START) * (S + self.ppm) // S


class World:
    """Time, the bucket, the sidecars, and what is on its way between them."""

    def __init__(self, terms: Terms, sidecars: Iterable[tuple[int, int, int]], heat: int) -> None:
        self.terms, self.heat = terms, heat
        self.now = START
        self.step = 0  # how far the store's clock was set back
        self.bucket = Bucket()
        self.admitted: list[tuple[int, int]] = []  # instant, cost
        self.leased = 0
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self.sidecars = []
        for offset, ppm, life in sidecars:
            own = terms._replace(life=life)
            self.sidecars.append(Sidecar(Share(own, offset), own, offset, ppm))

    def run(self, events: Iterable[Event]) -> None:
        for event in events:
            self._pass(event.passed)
            self._act(event)
        self._pass(2 * S)

    def worst(self) -> int:
        """The most by which any window was overdrawn, in units; not above 0."""
        num, per = self.terms.num, self.terms.per
        total, least, worst = 0, 0, -self.terms.capacity * per
        for at, cost in sorted(self.admitted):
            before = total * per - num * (at - START)
            least = before if not total else min(least, before)
            total += cost
            worst = max(worst, before + cost * per - least - self.terms.capacity * per)
        return worst

    def _pass(self, us: int) -> None:
        until = self.now + us
        while self._agenda and self._agenda[0][0] <= until:
            self.now, _, act = heappop(self._agenda)
            act()
        self.now = until

    def _later(self, us: int, act: Callable[[], None]) -> None:
        self._count += 1
        heappush(self._agenda, (self.now + us, self._count, act))

    def _act(self, event: Event) -> None:
        sidecar = self.sidecars[event.who % len(self.sidecars)]
        match event.kind:
            case "crash":
                sidecar.dead = True
                share = Share(sidecar.terms, sidecar.clock(self.now))
                self.sidecars[event.who % len(self.sidecars)] = Sidecar(share, sidecar.terms, sidecar.offset, sidecar.ppm)
            case "step back":
                self.step += event.passed
            case "renew" | "give back":
                is_renewal = event.kind == "renew"
                self._call(sidecar, event.fate, keep=is_renewal, more=is_renewal)
            case "request" | "burst":
                count = 1 if event.kind == "request" else min(60, self.terms.capacity // event.cost + 1)
                self._requests(sidecar, [(event.cost, event.fate.admit)] * count, event.fate)

    def _requests(self, sidecar: Sidecar, requests: Iterable[tuple[int, bool]], fate: Fate) -> None:
        """Requests of one turn of the loop: what is in hand decides, and the rest goes as one call."""
        share, now = sidecar.share, sidecar.clock(self.now)
        for cost, admit in requests:
            share.arrived += cost * self.heat
            wait = share.look(now, cost)
            if wait == ASK:
                sidecar.waiting.append((cost, admit))
            elif wait == 0:
                lease = share.take(cost)
                if admit:
                    self._admit(self.now, cost)
                else:
                    self._later(fate.hold, partial(self._release, sidecar, lease, cost, fate))
        if sidecar.waiting:
            self._call(sidecar, fate, keep=False, more=True)

    def _admit(self, at: int, cost: int) -> None:
        self.admitted.append((at, cost))

    def _release(self, sidecar: Sidecar, lease: Lease, cost: int, fate: Fate) -> None:
        if sidecar.dead:
            return
        sidecar.share.release(lease, cost)
        if sidecar.share.owes():
            self._call(sidecar, fate, keep=True, more=False)

    def _call(self, sidecar: Sidecar, fate: Fate, *, keep: bool, more: bool) -> None:
        if sidecar.calling:
            return
        sidecar.calling = True
        waiting, sidecar.waiting = sidecar.waiting, []
        sent = sidecar.clock(self.now)
        call = sidecar.share.compose(sent, [cost for cost, _ in waiting], keep=keep, more=more)
        if fate.network == "lost":
            self._later(GIVEN_UP, partial(self._lost, sidecar, call))
            return
        if fate.network == "twice" and not call.settle and not call.refund:
            self._later(fate.there, partial(self._again, sidecar, call))
        self._later(fate.there, partial(self._arrive, sidecar, call, waiting, sent, fate))

    def _execute(self, sidecar: Sidecar, call: Acquire) -> Grant:
        time = self.now - self.step
        if self.bucket.at and time >= self.bucket.at + self.bucket.full_in():
            self.bucket = Bucket()  # as a key that has expired
        return self.bucket.acquire(time, sidecar.terms, call)

    def _again(self, sidecar: Sidecar, call: Acquire) -> None:
        self._execute(sidecar, call)

    def _arrive(self, sidecar: Sidecar, call: Acquire, waiting: list[tuple[int, bool]], sent: int, fate: Fate) -> None:
        grant = self._execute(sidecar, call)
        if fate.network == "reply lost":
            self._later(GIVEN_UP, partial(self._lost, sidecar, call))
        else:
            self._later(fate.back, partial(self._answer, sidecar, call, waiting, grant, (sent, self.now), fate))

    def _lost(self, sidecar: Sidecar, call: Acquire) -> None:
        sidecar.calling = False
        sidecar.share.unanswered(call, sidecar.clock(self.now))

    def _answer(
        self, sidecar: Sidecar, call: Acquire, waiting: list[tuple[int, bool]], grant: Grant, when: tuple[int, int], fate: Fate
    ) -> None:
        if sidecar.dead:
            return
        sent, executed = when
        now = sidecar.clock(self.now)
        sidecar.calling = False
        sidecar.share.answered(call, grant, sent, now)
        self.leased += grant.leased
        for (cost, admit), retry in zip(waiting, grant.retries, strict=True):
            if retry:
                self._refused(sidecar, cost, retry, now)
            elif admit and fate.there + fate.back <= DEADLINE:
                self._admit(executed, cost)
            else:
                sidecar.share.owe_refund(cost, grant.at)
        came_meanwhile, sidecar.waiting = sidecar.waiting, []
        self._requests(sidecar, came_meanwhile, fate._replace(network="good"))
        if sidecar.share.owes():
            self._call(sidecar, fate._replace(network="good"), keep=True, more=False)

    def _refused(self, sidecar: Sidecar, cost: int, retry: int, now: int) -> None:
        """What was leased instead of charged serves who was refused."""
        wait = sidecar.share.look(now, cost)
        if wait == 0:
            sidecar.share.take(cost)
            self._admit(self.now, cost)
        elif wait == ASK:
            sidecar.share.deny(now, cost, retry, 0.5)


REFILLS = ["0.5/s", "1/s", "3/s", "10/s", "100/s", "1000/s", "5000/s"]
TERMS = st.builds(
    lambda capacity, refill, horizon: Terms(capacity, *Refill.parse(refill), horizon=horizon),
    st.sampled_from([1, 2, 4, 5, 8, 13, 40, 200]),
    st.sampled_from(REFILLS),
    st.sampled_from([0, 20 * MS, 100 * MS]),
)
CLOCKS = st.tuples(st.sampled_from([0, 7, 10**15]), st.integers(-DRIFT_PPM, DRIFT_PPM), st.sampled_from([50 * MS, 200 * MS]))
FATES = st.tuples(
    st.sampled_from([0, 1, 300, 9 * MS, 40 * MS, 250 * MS]),
    st.sampled_from([0, 1, 300, 9 * MS, 40 * MS, 250 * MS]),
    st.sampled_from(NETWORKS),
    st.booleans(),
    st.sampled_from([0, 300, 30 * MS, 250 * MS]),
).map(lambda drawn: Fate(*drawn))
EVENTS = st.tuples(
    st.sampled_from([0, 0, 1, 300, 5 * MS, 40 * MS, 99 * MS, 101 * MS, 199 * MS, 201 * MS, S]),
    st.sampled_from(KINDS),
    st.integers(0, 3),
    st.sampled_from([1, 1, 2, 5]),
    FATES,
).map(lambda drawn: Event(*drawn))


@given(TERMS, st.lists(CLOCKS, min_size=1, max_size=4), st.sampled_from([1, 50]), st.lists(EVENTS, max_size=60))
def test_never_more_than_the_limit(terms: Terms, clocks: list[tuple[int, int, int]], heat: int, events: list[Event]) -> None:
    """Promise 1 on any trace that hypothesis can think of."""
    world = World(terms, clocks, heat)
    world.run(events)
    assert world.worst() <= 0


def adversary(chance: Random, terms: Terms, count: int) -> Iterable[Event]:
    """A long trace: load that rises and falls, pauses, everybody at once, and now and then a fault."""
    gap = terms.per / terms.num
    load, faults, refused = 1.0, chance.choice([0.0, 0.01, 0.2]), chance.choice([0.0, 0.05, 0.3])
    for _ in range(count):
        if chance.random() < 0.02:
            load = chance.choice([0.2, 0.9, 1, 3, 10, 100])
        passed = chance.expovariate(load / gap)
        if chance.random() < 0.005:
            passed += chance.choice([0.05, 0.2, 0.4, gap * terms.capacity / S]) * S
        network: Network = "good"
        there = back = chance.choice([100, 300, 2 * MS])
        if chance.random() < faults:
            network = chance.choice(NETWORKS)
            back = chance.choice([300, 40 * MS, 250 * MS])
        kind: Kind = "request"
        if chance.random() < faults / 10:
            kind = chance.choice(KINDS[4:])
        fate = Fate(there, back, network, chance.random() > refused, chance.choice([0, 300, 30 * MS]))
        yield Event(min(int(passed), 3 * S), kind, chance.randrange(8), chance.choice([1, 1, 1, 2, 5]), fate)
        if chance.random() < 0.02:
            at_once = fate._replace(network="good", admit=True)
            yield from (Event(chance.choice([0, 0, 201 * MS]), "burst", who, 1, at_once) for who in range(8))


@pytest.mark.parametrize("seed", range(40))
def test_never_more_than_the_limit_for_long(seed: int) -> None:
    """Promise 1 over many generations of leases, on load that wavers around the limit."""
    chance = Random(seed)
    terms = Terms(chance.choice([4, 8, 20, 60, 200, 1_000]), *Refill.parse(chance.choice(REFILLS)))
    clocks = [
        (chance.randrange(10**15), chance.choice([-DRIFT_PPM, 0, DRIFT_PPM]), chance.choice([50 * MS, 200 * MS]))
        for _ in range(chance.choice([1, 2, 3, 8]))
    ]
    world = World(terms, clocks, heat=chance.choice([1, 10]))
    world.run(adversary(chance, terms, 1_000))
    assert world.worst() <= 0
    assert world.admitted


def test_the_search_meets_what_it_searches() -> None:
    """The traces do lease, and come close to the limit."""
    leased, worst, terms = 0, [], Terms(60, *Refill.parse("100/s"))
    for seed in range(5):
        world = World(terms, [(0, 0, 200 * MS)] * 3, heat=3)
        world.run(adversary(Random(seed), terms, 1_000))
        leased += world.leased
        worst.append(world.worst())
    assert leased > 500
    assert -5 * terms.per < max(worst) <= 0
