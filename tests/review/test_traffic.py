"""Traffic from memory: counts over time, what is new, gaps, yesterday, and who was behind the latest decisions."""

from collections.abc import Sequence

import numpy as np
import pytest
from sqlalchemy import insert, text

from ratelimit.core.message import Counted, Tally
from ratelimit.ledger.intake import Batch
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.record_intake import take_counts
from ratelimit.ledger.rollup import roll_up
from ratelimit.ledger.tables.rule import IN_FORCE
from ratelimit.review.live import LiveTail
from ratelimit.review.top_subjects import LENGTH_S, SPANS
from ratelimit.review.traffic import TrafficBook
from ratelimit.service.risk_steps import RiskSteps
from tests.review.ledger_stream import NOW, decided, intake_of

DAY = 86_400.0
END = NOW - NOW % 60 + 30


class Wall:
    now = END

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


async def tell(ledger: Ledger, at: float, *counts: tuple[str, int], sidecar: str = "a", latency_us: float | None = None) -> None:
    tallies = tuple(Tally(decision, "ok" if decision == "allow" else "rate_exceeded", count) for decision, count in counts)
    async with ledger.write() as connection:
        await take_counts(connection, [Counted(at, sidecar, tallies, latency_us)], at)


def told(rates: Sequence[float | None]) -> list[float]:
    return [rate for rate in rates if rate is not None]


async def test_lanes(ledger: Ledger, wall: Wall) -> None:
    """Counts of all sidecars add up, per second; a step of which nothing was told is a gap; yesterday stands beside."""
    for back in range(10, 100, 10):
        if back != 50:
            await tell(ledger, END - back - 10, ("allow", 30), ("throttle", 10), latency_us=100.0 + back)
            await tell(ledger, END - back - 10, ("allow", 20), sidecar="b")
    await tell(ledger, END - DAY - 60, ("allow", 70))
    book = TrafficBook(ledger, wall)
    found = await book.series("15m")
    assert (len(found.at), found.step_s, found.until - found.since) == (90, 10.0, 900.0)
    allow, throttle, block = found.lanes
    assert (allow.decision, throttle.decision, block.decision) == ("allow", "throttle", "block")
    assert set(told(allow.rates)) == {5.0}
    assert set(told(throttle.rates)) == {1.0}
    assert set(told(block.rates)) == {0.0}
    assert len(told(allow.rates)) == 8
    assert told(allow.before) == [7.0]
    assert max(value for value in found.latency_us if value) == 190.0
    assert (book.rate("allow", 60), book.rate(None, 60)) == (5.0, 6.0)
    assert book.sidecars == 2


@pytest.mark.parametrize("span", SPANS)
async def test_every_span(ledger: Ledger, wall: Wall, span: str) -> None:
    """Each has so many steps as a screen shows, ends now, and finds what was told in its middle."""
    await tell(ledger, END - LENGTH_S[span] / 2, ("block", 600))  # type: ignore[index]
    found = await TrafficBook(ledger, wall).series(span)  # type: ignore[arg-type]
    assert 60 <= len(found.at) <= 400
    assert found.until - found.since == LENGTH_S[span]  # type: ignore[index]
    assert len(told(found.lanes[2].rates)) == 1


async def test_only_what_is_new_is_read(ledger: Ledger, wall: Wall) -> None:
    """What came in since is there after the next look, also where it was late, and nothing counts twice."""
    await tell(ledger, END - 40, ("allow", 10))
    book = TrafficBook(ledger, wall)
    await book.refresh()
    await tell(ledger, END - 30, ("allow", 50))
    await tell(ledger, END - 40, ("throttle", 10), sidecar="late")
    wall.now += 10
    await book.refresh()
    await book.refresh()
    found = await book.series("15m")
    assert told(found.lanes[0].rates) == [1.0, 5.0]
    assert told(found.lanes[1].rates) == [1.0, 0.0]
    wall.now += 60
    await book.refresh()
    hours = await book.series("6h")
    assert sum(told(hours.lanes[0].rates)) == pytest.approx((10 + 50) / 60)
    assert (await TrafficBook(ledger, wall).series("6h")).lanes == hours.lanes


async def test_old_counts_are_hourly(ledger: Ledger, wall: Wall) -> None:
    """What is kept by the hour alone is spread over it, so last week's line has no peaks of its own making."""
    hour = END - END % 3_600 - 9 * DAY
    for minute in range(60):
        await tell(ledger, hour + 60 * minute, ("allow", 600))
    before = await TrafficBook(ledger, wall).series("7d")
    async with ledger.write() as connection:
        for first in (hour, hour + 1_800):
            await roll_up(connection, first, first + 1_790)
    after = await TrafficBook(ledger, wall).series("7d")
    assert told(before.lanes[0].before) == told(after.lanes[0].before) == [10.0, 10.0]


