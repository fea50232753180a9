"""A second person looks at some cases."""

from ratelimit.core.message import Entity
from ratelimit.ledger import queue
from ratelimit.ledger.cases import QueueFilter
from ratelimit.review.cases import Cases
from ratelimit.review.quality import AFTER_S, Quality
from tests.review.case_site import DAY
from tests.review.deed_site import DeedSite


def quality(site: DeedSite, lot: float = 0.0) -> Quality:
    return Quality(site.ledger, site.wall, lambda: lot)


async def closed(site: DeedSite, verdict: str = "fraud", name: str = "a1") -> int:
    number = await site.case(anchor=Entity("account", name))
    await site.act(site.mia, number, "label", verdict=verdict, close=True)
    return number


async def test_a_second_review(site: DeedSite) -> None:
    """It looks like the first, hides what that said, is kept from who said it, and labels nothing."""
    first = await closed(site)
    assert await quality(site).look() == 0
    site.wall.now += AFTER_S + 1
    assert [await quality(site).look(), await quality(site).look()] == [1, 0]
    cases = Cases(site.ledger, site.wall)
    assert await cases.take_next(site.mia) is None
    async with site.ledger.read() as connection:
        hidden = await queue.page(connection, QueueFilter(tab="quality"), site.mia.id, site.wall())
    assert (hidden.found, hidden.rows) == (0, ())
    found = await cases.take_next(site.tom)
    assert found is not None
    row = found.row
    assert (row.opened_by, row.blind, row.risk, found.verdict, found.second_of, row.acted) == ("quality", True, None, None, None, None)
    assert row.reasons == (await cases.get(first)).row.reasons
    labels = await site.labels()
    await site.act(site.tom, row.number, "label", verdict="good", close=True)
    assert await site.labels() == labels
    figures = await quality(site).figures(30 * DAY)
    assert (figures.reviews.n, figures.reviews.agreed) == (1, 0)
    (pair,) = figures.disagreements
    assert (pair.first, pair.second, pair.verdict, pair.second_verdict) == (first, row.number, "fraud", "good")
    site.wall.now += AFTER_S + 1
    assert await quality(site).look() == 0


async def test_the_lot(site: DeedSite) -> None:
    """Whom it does not fall for has none; each case has one lot."""
    await closed(site)
    site.wall.now += AFTER_S + 1
    assert await quality(site, lot=0.06).look() == 1
    assert await quality(site).look() == 0
    assert await Cases(site.ledger, site.wall).take_next(site.tom) is None


async def test_rules(site: DeedSite) -> None:
    """How many of a rule's cases were good, with how sure that is, and what was undone."""
    for number, verdict in enumerate(("fraud", "good", "good")):
        await closed(site, verdict, f"a{number}")
    number = await site.case(anchor=Entity("account", "a9"))
    done = await site.act(site.mia, number)
    await site.actions.undo(site.mia, done.id, "a mistake")
    (rule,) = (await quality(site).figures(DAY)).rules
    assert (rule.rule, rule.decided, rule.good.part, rule.undone, rule.overturned) == ("card-testing", 3, 2, 1, 0)
    assert 0 < rule.good.low < 2 / 3 < rule.good.high < 1
