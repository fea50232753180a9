"""The lead's figures: what is counted, over what, and on which day."""

from typing import Any

import pytest
from sqlalchemy import insert

from ratelimit.console.overview_view import overview_view
from ratelimit.core.standing import HeldAccount, Hold, Standing, Target
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.action import ACTION, APPEAL
from ratelimit.ledger.tables.case import CASE
from ratelimit.ledger.tables.purchase import OUTCOME, PURCHASE
from ratelimit.review.overview import DAYS, OverviewBook
from ratelimit.service.standings import Standings
from ratelimit.stores.client import RedisStore
from tests.review.test_erasing import purchase
from tests.service.conftest import own_node, store

__all__ = ["own_node", "store"]  # fixtures

DAY = 86_400.0
NOW = 20_833 * DAY + 3_600


def wall() -> float:
    return NOW


def outcome(purchase: str, kind: str, days: float, source: str = "") -> dict[str, Any]:
    at = NOW - days * DAY
    return {"source": source or f"{purchase}-{kind}", "purchase": purchase, "attempt": 1, "kind": kind, "at": at, "known_at": at}


def case(number: int, **columns: Any) -> dict[str, Any]:
    sound = {"anchor": number, "state": "open", "opened_at": NOW - DAY, "opened_by": "rule", "opened_word": "", "priority": 1, "rank": 1}
    sound |= {"expected_loss_minor": 0, "at_risk_minor": 0, "blast_radius": 0, "reasons": [], "reasons_key": "x", "due_at": NOW + DAY}
    empty = dict.fromkeys(("closed_at", "verdict", "second_of"))
    return {"number": number, **sound, **empty, "work_s": 0.0, **columns}


def paid(id: str, days: float, **columns: Any) -> dict[str, Any]:
    sound = {"account": 1, "at": NOW - days * DAY, "outcome": "succeeded", "amount_minor": 1_000, "currency": "EUR", "label": ""}
    return purchase(id, **{**sound, **columns})


@pytest.fixture
def book(ledger: Ledger, store: RedisStore) -> OverviewBook:
    return OverviewBook(ledger, Standings(store, wall), wall)


async def test_empty(book: OverviewBook) -> None:
    """Of nothing no share is made up, and the page says so."""
    found = await book.overview()
    assert (found.vamp.share, found.ecm.share, found.approved.share, found.work_s) == (None, None, None, None)
    view = overview_view(found)
    assert view.empty
    assert [one.value for one in (*view.networks, *view.money, *view.work)] == ["–", "–", "–", "–", "0", "–", "–", "–"]
    assert view.backlog_words == "Nothing waits."


async def test_disputes(book: OverviewBook, ledger: Ledger) -> None:
    """A dispute and a warning of one payment count both; what was won is not lost; ECM holds disputes against the month before."""
    async with ledger.write() as connection:
        rows = [paid(f"p{n}", 1) for n in range(100)] + [paid(f"b{n}", 40) for n in range(50)]
        await connection.execute(insert(PURCHASE), rows)
        told = [outcome("p1", "disputed", 0.1), outcome("p1", "warned", 0.1), outcome("p2", "disputed", 0.1)]
        told += [
            outcome("p2", "dispute_won", 0.05),
            outcome("b1", "disputed", 20),
            outcome("b2", "disputed", 35),
            outcome("p3", "refunded", 1),
        ]
        await connection.execute(insert(OUTCOME), [{**one, "amount_minor": None, "detail": None} for one in told])
    found = await book.refresh()
    assert (found.vamp.part, found.vamp.whole) == (4, 100)
    assert (found.ecm.part, found.ecm.whole) == (3, 50)
    assert [(one.currency, one.lost_minor, one.paid_minor) for one in found.loss] == [("EUR", 2_000, 100_000)]
    assert found.vamp.low < 0.04 < found.vamp.high
    view = overview_view(found)
    assert (view.networks[0].value, view.networks[0].alarm) == ("4", False)  # four are not many
    assert view.money[0].value == "200.0"


