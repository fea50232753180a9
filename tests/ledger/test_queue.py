"""The queue in SQL."""

from random import Random

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from ratelimit.core.message import Entity
from ratelimit.ledger import queue
from ratelimit.ledger.cases import Place, QueueFilter, QueuePage, Sort
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.case import CASE
from tests.review.case_site import DAY, HOUR, NOW, account, flagged, model, rule, warning

ME = 7
HOME = Entity("ip", "198.51.100.42")


async def page(ledger: Ledger, wanted: QueueFilter, now: float = NOW) -> QueuePage:
    async with ledger.read() as connection:
        return await queue.page(connection, wanted, ME, now)


async def mixed(ledger: Ledger) -> None:
    """Six cases."""
    for flag in (rule(anchor=account("rule_50%")), warning(account("warned")), model(HOME), model(account("shy"))):
        await flagged(ledger, flag)
    await flagged(ledger, rule("odd", account("old"), at=NOW - 2 * DAY), rule("late", account("last"), at=NOW - 3 * DAY - HOUR))
    async with ledger.write() as connection:
        await connection.execute(update(CASE).where(CASE.c.number == 4).values(opened_by="audit", blind=True))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (QueueFilter(), [2, 1, 5, 6, 3, 4]),
        (QueueFilter(subject="ip"), [3]),
        (QueueFilter(opened_by="rule"), [1, 5, 6]),
        (QueueFilter(opened_by="model"), [3, 4]),
        (QueueFilter(opened_by="audit"), []),
        (QueueFilter(priority=2), [2]),
        (QueueFilter(within_s=DAY), [2, 1, 3, 4]),
        (QueueFilter(text="C-3"), [3]),
        (QueueFilter(text="198.51.1"), [3]),
        (QueueFilter(text="50%"), [1]),
        (QueueFilter(text="RULE_"), [1]),
        (QueueFilter(text="0%"), [1]),
        (QueueFilter(text="'; DROP\0 TABLE case_; -- \ud800"), []),
        (QueueFilter(assignee=3), []),
        (QueueFilter(tab="closed"), []),
        (QueueFilter(sort="due"), [6, 2, 5, 1, 3, 4]),
        (QueueFilter(sort="opened", subject="account"), [4, 2, 1, 5, 6]),
        (QueueFilter(after="what"), [2, 1, 5, 6, 3, 4]),
        (QueueFilter(after="1e999:1", sort="due"), [6, 2, 5, 1, 3, 4]),
        (QueueFilter(after=f"{10**30}:1"), [2, 1, 5, 6, 3, 4]),
        (QueueFilter(after="2000000000000:2"), [1, 5, 6, 3, 4]),
    ],
    ids=str,
)
async def test_filters(ledger: Ledger, wanted: QueueFilter, expected: list[int]) -> None:
    """What is asked for, in its order; nothing tells a case of the audit from one of the model."""
    await mixed(ledger)
    found = await page(ledger, wanted)
    assert [row.number for row in found.rows] == expected
    if wanted.after is None:
        assert found.found == len(expected)
    assert {row.opened_by for row in found.rows if row.number in {3, 4}} <= {"model"}


async def test_a_common_word(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a text is in the names of very many cases, which are looked for in another way, the same are found."""
    monkeypatch.setattr(queue, "_MANY", 2)
    for number in range(7):
        await flagged(ledger, rule(anchor=account(f"acct_{number}" if number % 2 else f"{number}"), at=NOW - number * HOUR))
    wanted = QueueFilter(text="acct", sort="opened", most=2)
    first = await page(ledger, wanted)
    assert ([row.number for row in first.rows], first.found) == ([2, 4], 3)
    assert [row.number for row in (await page(ledger, replace(wanted, after=first.following))).rows] == [6]
    async with ledger.read() as connection:
        assert await queue.place(connection, 4, wanted, ME, NOW) == Place(2, 3, 2, 6)


async def test_closed(ledger: Ledger) -> None:
    """Closed cases are found by name and by number as open ones are, and counted; an open one is not among them."""
    await mixed(ledger)
    async with ledger.write() as connection:
        await connection.execute(update(CASE).where(CASE.c.number.in_([1, 2, 5])).values(state="closed", closed_at=NOW + CASE.c.number))
    for text, priority, expected in (("rule_", None, [1]), ("c-2", None, [2]), ("C-3", None, []), ("l", None, []), ("ol", 4, [])):
        found = await page(ledger, QueueFilter(tab="closed", text=text, priority=priority))
        assert ([row.number for row in found.rows], found.found) == (expected, len(expected))
    assert (await page(ledger, QueueFilter(tab="closed", text="ol"))).found == 1


async def test_totals(ledger: Ledger) -> None:
    """How many are open, late, and due within the hour."""
    await mixed(ledger)
    total = (await page(ledger, QueueFilter(), NOW + DAY - 60)).totals
    assert (total.open, total.overdue, total.due_soon, total.at_risk) == (6, 1, 2, ())
    assert {tab: count for tab, count in total.tabs.items() if count} == {"unassigned": 6}


@pytest.mark.parametrize("sort", ["priority", "due", "money", "opened", "blast"])
async def test_pages(ledger: Ledger, sort: Sort) -> None:
    """Page by page comes each case once, in the order of one large page; each knows its neighbours."""
    random = Random(4)
    await flagged(ledger, *(rule(anchor=account(f"a{number}"), at=NOW - random.randrange(5) * HOUR) for number in range(23)))
    async with ledger.write() as connection:
        for number in range(1, 24):
            money = random.randrange(3) * 100
            values = {"at_risk_minor": money, "blast_radius": random.randrange(3), "rank": 3 * 10**12 - money}
            await connection.execute(update(CASE).where(CASE.c.number == number).values(values))
    whole = [row.number for row in (await page(ledger, QueueFilter(sort=sort))).rows]
    assert sorted(whole) == list(range(1, 24))
    seen: list[int] = []
    after = None
    while True:
        found = await page(ledger, QueueFilter(sort=sort, most=5, after=after))
        seen += [row.number for row in found.rows]
        after = found.following
        if after is None:
            break
    assert seen == whole
    async with ledger.read() as connection:
        for index in (0, 7, 22):
            place = await queue.place(connection, whole[index], QueueFilter(sort=sort), ME, NOW)
            assert (place.at, place.of) == (index + 1, 23)
            assert place.before == (whole[index - 1] if index else None)
            assert place.after == (whole[index + 1] if index < 22 else None)
        gone = await queue.place(connection, 99, QueueFilter(sort=sort), ME, NOW)
        assert (gone.at, gone.before, gone.after) == (0, None, whole[0])
