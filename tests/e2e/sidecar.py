"""One sidecar under test, a process of its own: a real limiter on a real store, under a load that does not wait for answers.

It is watched from inside, since nobody else knows when a leased slot was spent: promise 1 counts that instant, or, for a charged need, the
store's. Run as `python -m tests.e2e.sidecar PLAN`; it says "ready", waits on stdin for the instant to start at, and ends with a report.
"""

import asyncio
import os
import sys
import traceback
from collections.abc import Awaitable
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

import msgspec
import uvloop

from ratelimit.core.decision import Decision
from ratelimit.core.identity import ApiKeys, Caller
from ratelimit.core.passage import Passage
from ratelimit.core.share import Share
from ratelimit.core.store_key import StoreKeys
from ratelimit.logs import configure_logs
from ratelimit.service.answer import Asked, Shadow
from ratelimit.service.limiter import Limiter
from ratelimit.service.meter import Meter
from ratelimit.service.policy_source import make_policy
from ratelimit.service.question import Question
from ratelimit.service.ticket import Claim, Outcome, Ticket
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.link import Link
from tests.e2e.diary import Admission, Call, Diary, Granted, Request, clock_us, offset_us
from tests.e2e.entrance import Entrance

TICK_S: Final = 0.002
PERIOD_US: Final = 500_000
LATEST_S: Final = 0.1  # a process that fell back further leaves requests out: the load is bounded
MOST_PENDING: Final = 500
KEYS: Final = ApiKeys(bytes(32))
STALL_US: Final = 25_000  # half of what is left of a lease's life when it is given back
_look, _compose, _answered, _new_link = Share.look, Meter.compose, Meter.answered, Link.__init__


class Load(msgspec.Struct, frozen=True):
    """Requests of one kind: so many a second, with one of these costs and one of these accounts; or only in `bursts`.

    A burst is from when to when of every PERIOD_US it lasts, for all processes at the same time.
    """

    name: str
    rate: float
    path: str = "/"
    bursts: tuple[tuple[int, int], ...] = ((0, PERIOD_US),)
    costs: tuple[int, ...] = (1,)
    api_key: str | None = None
    accounts: tuple[str, ...] = ()
    ip: bytes | None = None


class Plan(msgspec.Struct, frozen=True):
    """What one process is to do, by asking its limiter itself or `by_shortcut`. `detour` sends connections to a node's port to a proxy."""

    url: str
    policy: str
    diary: str
    loads: tuple[Load, ...]
    seconds: float
    seed: int = 0
    deadline_s: float = 0.01
    detour: dict[int, int] = {}
    by_shortcut: bool = False


class Report(msgspec.Struct, frozen=True):
    """What a process says of itself at its end."""

    decisions: int
    allowed: int
    calls: int  # script calls answered
    buckets: int  # buckets asked in them
    lost: int  # buckets asked with unknown effect
    overdue: int  # pipelines that took longer than a decision may wait
    failures: int
    stalls: int  # times that the machine gave this process no turn for so long that a lease may have lapsed
    clock_moved_us: int  # against the store's
    ordinary: int  # requests that were to take the shortcut and did not


class StampedClaim(Claim):
    """A claim that knows at which reading of the clock its leased slots were spent."""

    __slots__ = ("spent_at",)
    looked_at = 0

    def settled(self, outcome: Outcome) -> None:
        self.spent_at = StampedClaim.looked_at
        super().settled(outcome)


class WatchedLimiter(Limiter):
    """Writes down every limit of every admitted request."""

    diary: Diary
    offset: int

    def _take(self, asked: list[Asked], cost: int, shadow: Shadow, now: int, risk: float | None, passage: Passage | None) -> Decision:
        for shelf, meter in asked:
            self.diary.write(Admission(shelf.limit.name, meter.key, now + self.offset, cost, "lease"))
        return super()._take(asked, cost, shadow, now, risk, passage)

    def _settle(self, question: Question, ticket: Ticket, asked: list[Asked], claims: list[Any], shadow: Shadow) -> Decision:
        decision = super()._settle(question, ticket, asked, claims, shadow)
        if decision.decision == "allow":
            for (shelf, meter), claim in zip(asked, claims, strict=True):
                leased = claim.outcome is Outcome.LEASED
                at = claim.spent_at + self.offset if leased else claim.charged_at
                self.diary.write(Admission(shelf.limit.name, meter.key, at, claim.cost, "lease" if leased else "store"))
        return decision


def watch(diary: Diary, detour: dict[int, int]) -> None:
    """Put the eyes in; for the rest of this process's life."""

    def look(share: Share, now: int, cost: int) -> int:
        StampedClaim.looked_at = now
        return _look(share, now, cost)

    def compose(meter: Meter, now_us: int) -> Any:
        call = _compose(meter, now_us)
        if call is not None:
            diary.write(Call(meter.key, call.settle_id, call.settle, call.give_back, call.refund))
        return call

    def answered(meter: Meter, call: Any, grant: Any, sent_us: int, now_us: int) -> None:
        charged = sum(need for need, retry in zip(call.needs, grant.retries, strict=True) if not retry)
        diary.write(Granted(meter.key, grant.id, grant.leased, charged))
        _answered(meter, call, grant, sent_us, now_us)

    def new_link(link: Link, url: str, address: tuple[str, int] | None = None) -> None:
        _new_link(link, url, address and (address[0], detour.get(address[1], address[1])))

    patch.object(Share, "look", look).start()
    patch.object(Meter, "compose", compose).start()
    patch.object(Meter, "answered", answered).start()
    patch.object(Link, "__init__", new_link).start()
    patch("ratelimit.service.limiter.Claim", StampedClaim).start()


