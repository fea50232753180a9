"""Appeals in the console: passed on, shown as the hostile text that they are, decided by somebody else."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ratelimit.console import plain
from ratelimit.console.appeal import AppealPages
from ratelimit.console.case import CasePages
from ratelimit.console.render import Console
from ratelimit.core.principal import Principal
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.appeal import AppealAsked, Appeals
from ratelimit.review.cases import Cases
from ratelimit.review.dossiers import Dossiers
from ratelimit.review.seen import Seen
from ratelimit.review.weighing import Weigher
from ratelimit.stores.client import Options, RedisStore
from tests.console.conftest import Browser, Serve, counts
from tests.console.window import window
from tests.review.case_site import NOW
from tests.review.deed_site import POLICY, DeedSite, deed_site
from tests.stores.asker import PATIENCE_S, clock
from tests.stores.conftest import Node

TEXT = "I did <script>alert(1)</script> nothing\u202e"


@pytest.fixture
async def site(ledger: Ledger, own_node: Node) -> AsyncIterator[DeedSite]:
    """A desk."""
    store = RedisStore(Options(own_node.url, clock, PATIENCE_S, "check"))
    await store.open()
    async with deed_site(ledger, store, own_node.url) as made:
        yield made
    await store.close()


async def browser(site: DeedSite, serve: Serve, who: Principal) -> Browser:
    console = Console("Europe/Berlin", counts, lambda: NOW)
    return await serve(AppealPages(console, Cases(site.ledger, site.wall), Appeals(site.actions)).routes(), who)


async def test_through(site: DeedSite, serve: Serve) -> None:
    """Mia blocked; Tom passes the appeal on and overturns it: the block does not stand any more."""
    done = await site.act(site.mia, await site.case())
    tom = await browser(site, serve, site.tom)
    status, page, _ = await tom.get(f"/appeals/new?reference={done.override}")
    assert (status, f'value="{done.override}"' in page) == (200, True)
    status, _, headers = await tom.post("/appeals/new", {"reference": str(done.override), "text": TEXT})
    assert (status, headers["Location"]) == (303, "/cases/2")
    status, page, _ = await tom.get("/cases/2/appeal")
    assert (status, "<script>" in page, "\u202e" in page, "Decide the appeal" in page) == (200, False, False, True)
    _, page, _ = await (await browser(site, serve, site.vic)).get("/cases/2/appeal")
    assert ("nothing" in page, "Decide the appeal" in page) == (False, False)
    mia = await browser(site, serve, site.mia)
    _, page, _ = await mia.get("/cases/2/appeal")
    assert ("decision of yours" in page, "Decide the appeal" in page) == (True, False)
    assert (await mia.post("/cases/2/appeal", {"verdict": "good", "why": "known"}))[0] == 403
    status, _, headers = await tom.post("/cases/2/appeal", {"verdict": "good", "why": "known"})
    assert (status, headers["Location"], site.words()) == (303, "/cases/2", [])
    _, page, _ = await tom.get("/cases/2/appeal")
    assert ("overturned by tom" in page, "Decide the appeal" in page) == (True, False)


async def test_mistakes(site: DeedSite, serve: Serve) -> None:
    """What is wrong stands beside its field; what is no appeal is not found."""
    await site.case()
    tom = await browser(site, serve, site.tom)
    status, page, _ = await tom.post("/appeals/new", {"reference": "<b>", "text": TEXT})
    assert (status, "no decision of that id is remembered" in page, "<b>&" in page) == (404, True, False)
    assert (await tom.post("/appeals/new", {"reference": "x"}))[0] == 422
    assert (await tom.get("/cases/1/appeal"))[0] == 404
    assert (await tom.post("/cases/1/appeal", {"verdict": "good", "why": "w"}))[0] == 404
    assert (await tom.post("/cases/1/appeal", {"verdict": "good", "why": ""}))[0] == 422
    done = await site.act(site.mia, 1)
    await tom.post("/appeals/new", {"reference": str(done.override), "text": TEXT})
    assert (await tom.post("/cases/2/appeal", {"verdict": "unclear", "why": "w"}))[0] == 422


async def test_in_a_browser(site: DeedSite, serve: Serve, require: Callable[[str], Path]) -> None:
    """The case shows what the customer says, harmless, beside the evidence; it is decided there, and the block is lifted."""
    done = await site.act(site.mia, await site.case())
    console = Console("Europe/Berlin", counts, lambda: NOW)
    cases, appeals = Cases(site.ledger, site.wall), Appeals(site.actions)
    made = await appeals.make(site.tom, AppealAsked(str(done.override), TEXT))
    dossiers = Dossiers(site.ledger, Weigher(lambda: POLICY), site.overrides, site.wall)
    pages = CasePages(console, cases, dossiers, Seen(site.ledger, site.wall), lambda _: "").routes()
    shown = await serve([*plain.routes(), *pages, *AppealPages(console, cases, appeals).routes()], site.tom)
    async with window(require("chromium")) as page:
        await page.goto(f"{shown.base}/cases/{made.case}")
        await page.get_by_label("a good customer").check()
        await page.get_by_role("textbox", name="Why").fill("known for a year")
        await page.get_by_role("button", name="Decide the appeal").click()
        await page.wait_for_selector("text=overturned by tom")
    assert site.words() == []
