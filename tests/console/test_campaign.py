"""Campaigns: their list, and the page of one."""

import pytest

from ratelimit.console.campaign import CampaignPages
from ratelimit.console.render import Console
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import CampaignRow, Money, QueueFilter, QueuePage, SubjectRef
from ratelimit.review.cases import NotFoundError
from tests.console.conftest import NOW, Serve
from tests.console.queue_sample import sample


def row(number: int, shown: str = "card •4821") -> CampaignRow:
    return CampaignRow(
        number=number, entity=SubjectRef(4, "card", shown, NOW - 90_000, good=3, fraud=2), state="open", opened_at=NOW - 7_000, cases=12,
        open=8, snoozed=2, at_risk=(Money(120_400, "EUR"),), priority=1, version=1,
    )  # fmt: skip


class Cases:
    """Sixty campaigns, each with the sample's cases."""

    def __init__(self) -> None:
        self.asked: list[QueueFilter] = []

    async def campaigns(self, most: int = 50, before: int | None = None) -> list[CampaignRow]:
        return [row(number, "<script>\u202e") for number in range((before or 61) - 1, 0, -1)][:most]

    async def campaign(self, number: int) -> CampaignRow:
        if number != 17:
            raise NotFoundError(f"there is no campaign K-{number}")
        return row(17)

    async def queue(self, wanted: QueueFilter, _principal: Principal) -> QueuePage:
        self.asked.append(wanted)
        return sample(NOW)


async def test_list(serve: Serve, console: Console) -> None:
    """The latest come first, page by page; what they share is hostile text."""
    browser = await serve(CampaignPages(console, Cases()).routes())
    _, page, _ = await browser.get("/campaigns")
    assert page.count("data-row=") == 50
    assert "&lt;script&gt;" in page
    assert 'href="/campaigns?before=11"' in page
    _, page, _ = await browser.get("/campaigns?before=11")
    assert page.count("data-row=") == 10
    assert "before=" not in page


async def test_one(serve: Serve, console: Console) -> None:
    """A campaign shows what its cases share, and all its open cases, ticked, in the order that is asked for."""
    cases = Cases()
    browser = await serve(CampaignPages(console, cases).routes())
    status, page, _ = await browser.get("/campaigns/17?sort=money")
    assert status == 200
    assert cases.asked == [QueueFilter(tab="campaigns", campaign=17, sort="money", most=200)]
    assert "card •4821" in page
    assert '<a href="/queue?tab=snoozed&amp;campaign=17">2 of them snoozed</a>' in page
    assert "data-tick-all" in page
    assert "<b>8</b> of 12 cases open" in page
    assert 'href="/campaigns/17?tab=campaigns&amp;campaign=17&amp;sort=due&amp;most=200"' in page


@pytest.mark.parametrize("path", ["/campaigns/18", "/campaigns/x", "/campaigns/0", "/campaigns?before=x", "/campaigns/" + "9" * 30])
async def test_no_such_campaign(serve: Serve, console: Console, path: str) -> None:
    """What is no campaign is not there."""
    browser = await serve(CampaignPages(console, Cases()).routes())
    assert (await browser.get(path))[0] == 404


async def test_number_as_people_say_it(serve: Serve, console: Console) -> None:
    """K-17 is 17."""
    browser = await serve(CampaignPages(console, Cases()).routes())
    assert (await browser.get("/campaigns/K-17"))[0] == 200