async def test_honest_customers(book: OverviewBook, ledger: Ledger) -> None:
    """Those of whom a refused or held purchase turned out good, and whose block was undone; each account once a day."""
    async with ledger.write() as connection:
        rows = [
            paid("a", 1, action="refuse", outcome="", label="good"),
            paid("b", 1, action="hold", label="good"),
            paid("c", 1, action="hold", label="good", account=2),
            paid("d", 1, action="hold", label="fraud", account=3),
            paid("e", 1, label="good", account=4),
        ]
        await connection.execute(insert(PURCHASE), rows)
        act = {
            "target_kind": "account",
            "target": 9,
            "by": 1,
            "by_login": "eve",
            "at": NOW - DAY,
            "reason": "r",
            "before": {},
            "detail": {},
        }
        acts = [
            {"key": f"k{n}", "then": then, "state": state, **act}
            for n, (then, state) in enumerate([("block", "undone"), ("block", "in_force"), ("label", "undone")])
        ]
        await connection.execute(insert(ACTION), acts)
    found = await book.refresh()
    assert sum(found.stopped_good) == 3
    assert found.stopped_good[-2] == 3
    assert (found.approved.part, found.approved.whole) == (4, 5)
    assert len(found.stopped_good) == DAYS


async def test_work(book: OverviewBook, ledger: Ledger) -> None:
    """Cases by day, what waits, the time that one takes, appeals and second reviews."""
    closed = {"state": "closed", "closed_at": NOW - DAY, "verdict": "good"}
    async with ledger.write() as connection:
        rows = [case(1), case(2, due_at=NOW - 1), case(3, **closed, work_s=60.0), case(4, **closed, work_s=600.0)]
        rows += [
            case(5, **closed, second_of=3),
            case(6, **{**closed, "verdict": "fraud"}, second_of=4),
            case(7, second_of=4, opened_by="quality"),
        ]
        await connection.execute(insert(CASE), rows)
        appeal = {"text": "", "at": NOW - DAY, "case_number": 3, "by_login": "x", "decision": {}, "decided_at": NOW - 60}
        rows = [{"reference": str(n), "state": state, **appeal} for n, state in enumerate(["overturned", "upheld", "upheld", "open"])]
        await connection.execute(insert(APPEAL), rows)
    found = await book.refresh()
    assert (sum(found.opened), sum(found.closed), found.open, found.late) == (7, 4, 3, 1)
    assert (found.work_s, found.worked) == ((600.0, 600.0), 2)
    assert (found.overturned.part, found.overturned.whole) == (1, 3)
    assert (found.agreed.part, found.agreed.whole) == (1, 2)


async def test_held_money(ledger: Ledger, store: RedisStore) -> None:
    """What stands, at the price that was paid, by its age; what was released or has lapsed is not."""
    standings = Standings(store, wall)
    holds = [
        Hold("p1", "a", 100, 50, NOW + DAY, NOW - 60),
        Hold("p2", "a", 100, 100, NOW + DAY, NOW - 2 * DAY),
        Hold("p3", "a", 100, 100, NOW + DAY, NOW - 9 * DAY, "released"),
        Hold("p4", "a", 100, 100, NOW - 1, NOW - 9 * DAY),
        Hold("gone", "a", 100, 100, NOW + DAY, NOW - 60),
    ]
    held = HeldAccount("a", NOW, 0, tuple(holds))
    word = Standing(
        id="h", target=Target("account", "a"), then="hold", source="hold", reason="r", author="x", made_at=NOW, until=NOW + DAY, held=held
    )
    await standings.change("h", lambda _: word)
    async with ledger.write() as connection:
        await connection.execute(insert(PURCHASE), [paid(f"p{n}", 1, tokens=100) for n in range(1, 5)])
    found = await OverviewBook(ledger, standings, wall).refresh()
    assert (found.held.currency, found.held.minor, found.held.purchases) == ("EUR", [500, 1_000, 0, 0], 3)
