"""What a sidecar decides is told to the ledger."""

import itertools
from typing import Any

from ratelimit.core.decision import Decision
from ratelimit.core.identity import Caller
from ratelimit.core.message import Counted, Decided, Message, Tally
from ratelimit.service.address_book import AddressBook
from ratelimit.service.allow_sample import AllowSample
from ratelimit.service.decided import host_of
from ratelimit.service.recording import record
from ratelimit.service.stopwatch import Stopwatch
from ratelimit.service.traffic_count import TrafficCount
from tests.service.conftest import ALICE, Start, bucket


class _Told:
    """Stands for a recorder."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def put(self, message: Message) -> None:
        self.messages.append(message)

    def later(self, make: Any, what: Any) -> None:
        self.messages.append(make(what))


class _Purchases:
    tell: Any = None


async def _decided(start: Start, number: int, share: float, caller: Caller = ALICE) -> list[Decided]:
    sidecar, told = await start(bucket("key", 2)), _Told()
    record(told, sidecar.limiter, _Purchases(), AddressBook(), share)  # type: ignore[arg-type]
    for _ in range(number):
        found = sidecar.limiter.check(caller, "GET", "/v1/x?card=1", 1, "curl/8\ud800", "https://a:b@Example.com:8443/private?q=1")
        if not hasattr(found, "decision"):
            await found
    return [message for message in told.messages if isinstance(message, Decided)]


async def test_refusals(start: Start) -> None:
    """Every refusal is told, with who asked and by what; of allowed requests none where none are sampled."""
    told = await _decided(start, 5, 0.0)
    assert [one.decision for one in told] == ["throttle"] * 3
    one = told[0]
    assert (one.api_key, one.account, one.address, one.subject) == ("alice", "a1", "203.0.113.7", "api_key:alice")
    assert (one.path, one.user_agent, one.referrer, one.weight, one.limit) == ("/v1/x", "curl/8\\ud800", "example.com", 1.0, "key")


async def test_allowed(start: Start) -> None:
    """Of allowed requests the sample is told, each for as many as it stands for; those that had to wait for the store, too."""
    told = await _decided(start, 2, 1.0)
    assert [(one.decision, one.reason, one.weight) for one in told] == [("allow", "ok", 1.0)] * 2


def test_sample() -> None:
    """So many are left out as the lot says, and what is chosen stands for them; of a share of nothing nobody is chosen."""
    chances = iter([0.5, 0.999, 0.0])
    weights: list[float] = []
    sample = AllowSample(0.01, lambda _row, weight: weights.append(weight), lambda: next(chances))
    assert sample.left == 69  # the median of waits
    sample.take(())  # type: ignore[arg-type]
    assert (sample.left, weights) == (688, [100.0])
    sample.take(())  # type: ignore[arg-type]
    assert sample.left == 1
    assert AllowSample(0.0, lambda _row, weight: weights.append(weight), lambda: 0.5).left > 10**18


def test_host() -> None:
    """Of a referrer the host is kept."""
    assert host_of("https://u:p@Shop.example:8443/x?y#z") == "shop.example"
    assert [host_of(text) for text in (None, "", "about:blank", "nonsense", "http://[")] == [None] * 5


def test_counts() -> None:
    """Every ten seconds it is told what was counted since, and how long it took; a part of such a span at the end is one of its own."""
    now, decided, told, latencies = [103.0], {("allow", "ok"): 3}, list[Counted](), iter([80.0, None, 90.0])
    count = TrafficCount(lambda: decided, lambda: next(latencies), told.append, lambda: now[0])  # type: ignore[arg-type, return-value]
    now[0] = 110.0
    count.count()
    decided = {("allow", "ok"): 5, ("block", "deny_listed"): 1}
    now[0] = 113.0
    count.count()
    count.count()
    assert [(one.at, one.counts, one.latency_us) for one in told] == [
        (100.0, (Tally("allow", "ok", 3),), 80.0),
        (110.0, (Tally("allow", "ok", 2), Tally("block", "deny_listed", 1)), None),
    ]
    assert len({one.sidecar for one in told}) == 1


async def test_what_is_known(start: Start) -> None:
    """Whoever is not watched is told without signals."""
    (one,) = await _decided(start, 3, 0.0)
    assert (one.signals, one.risk_subject, one.model) == (None, None, None)


async def test_latency(start: Start) -> None:
    """After each sweep the time of one decision is taken, whichever way it went, with the wait for the store; then of none."""
    sidecar, told, now = await start(bucket("key", 2)), _Told(), itertools.count(0, 5_000)
    limiter = sidecar.limiter
    traffic = record(told, limiter, _Purchases(), AddressBook(), 0.0)  # type: ignore[arg-type]
    assert limiter.stopwatch is not None
    limiter.stopwatch._clock_ns = lambda: next(now)
    for _ in range(4):  # of which the first waits for the store
        limiter.sweep()
        for _ in range(2):
            found = limiter.check(ALICE, "GET", "/", 1)
            if not isinstance(found, Decision):
                await found
    assert next(now) == 4 * 2 * 5_000
    traffic.count()
    (counted,) = told.messages[-1:]
    assert isinstance(counted, Counted)
    assert counted.latency_us == 5.0
    assert limiter.stopwatch.p99_us() is None


def test_p99() -> None:
    """The p99 is a time that was taken; of few it is the worst."""
    now = itertools.accumulate(itertools.chain.from_iterable((0, one) for one in range(1_000_000, 0, -1_000)))
    watch, asked = Stopwatch(lambda: next(now)), 0

    def decide() -> Decision:
        return Decision("id", "allow", "ok")

    def step_aside() -> None:
        nonlocal asked
        asked += 1

    for _ in range(100):
        watch.on(decide, step_aside)()
    assert (asked, watch.p99_us()) == (100, 999.0)
    watch.on(decide, step_aside)()
    assert watch.p99_us() == 900.0
