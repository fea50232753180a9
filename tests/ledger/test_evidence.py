"""Evidence: rows of one subject, page by page, and what they add up to."""

from typing import Any

import pytest
from sqlalchemy import insert

from ratelimit.ledger.evidence import (
    Bin,
    Paid,
    Place,
    Refused,
    Seen,
    addresses,
    bought,
    decided,
    latest_with_signals,
    lives,
    paid,
    refusals,
    requests,
    rhythm,
    usual,
)
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.purchase import LIFE, LINK, PURCHASE
from ratelimit.ledger.tables.record import RECORD

KEY = Seen("api_key", 7)
ACCOUNT = Seen("account", 5)


def record(number: int, at: float, **more: Any) -> dict[str, Any]:
    fields = {
        "decision": "allow",
        "reason": "ok",
        "limit_name": None,
        "api_key": 7,
        "address": 90,
        "weight": 1.0,
        "risk_subject": None,
        "signals": None,
    }
    return {"id": f"r{number:03}", "at": at, "method": "GET", "path": "/", "cost": 1, **fields, **more}


async def fill(ledger: Ledger, *rows: dict[str, Any]) -> None:
    async with ledger.write() as connection:
        await connection.execute(insert(RECORD), list(rows))


async def test_page_by_page(ledger: Ledger) -> None:
    """Each request is on one page, the newest first, also where many came at one time."""
    await fill(ledger, *(record(number, at=100.0 + number // 4) for number in range(10)), record(99, 50.0, api_key=8))
    seen: list[str] = []
    async with ledger.read() as connection:
        page = await requests(connection, KEY, 3)
        while page:
            seen += [row.id for row in page]
            page = await requests(connection, KEY, 3, before=Place(page[-1].at, page[-1].id))
    assert seen == [f"r{number:03}" for number in reversed(range(10))]


async def test_filters(ledger: Ledger) -> None:
    """Requests are looked for by decision and by address."""
    await fill(ledger, record(1, 1.0), record(2, 2.0, decision="block", address=91), record(3, 3.0, address=91))
    async with ledger.read() as connection:
        assert [row.id for row in await requests(connection, KEY, 9, decision="block")] == ["r002"]
        assert [row.id for row in await requests(connection, KEY, 9, address=91)] == ["r003", "r002"]
        assert [row.id for row in await requests(connection, Seen("ip", 91), 9, decision="allow")] == ["r003"]


async def test_counts_by_weight(ledger: Ledger) -> None:
    """A sample stands for as many as it weighs; what is older does not count."""
    await fill(ledger, record(1, 5.0), record(2, 10.0, weight=40.0), record(3, 11.0, decision="throttle"))
    async with ledger.read() as connection:
        assert await decided(connection, KEY, 10.0) == {"allow": 40.0, "throttle": 1.0}


@pytest.mark.parametrize(("at", "step"), [(100.0, 0), (100.9, 0), (114.999, 0), (115.0, 1), (123.0, 1), (130.0, 2)])
async def test_steps(ledger: Ledger, at: float, step: int) -> None:
    """A step begins with its first instant and ends before the next one's, in every database."""
    await fill(ledger, record(1, at))
    async with ledger.read() as connection:
        assert await rhythm(connection, KEY, 100.0, 15.0) == [Bin(step, "allow", 1.0)]
        assert await addresses(connection, KEY, 100.0, 15.0) == {step: 1}


async def test_different_addresses(ledger: Ledger) -> None:
    """An address counts once in a step; a request without one not at all."""
    await fill(ledger, record(1, 1.0), record(2, 2.0), record(3, 3.0, address=91), record(4, 20.0, address=None))
    async with ledger.read() as connection:
        assert await addresses(connection, KEY, 0.0, 10.0) == {0: 2}


async def test_refusals_by_reason(ledger: Ledger) -> None:
    """Refusals are counted by reason and limit, with the first and the last."""
    limited = {"decision": "throttle", "reason": "rate_exceeded", "limit_name": "key"}
    await fill(
        ledger, record(1, 1.0, **limited), record(2, 2.0, decision="block", reason="deny_listed"), record(3, 3.0, **limited), record(4, 4.0)
    )
    async with ledger.read() as connection:
        found = await refusals(connection, KEY, 0.0)
    assert found == [Refused("throttle", "rate_exceeded", "key", 2, 1.0, 3.0), Refused("block", "deny_listed", None, 1, 2.0, 2.0)]


async def test_what_has_no_requests(ledger: Ledger) -> None:
    """A card asks for nothing."""
    async with ledger.read() as connection:
        assert await requests(connection, Seen("card", 1), 9) == []
        assert await decided(connection, Seen("card", 1), 0.0) == {}


async def test_purchases(ledger: Ledger) -> None:
    """Purchases are found by whatever took part in them, newest first, page by page."""
    more = {
        "kind": "purchase",
        "account": 5,
        "card": 3,
        "tokens": 10,
        "decision": "allow",
        "action": "accept",
        "reason": "ok",
        "hold_ratio": 0.0,
    }
    rows = [{"id": f"p{n}", "attempt": 1, "record": f"q{n}", "at": float(n // 2), "amount_minor": 100, "held": 0, **more} for n in range(5)]
    async with ledger.write() as connection:
        await connection.execute(insert(PURCHASE), rows)
    async with ledger.read() as connection:
        first = await bought(connection, ACCOUNT, 3)
        assert [row.id for row in first] == ["p4", "p3", "p2"]
        rest = await bought(connection, Seen("card", 3), 9, before=Place(first[-1].at, first[-1].record))
    assert [row.id for row in rest] == ["p1", "p0"]


async def test_lives(ledger: Ledger) -> None:
    """Logins are found by account and key, page by page."""
    rows = [{"source": f"s{n}", "at": 1.0, "type": "login", "account": 5, "api_key": 7 if n else None} for n in range(4)]
    async with ledger.write() as connection:
        await connection.execute(insert(LIFE), rows)
    async with ledger.read() as connection:
        first = await lives(connection, ACCOUNT, 3)
        assert [row.id for row in first] == [4, 3, 2]
        assert [row.id for row in await lives(connection, ACCOUNT, 3, before=Place(1.0, 2))] == [1]
        assert await lives(connection, ACCOUNT, 3, before=Place(1.0, "x'; --")) == []
        assert len(await lives(connection, KEY, 9)) == 3


async def test_usual(ledger: Ledger) -> None:
    """Usual is what it has been seen with for a week."""
    rows = [
        {"subject": 5, "entity": entity, "how": "requested", "first_at": 0.0, "last_at": days * 86_400.0, "count": 1}
        for entity, days in ((1, 6.0), (2, 7.0), (3, 30.0))
    ]
    async with ledger.write() as connection:
        await connection.execute(insert(LINK), rows)
    async with ledger.read() as connection:
        assert sorted(await usual(connection, ACCOUNT, 40 * 86_400.0)) == [2, 3]


async def test_latest_with_signals(ledger: Ledger) -> None:
    """What the model knew of somebody is that of the newest decision that carries it, however many came later without."""
    await fill(
        ledger,
        record(1, 1.0, risk_subject=7, signals=b"a"),
        record(2, 2.0, risk_subject=7, signals=b"b"),
        record(3, 3.0),
        record(4, 4.0, risk_subject=8),
    )
    async with ledger.read() as connection:
        assert await latest_with_signals(connection, 7) == "r002"
        assert await latest_with_signals(connection, 9) is None


async def test_paid(ledger: Ledger) -> None:
    """What an account has bought is what succeeded, in the currency of most of it."""
    more = {
        "kind": "purchase",
        "account": 5,
        "tokens": 1,
        "decision": "allow",
        "action": "accept",
        "reason": "ok",
        "hold_ratio": 0.0,
        "held": 0,
    }
    told = [("EUR", "succeeded", True), ("EUR", "succeeded", False), ("USD", "succeeded", False), ("EUR", "failed", False)]
    rows = [
        {
            "id": f"p{n}",
            "attempt": 1,
            "record": f"q{n}",
            "at": 1.0,
            "amount_minor": 100,
            "currency": currency,
            "outcome": outcome,
            "disputed": disputed,
            **more,
        }
        for n, (currency, outcome, disputed) in enumerate(told)
    ]
    async with ledger.write() as connection:
        await connection.execute(insert(PURCHASE), rows)
    async with ledger.read() as connection:
        assert await paid(connection, 5) == Paid(2, 200, "EUR", 1)
        assert await paid(connection, 6) is None
