"""The page of a dispute pack: what it says, that it is harmless, and who may see it."""

import pytest

from ratelimit.console.pack import PackPages
from ratelimit.console.render import Console
from ratelimit.core.message import Entity
from ratelimit.core.principal import Principal
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.cases import Cases
from ratelimit.review.dispute_pack import Packs
from tests.console.conftest import Browser, Serve, counts
from tests.review.case_site import NOW, account, bought, flagged, rule, subject
from tests.review.test_dispute_pack import buys

HOSTILE = "a1<script>alert(1)</script>"


@pytest.fixture
def console() -> Console:
    """A console at the time of the rows."""
    return Console("Europe/Berlin", counts, lambda: NOW)


@pytest.fixture
async def browser(ledger: Ledger, console: Console, serve: Serve) -> Browser:
    """An analyst's, with a case."""
    await flagged(ledger, rule(anchor=account("a1")))
    wall = lambda: NOW  # noqa: E731
    return await serve(PackPages(console, Cases(ledger, wall), Packs(ledger, wall)).routes())


async def test_page(ledger: Ledger, browser: Browser) -> None:
    """It says whether it suffices, and shows both kinds of purchases whole."""
    for id, days in (("p0", 5.0), ("p1", 130.0), ("p2", 140.0), ("p3", 20.0)):
        await buys(ledger, id, days)
    status, page, headers = await browser.get("/cases/C-1/pack/p0")
    assert (status, "Two earlier purchases agree" in page, "ada@mailbox.test" in page) == (200, True, True)
    assert "agrees in purchase address, device, account, email" in page
    assert "style=" not in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]


async def test_hostile(ledger: Ledger, browser: Browser) -> None:
    """Names that callers chose stand there as text."""
    buyer = await subject(ledger, Entity("account", HOSTILE))
    await bought(ledger, buyer, id="p/<b>", outcome="succeeded", user_agent=HOSTILE)
    status, page, _ = await browser.get("/cases/1/pack/p%2F%3Cb%3E")
    assert (status, "<script>alert" in page, "p/<b>" in page, "does not suffice" in page) == (200, False, False, True)


async def test_missing(browser: Browser) -> None:
    """What is not known is not found."""
    for path in ("/cases/9/pack/p0", "/cases/1/pack/nobody", "/cases/1/pack/%00"):
        assert (await browser.get(path))[0] == 404


async def test_viewer(ledger: Ledger, console: Console, serve: Serve) -> None:
    """Who sees masked data makes none."""
    await flagged(ledger, rule(anchor=account("a1")))
    await buys(ledger, "p0", 5)
    vic = Principal(id=9, login="vic", name="Vic", role="viewer", via="session")
    pages = PackPages(console, Cases(ledger, lambda: NOW), Packs(ledger, lambda: NOW))
    assert (await (await serve(pages.routes(), vic)).get("/cases/1/pack/p0"))[0] == 403
