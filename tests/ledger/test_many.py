"""Many rows with one statement."""

from typing import Any

from sqlalchemy import select

from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.many import AT_ONCE, Insert, Look
from ratelimit.ledger.tables.purchase import LINK
from ratelimit.ledger.tables.record import RECORD

NAMES = ("subject", "entity", "how", "first_at", "last_at", "count")


async def test_pairs(ledger: Ledger) -> None:
    """Of very many keys, of two columns, those that are there are found, and of each no other that shares one of the two."""
    rows: list[tuple[Any, ...]] = [(one, one % 7, "paid", 1.0, 2.0, 3) for one in range(2 * AT_ONCE + 1)]
    async with ledger.write() as connection:
        await Insert(LINK, NAMES)(connection, rows)
        found = await Look(LINK, ("subject", "entity"), ("subject", "entity"))(connection, [(one, 3) for one in range(2 * AT_ONCE + 1)])
        assert await Look(LINK, ("subject",), ("subject",))(connection, []) == []
    assert sorted((row.subject, row.entity) for row in found) == [(one, 3) for one in range(2 * AT_ONCE + 1) if one % 7 == 3]


async def test_conflict(ledger: Ledger) -> None:
    """What is there stays, unless the statement says otherwise."""
    add = Insert(LINK, NAMES, '(subject, entity, how) DO UPDATE SET "count" = link."count" + excluded."count"')
    async with ledger.write() as connection:
        for insert, count in ((add, 1), (add, 2), (Insert(LINK, NAMES), 100)):
            await insert(connection, [(1, 2, "paid", 1.0, 2.0, count)])
            await insert(connection, [])
        counts = (await connection.execute(select(LINK.c["count"]))).scalars().all()
    assert counts == [3]


async def test_values(ledger: Ledger) -> None:
    """What is not there is null, a tree is read as what it was, and bytes are bytes."""
    names = ("id", "at", "decision", "reason", "method", "path", "cost", "status", "signals", "shadow")
    told = ("r", 1, "block", "deny_listed", "GET", "/\U0001f40d'\"\\{}", 1)
    async with ledger.write() as connection:
        await Insert(RECORD, names)(connection, [(*told, None, None, None), ("s", *told[1:], 403, b"\0\xff", '[{"a": null}]')])
        rows = (await connection.execute(select(*(RECORD.c[name] for name in names)).order_by(RECORD.c.id))).all()
    assert [tuple(row) for row in rows] == [(*told, None, None, None), ("s", *told[1:], 403, b"\0\xff", [{"a": None}])]
