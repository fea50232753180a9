"""Campaigns: cases that share what hardly anybody good shares."""

from sqlalchemy import insert, select, update

from ratelimit.core.message import Entity
from ratelimit.ledger import campaigns, queue
from ratelimit.ledger.cases import Money, QueueFilter
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.case import CAMPAIGN, CASE
from ratelimit.ledger.tables.purchase import LINK
from ratelimit.ledger.tables.subject import SUBJECT
from tests.review.case_site import DAY, NOW, account, bought, flagged, rule, subject

CARD, HOME, DOMAIN = Entity("card", "c1"), Entity("ip", "203.0.113.7"), Entity("email_domain", "mailbox.test")


async def link(ledger: Ledger, name: str, *entities: Entity) -> None:
    one = await subject(ledger, account(name))
    for entity in entities:
        other = await subject(ledger, entity)
        row = {"subject": one, "entity": other, "how": "paid", "first_at": NOW, "last_at": NOW, "count": 1}
        async with ledger.write() as connection:
            await connection.execute(insert(LINK).values(row))


async def of_cases(ledger: Ledger) -> list[int | None]:
    async with ledger.read() as connection:
        return list((await connection.execute(select(CASE.c.campaign).order_by(CASE.c.number))).scalars())


async def test_one_card(ledger: Ledger) -> None:
    """Cases of accounts with one card are one campaign, from the second on; who shares a domain alone is in none."""
    for name in ("a1", "a2", "a3"):
        await link(ledger, name, CARD, DOMAIN)
    await link(ledger, "a4", DOMAIN)
    await bought(ledger, await subject(ledger, account("a1")), 2_500)
    await flagged(ledger, rule(anchor=account("a1")), rule(anchor=account("a4")))
    assert await of_cases(ledger) == [None, None]
    await flagged(ledger, rule(anchor=account("a2")), rule(anchor=account("a3")))
    assert await of_cases(ledger) == [1, None, 1, 1]
    async with ledger.read() as connection:
        (row,) = await campaigns.page(connection, 9, NOW)
        assert await campaigns.get(connection, 2, NOW) is None
        assert await campaigns.cases_of(connection, 1, {3}) == [1, 4]
        found = await queue.page(connection, QueueFilter(campaign=1), 0, NOW)
    assert (row.entity.kind, row.state, row.cases, row.open, row.at_risk) == ("card", "open", 3, 3, (Money(2_500, "EUR"),))
    assert ([one.number for one in found.rows], found.totals.tabs["campaigns"]) == ([1, 3, 4], 3)


async def test_snoozed(ledger: Ledger) -> None:
    """Those that are put off are counted among the open ones, and by themselves, until they wake."""
    for name in ("a1", "a2"):
        await link(ledger, name, CARD)
    await flagged(ledger, rule(anchor=account("a1")), rule(anchor=account("a2")))
    async with ledger.write() as connection:
        await connection.execute(update(CASE).where(CASE.c.number == 2).values(snoozed_until=NOW + DAY))
    async with ledger.read() as connection:
        for now, snoozed in ((NOW, 1), (NOW + DAY, 0)):
            row = await campaigns.get(connection, 1, now)
            assert row is not None
            assert (row.open, row.snoozed) == (2, snoozed)


async def test_what_many_share(ledger: Ledger) -> None:
    """An address that six good accounts share makes no campaign, one that five share does."""
    for name in ("a1", "a2"):
        await link(ledger, name, HOME)
    for good, expected in ((6, [None, None]), (5, [1, 1])):
        async with ledger.write() as connection:
            await connection.execute(update(SUBJECT).where(SUBJECT.c.kind == "ip").values(good=good))
            await connection.execute(CASE.delete())
        await flagged(ledger, rule(anchor=account("a1")), rule(anchor=account("a2")))
        assert [one is not None for one in await of_cases(ledger)] == [one is not None for one in expected]


async def test_the_anchor_itself(ledger: Ledger) -> None:
    """A case of the address, and those of accounts that used it, are one."""
    await link(ledger, "a1", HOME)
    await flagged(ledger, rule(anchor=HOME), rule(anchor=account("a1")))
    assert await of_cases(ledger) == [1, 1]


async def test_it_ends(ledger: Ledger) -> None:
    """With its last open case; later ones are another's."""
    for name in ("a1", "a2", "a3", "a4"):
        await link(ledger, name, CARD)
    await flagged(ledger, rule(anchor=account("a1")), rule(anchor=account("a2")))
    async with ledger.write() as connection:
        await connection.execute(update(CASE).values(state="closed", closed_at=NOW))
    async with ledger.read() as connection:
        assert await campaigns.page(connection, 9, NOW) == []
        found = await campaigns.get(connection, 1, NOW)
    assert found is not None
    assert (found.state, found.open, found.cases, found.closed_at) == ("closed", 0, 2, NOW)
    late = NOW + 30 * DAY
    await flagged(ledger, rule(anchor=account("a3"), at=late), rule(anchor=account("a4"), at=late), now=late)
    assert await of_cases(ledger) == [1, 1, 2, 2]
    async with ledger.read() as connection:
        assert list((await connection.execute(select(CAMPAIGN.c.cases).order_by(CAMPAIGN.c.number))).scalars()) == [2, 2]