class Driver:
    """Asks the limiter, open loop."""

    def __init__(self, plan: Plan, limiter: WatchedLimiter) -> None:
        self.decisions = self.allowed = self.stalls = 0
        self.entrance = Entrance(limiter, KEYS)
        self._plan, self._limiter = plan, limiter
        self._pending: set[asyncio.Future[None]] = set()

    async def run(self, start: int) -> None:
        await asyncio.sleep(max(0, start - clock_us()) / 1e6)
        watch = asyncio.create_task(self._count_stalls())
        loads = [self._run(load, Random(f"{self._plan.seed} {load.name}"), start) for load in self._plan.loads]
        await asyncio.gather(*loads)
        await asyncio.gather(*self._pending)
        watch.cancel()

    async def _count_stalls(self) -> None:
        last = clock_us()
        while True:
            await asyncio.sleep(TICK_S)
            now = clock_us()
            self.stalls += now - last > STALL_US
            last = now

    async def _run(self, load: Load, chance: Random, start: int) -> None:
        sent, end = 0, start + int(self._plan.seconds * 1e6)
        while (now := clock_us()) < end:
            due = int((now - start) * load.rate / 1e6)
            sent = max(sent, due - int(load.rate * LATEST_S) - 1)
            if any(begins <= (now - start) % PERIOD_US < ends for begins, ends in load.bursts):
                for _ in range(due - sent):
                    self._ask(load, chance)
            sent = due
            await asyncio.sleep(TICK_S)

    def _ask(self, load: Load, chance: Random) -> None:
        if len(self._pending) >= MOST_PENDING:
            return
        account = chance.choice(load.accounts) if load.accounts else None
        cost = chance.choice(load.costs)
        self._limiter.diary.write(Request(load.name, clock_us() + self._limiter.offset, cost))
        if self._plan.by_shortcut:
            self._ask_by_shortcut(load, account, cost)
            return
        key = KEYS.digest(load.api_key) if load.api_key is not None else None
        decision = self._limiter.check(Caller(api_key=key, account=account, ip=load.ip), "GET", load.path, cost)
        if isinstance(decision, Decision):
            self._count(allowed=decision.decision == "allow")
        else:
            task = asyncio.get_running_loop().create_task(self._wait(decision))
            self._pending.add(task)
            task.add_done_callback(self._done)

    def _ask_by_shortcut(self, load: Load, account: str | None, cost: int) -> None:
        under_way = asyncio.get_running_loop().create_future()
        self._pending.add(under_way)

        def answered(answer: bytes) -> None:
            self._pending.discard(under_way)
            under_way.set_result(None)
            self._count(allowed=b'"decision":"allow"' in answer)

        self.entrance.ask(answered, path=load.path, cost=cost, ip=load.ip, api_key=load.api_key, account=account)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._pending.discard(task)
        if task.exception():
            traceback.print_exception(task.exception())
            os._exit(1)

    async def _wait(self, decision: Awaitable[Decision]) -> None:
        self._count(allowed=(await decision).decision == "allow")

    def _count(self, *, allowed: bool) -> None:
        self.decisions += 1
        self.allowed += allowed


async def run(plan: Plan) -> Report:
    """A sidecar's whole life."""
    configure_logs("error", "json")
    diary = Diary(Path(plan.diary))
    watch(diary, plan.detour)
    store = RedisStore(Options(plan.url, clock_us, plan.deadline_s))
    await store.open()
    while store.away:  # noqa: ASYNC110  the store tries again by itself, and tells nobody
        await asyncio.sleep(0.1)
    limiter = WatchedLimiter(make_policy(plan.policy.encode(), "plan"), store, StoreKeys(bytes(32)), clock_us)
    limiter.diary, limiter.offset = diary, offset_us()
    sweep = asyncio.create_task(limiter.run())
    print("ready", flush=True)  # noqa: T201
    start = int(await asyncio.to_thread(sys.stdin.readline))
    driver = Driver(plan, limiter)
    await driver.run(start)
    sweep.cancel()
    limiter.give_back()
    await store.close()
    counts = [lane.counts for lane in store.lanes]
    return Report(
        decisions=driver.decisions,
        allowed=driver.allowed,
        calls=sum(count.calls for count in counts),
        buckets=sum(count.buckets for count in counts),
        lost=sum(count.lost for count in counts),
        overdue=sum(count.overdue for count in counts),
        failures=sum(count.failures for count in counts),
        stalls=driver.stalls,
        clock_moved_us=abs(offset_us() - limiter.offset),
        ordinary=driver.entrance.ordinary,
    )


if __name__ == "__main__":
    report = uvloop.run(run(msgspec.json.decode(sys.argv[1], type=Plan)))
    print(msgspec.json.encode(report).decode(), flush=True)  # noqa: T201
