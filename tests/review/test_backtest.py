"""Rules tried on the ledger's past."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, update

from ratelimit.core import signals as of_requests
from ratelimit.core.errors import ConfigError
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.action import LABEL
from ratelimit.ledger.tables.purchase import PURCHASE
from ratelimit.ledger.tables.record import RECORD
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.review import backtest as module
from ratelimit.review.backtest import Job, Tried, backtest
from ratelimit.review.backtest_found import BacktestFound, Bucket, VersionFound
from tests.review.rule_ledger import CARDS, DAY_S, NOW, SINCE, fill, purchase


def job(*rules: dict[str, Any], live: int | None = None, on: Any = "purchase", **more: Any) -> Job:
    tried = tuple(Tried(len(rules) - place, rule) for place, rule in enumerate(rules))
    return Job(**{"name": "cards", "on": on, "tried": tried, "live": live, "since": SINCE, "until": NOW, **more})


async def run(ledger: Ledger, asked: Job) -> BacktestFound:
    said: list[float] = []

    async def progress(done: float) -> None:
        said.append(done)

    found = await backtest(ledger, asked, progress)
    assert said == sorted(said)
    assert all(0 <= done <= 1 for done in said)
    return found


def bucket(found: BacktestFound, outcome: str) -> Bucket:
    (it,) = (it for it in found.buckets if it.outcome == outcome)
    return it


@pytest.fixture
async def past(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """What each of the four outcomes looks like, in pieces of two rows."""
    monkeypatch.setattr(module, "PIECE", 2)
    hit, miss = {"cards_1h": 4.0}, {"cards_1h": 1.0}
    await fill(
        ledger,
        [
            purchase(1, NOW - 9 * DAY_S, hit, disputed=True, label="fraud", amount_minor=500),
            purchase(2, NOW - 8 * DAY_S, hit, warned=True),
            purchase(3, NOW - 7 * DAY_S, hit, refunded=True, label="good", account=9),
            purchase(4, NOW - 6 * DAY_S, {**hit, "account_age_s": 200 * DAY_S, "ip_accounts_30d": 3.0}, label="good", account=9),
            purchase(5, NOW - 5 * DAY_S, hit, action="refuse", decision="block", outcome=""),
            purchase(6, NOW - 4 * DAY_S, miss, outcome="failed", currency="USD"),
            purchase(7, NOW - 3 * DAY_S, miss, disputed=True, label="fraud"),
            purchase(8, NOW - 2 * DAY_S, hit, signal_version=99),
            purchase(9, NOW - 31 * DAY_S, hit),
            purchase(10, NOW, hit),
        ],
    )
    return ledger


async def test_outcomes(past: Ledger) -> None:
    """Matches are told apart by what became of them, with amounts and what was said of them; rows of another time are not looked at."""
    found = await run(past, job(CARDS))
    assert (found.looked_at, found.unreadable, found.days) == (8, 1, 30)
    assert [(it.outcome, it.matches, it.all, it.fraud, it.good, it.amounts) for it in found.buckets] == [
        ("disputed", 2, 3, 1, 0, {"EUR": 1_500}),
        ("refunded", 1, 1, 0, 1, {"EUR": 1_000}),
        ("refused", 1, 2, 0, 0, {"EUR": 1_000}),
        ("succeeded", 1, 2, 0, 1, {"EUR": 1_000}),
    ]
    assert (found.matches, found.fraud, found.good, found.amounts) == (5, 1, 2, {"EUR": 4_500})
    assert bucket(found, "disputed").not_reviewed == 1
    assert found.latest == ("r5", "r4", "r3", "r2", "r1")


async def test_whom_it_hits(past: Ledger) -> None:
    """Accounts are counted once; settled ones and shared addresses by the signals of that moment."""
    found = await run(past, job(CARDS))
    assert (found.accounts, found.settled, found.good_accounts) == (4, 1, 1)
    assert (found.shared, found.shared_all) == (1, 1)
    assert found.good_a_day == pytest.approx(1 / 30)


async def test_other_versions(past: Ledger) -> None:
    """Other versions are tried on the same rows, and the live one stands beside each outcome."""
    wider = {**CARDS, "when": "purchase.cards_1h >= 1", "mode": "shadow", "canary": 0.5}
    found = await run(past, job(CARDS, wider, live=1))
    assert found.versions == (VersionFound(2, 5, 1, 2), VersionFound(1, 7, 2, 2))
    assert bucket(found, "disputed").under_live == 3
    assert bucket((await run(past, job(CARDS))), "disputed").under_live is None


async def test_facts(past: Ledger) -> None:
    """Facts of the purchase are as the ledger keeps them; what no row has is missing, and said to be."""
    async with past.write() as connection:
        await connection.execute(
            insert(SUBJECT).values(id=9, kind="account", digest=b"x" * 16, key_id=1, shown="acc_9", first_at=0.0, last_at=0.0)
        )
    mine = {**CARDS, "when": "purchase.account == 'acc_9' && purchase.currency == 'EUR' && purchase.tokens == 100.0"}
    assert (await run(past, job(mine))).matches == 2
    rich = await run(past, job({**CARDS, "when": "purchase.balance > 1.0 || purchase.ip_country == 'US'"}))
    assert (rich.matches, rich.missing) == (0, ("balance", "ip_country"))
    async with past.write() as connection:
        await connection.execute(update(PURCHASE).where(PURCHASE.c.id == "p1").values(ip_country="US"))
        await connection.execute(update(PURCHASE).where(PURCHASE.c.id == "p7").values(balance=2))
    rich = await run(past, job({**CARDS, "when": "purchase.balance > 1.0 || purchase.ip_country == 'US' || purchase.device == 'd'"}))
    assert (rich.matches, rich.missing) == (2, ("device",))


async def test_guard(ledger: Ledger) -> None:
    """A guard is on for its while after the site gave cause, and off before."""
    calm, storm = {"site_decline_ratio": 1.0, "cards_1h": 4.0}, {"site_decline_ratio": 5.0}
    await fill(
        ledger,
        [
            purchase(number, SINCE + minute * 60, known)
            for number, (minute, known) in enumerate([(1, calm), (2, storm), (3, calm), (11, calm), (13, calm)])
        ],
    )
    guard = {**CARDS, "when": "site.decline_ratio > 3 && purchase.cards_1h >= 3", "for": "10min", "then": "throttle"}
    assert (await run(ledger, job(guard))).latest == ("r3", "r2")


async def test_broken_rule(ledger: Ledger) -> None:
    """A rule with problems is not tried."""
    with pytest.raises(ConfigError):
        await run(ledger, job({**CARDS, "when": "purchase.vpm"}))


async def test_nothing_there(ledger: Ledger) -> None:
    """An empty ledger has nothing to find."""
    found = await run(ledger, job(CARDS))
    assert (found.looked_at, found.matches, found.good_a_day) == (0, 0, 0)


async def test_requests(ledger: Ledger) -> None:
    """A rule on requests is tried on records with signals: each stands for as many as it was sampled from."""
    values = _request_signals(failed_logins_10m=20.0)
    row = {"at": NOW - DAY_S, "method": "GET", "path": "/", "cost": 1, "account": 5, "api_key": 6, "signal_version": of_requests.VERSION}
    rows = [
        {"id": "a", "decision": "block", "reason": "rule_matched", "weight": 1.0, "risk_subject": 6, "signals": values, **row},
        {"id": "b", "decision": "allow", "reason": "ok", "weight": 100.0, "risk_subject": 6, "signals": values, **row},
        {"id": "c", "decision": "allow", "reason": "ok", "weight": 100.0, "risk_subject": 7, "signals": values, **row},
        {"id": "d", "decision": "allow", "reason": "ok", "weight": 50.0, "risk_subject": 6, "signals": _request_signals(), **row},
    ]
    async with ledger.write() as connection:
        for id, kind in ((6, "api_key"), (7, "ip")):
            await connection.execute(insert(SUBJECT).values(id=id, kind=kind, digest=bytes([id]) * 16, key_id=1, first_at=0.0, last_at=0.0))
        await connection.execute(insert(RECORD), rows)
        await connection.execute(
            insert(LABEL).values(target_kind="account", target=5, verdict="fraud", source="analyst", known_at=1.0, by="mira")
        )
    rule = {"name": "cards", "on": "request", "when": "request.failed_logins_10m >= 10", "then": "block", "reason": "x"}
    found = await run(ledger, job(rule, on="request"))
    assert [(it.outcome, it.matches, it.all, it.fraud) for it in found.buckets] == [
        ("blocked", 1, 1, 1),
        ("throttled", 0, 0, 0),
        ("allowed", 100, 150, 1),
    ]


def _request_signals(**values: float) -> bytes:
    row = np.full(len(of_requests.NAMES), np.nan, dtype="<f4")
    for name, value in values.items():
        row[of_requests.COLUMN[name]] = value
    return row.tobytes()