async def test_marks(ledger: Ledger, wall: Wall) -> None:
    """A policy that came in force stands at its time."""
    async with ledger.write() as connection:
        rows = [{"what": "policy", "digest": f"{number:08}aaaa", "since": END - 100 * number} for number in (1, 2, 90)]
        await connection.execute(insert(IN_FORCE), rows)
    found = await TrafficBook(ledger, wall).series("1h")
    assert [(mark.kind, mark.words) for mark in found.marks] == [("policy", "policy 00000002"), ("policy", "policy 00000001")]


async def test_tops(ledger: Ledger, wall: Wall) -> None:
    """Each list is by what it says; a sampled record counts for as it stands for; its main reason stands beside."""
    intake = intake_of(ledger)
    noisy = [decided(n, at=END - 10 - n, subject="api_key:NOISYKEY", key="NOISYKEY") for n in range(40)]
    calm = [
        decided(100 + n, at=END - 10 - n, subject="account:calm", account="calm", key=None, decision="allow", reason="ok", weight=1_000.0)
        for n in range(3)
    ]
    await intake.write([Batch("b", [*noisy, *calm])], END)
    book = TrafficBook(ledger, wall)
    found = await book.tops("15m")
    assert [(one.kind, one.shown, one.refused, one.reason) for one in found.refused] == [("api_key", "key_NOISYK", 40.0, "rate_exceeded")]
    assert [(one.shown, one.requests) for one in found.requests] == [("calm", 3_000.0), ("key_NOISYK", 40.0)]
    assert sum(found.refused[0].spark) == 40.0
    assert (found.records, found.whole) == (43, True)
    assert await book.tops("15m") is found


async def test_the_live_tail() -> None:
    """The latest few, latest first, and how many were not shown; what comes twice is there once."""
    tail = LiveTail(kept=10)
    refusals = [decided(n) for n in range(6)]
    await tail.take(None, [*refusals, decided(50, decision="allow", reason="ok")], NOW)  # type: ignore[arg-type]
    await tail.take(None, refusals, NOW)  # type: ignore[arg-type]
    heard = tail.since(0, 4, refused=True)
    assert ([row.id for row in heard.rows], heard.hidden, heard.number) == (["r-5", "r-4", "r-3", "r-2"], 2, 7)
    assert heard.rows[0].subject == "key_KEYDIG"
    assert tail.since(0, 4, refused=False).rows[0].id == "r-50"
    assert tail.since(heard.number, 4, refused=False).rows == []
    await tail.take(None, [decided(100 + n) for n in range(25)], NOW)  # type: ignore[arg-type]
    assert tail.since(7, 4, refused=True).hidden == 21


async def test_the_live_tail_forgets() -> None:
    """Whoever is erased is not shown any more, by account, by key or in a path; others are."""
    tail = LiveTail()
    mine = [decided(1, subject="account:quinn-4711"), decided(2), decided(3, subject="ip:192.0.2.9", path="/u/quinn-4711")]
    await tail.take(None, [*mine, decided(4, subject="account:robin")], NOW)  # type: ignore[arg-type]
    tail.forget("quinn-4711", ["KEYDIGEST"])
    assert [row.subject for row in tail.since(0, 9, refused=True).rows] == ["robin"]


def test_risk_steps() -> None:
    """Each subject is on one step; the last whole hour is told, and after a gap this one."""
    steps = RiskSteps()
    steps.see("api_key", np.array([0.1, 0.9, 0.95, 0.999, 0.99995, np.nan]), 3_600)
    assert steps.counts == {"api_key": [1, 2, 0, 1, 1]}
    steps.see("api_key", np.array([0.5]), 7_200)
    assert steps.counts == {"api_key": [1, 2, 0, 1, 1]}
    steps.see("api_key", np.array([0.5, 0.5]), 10_900)
    assert steps.counts == {"api_key": [1, 0, 0, 0, 0]}
    steps.see("api_key", np.array([0.5]), 40_000)
    assert steps.counts == {"api_key": [1, 0, 0, 0, 0]}


async def test_the_index_is_used(ledger: Ledger) -> None:
    """Counts of a span are found by their time, not by going through all."""
    if ledger.dialect == "sqlite":
        async with ledger.read() as connection:
            plan = await connection.execute(text("EXPLAIN QUERY PLAN SELECT sum(count) FROM traffic WHERE at >= 1 AND at < 2"))
            assert "SEARCH traffic" in str(plan.all())


async def test_late(ledger: Ledger, wall: Wall) -> None:
    """Counts that were long under way, since the ledger was away, are in the lanes as well."""
    book = TrafficBook(ledger, wall)
    await book.refresh()
    late = END - 600
    await tell(ledger, late, ("allow", 30))
    async with ledger.write() as connection:
        await book.take(connection, [Counted(late, "a", (Tally("allow", "ok", 30),))], END)
    await book.refresh()
    assert told((await book.series("15m")).lanes[0].rates) == [3.0]
