"""Pages of rules, on a real ledger: what they show to whom, and what people do there."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from ratelimit.console.render import Console
from ratelimit.console.rule_page import RulePage
from ratelimit.console.rules import RulePages
from ratelimit.core.principal import Principal
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.rules import add_days
from ratelimit.review.backtests import Backtests
from ratelimit.review.rule_dossier import RuleFacts
from ratelimit.review.rules import Promotion
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.server import find_server
from tests.console.conftest import Browser, Serve
from tests.ledger.database import opened, sqlite_url
from tests.review import rule_story
from tests.review.rule_ledger import DAY_S
from tests.review.rule_site import ANA, MIRA, TEXT, TOM, WHY, Site
from tests.stores.asker import clock
from tests.stores.conftest import Node

VERA = msgspec.structs.replace(TOM, id=9, login="p9", role="viewer")
PAGE = "/rules/card-testing"


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with contextlib.closing(Node(find_server())) as made:
        yield made


@pytest.fixture(scope="module")
def story(node: Node, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A ledger in which it has happened, and what time it is then; on SQLite, since what differs is tested where it is asked."""
    folder = tmp_path_factory.mktemp("story")

    async def tell() -> float:
        async with standing(node, folder) as site:
            await rule_story.tell(site)
            return site.now

    return folder, asyncio.run(tell())


@contextlib.asynccontextmanager
async def standing(node: Node, folder: Path) -> AsyncIterator[Site]:
    node.client.flushall()
    store = RedisStore(Options(node.url, clock, 5.0, "check"))
    await store.open()
    async with opened(sqlite_url(folder)) as ledger:
        yield Site(ledger, store)
    await store.close()


@pytest.fixture
async def told(node: Node, story: tuple[Path, float], tmp_path: Path) -> AsyncIterator["Told"]:
    """The story, for one test to go on."""
    folder, now = story
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    async with standing(node, tmp_path) as site:
        site.now = now
        await site.overlay.look()
        backtests = Backtests(site.ledger, lambda: site.now)
        yield Told(site, backtests, site.ledger)
        await backtests.close()


class Told:
    """The story and its pages."""

    def __init__(self, site: Site, backtests: Backtests, ledger: Ledger) -> None:
        self.site, self.backtests, self.ledger = site, backtests, ledger

    async def browser(self, serve: Serve, who: Principal = MIRA) -> Browser:
        site = self.site
        console = Console("Europe/Berlin", clock=lambda: site.now)
        facts = RuleFacts(self.ledger, lambda: site.now)
        pages = RulePages(console, site.rules, site.drafts, facts)
        return await serve([*pages.routes(), *RulePage(console, site.rules, site.drafts, self.backtests, facts).routes()], who)


async def test_shown(told: Told, serve: Serve) -> None:
    """A rule shows where it stands, what it changes, what was found, whom it met, and what comes next; no caller's text is live."""
    status, page, headers = await (await told.browser(serve)).get(PAGE)
    assert status == 200
    for words in (
        "v4 in shadow", "v3 live", "Version 4 would block where version 3 holds 50", "Valid, 4 signals",
        "Fraud among reviewed, at least 85",
        "6 of 7", "Next: canary", "Precision by version", "Would have blocked", "different cards in 1 h", "Who it hits", "Mira Keller",
    ):  # fmt: skip
        assert words in page, words
    assert "<script>alert" not in page
    assert "style=" not in page
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_for_whom(told: Told, serve: Serve) -> None:
    """A viewer sees names cut and nothing to press; an analyst may ask, an admin decides."""
    _, page, _ = await (await told.browser(serve, VERA)).get(PAGE)
    assert "acc_0•••" in page
    assert "Pause version" not in page
    assert "Run again" not in page
    _, page, _ = await (await told.browser(serve, TOM)).get(PAGE)
    assert "Ask for canary" in page
    assert "Roll back" not in page
    _, page, _ = await (await told.browser(serve, MIRA)).get(PAGE)
    assert "Start canary" in page
    assert "Roll back" in page


async def test_promoted(told: Told, serve: Serve) -> None:
    """The next step is taken from the page; what is not met is said there, and passed over with a reason; a late click is told so."""
    browser = await told.browser(serve)
    form = {"step": "shadow", "to": "canary", "share": "0.1"}
    status, page, _ = await browser.post(f"{PAGE}/4/promote", form)
    assert status == 422
    assert "Seven days in shadow: 6 of 7. Say why" in page
    status, _, headers = await browser.post(f"{PAGE}/4/promote", {**form, "why": WHY})
    assert (status, headers["Location"]) == (303, f"{PAGE}?version=4&done=canary")
    _, page, _ = await browser.get(headers["Location"])
    assert "v4 in canary for 10" in page
    assert "For its share of subjects" in page
    status, page, _ = await browser.post(f"{PAGE}/4/promote", {**form, "why": WHY})
    assert status == 409
    assert "is at the step canary by now" in page
    told.site.now += 2 * DAY_S
    _, _, headers = await browser.post(f"{PAGE}/4/promote", {"step": "canary", "to": "live", "why": WHY})
    assert headers["Location"].endswith("done=asked")
    _, page, _ = await (await told.browser(serve, ANA)).get(PAGE)
    assert "asks for it" in page
    assert "Put live" in page


async def test_paused_and_rolled_back(told: Told, serve: Serve) -> None:
    """What is live is paused, and an earlier version is put in its place."""
    browser = await told.browser(serve)
    status, _, _ = await browser.post(f"{PAGE}/3/pause", {"why": WHY})
    assert status == 303
    assert await told.site.places() == [("card-testing", 3, "paused"), ("card-testing", 4, "candidate")]
    status, _, headers = await browser.post(f"{PAGE}/2/restore", {"why": WHY})
    assert headers["Location"].endswith("done=live")
    assert await told.site.places() == [("card-testing", 2, "live"), ("card-testing", 4, "candidate")]
    status, page, _ = await browser.post(f"{PAGE}/2/pause", {"why": "so"})
    assert (status, "Not paused: say why" in page) == (422, True)


async def test_tested_from_the_page(told: Told, serve: Serve) -> None:
    """A backtest is begun, tells how far it is, and the page is asked for again when it has ended."""
    browser = await told.browser(serve, TOM)
    status, _, headers = await browser.post(f"{PAGE}/4/backtest", {"days": "90"})
    assert (status, headers["Location"]) == (303, f"{PAGE}?version=4#backtest")
    status, part, _ = await browser.get(f"{PAGE}/4/backtest", HX_Request="true")
    assert (status, "hx-get" in part) == (200, True)
    status, page, _ = await browser.post(f"{PAGE}/4/backtest", {"days": "90"})
    assert (status, "Not tested: p3 tests version 4" in page) == (409, True)
    await told.backtests.wait("card-testing")
    _, _, headers = await browser.get(f"{PAGE}/4/backtest", HX_Request="true")
    assert headers["HX-Redirect"] == f"{PAGE}?version=4"
    await browser.post(f"{PAGE}/4/backtest", {"days": "30"})
    await browser.post(f"{PAGE}/4/backtest/leave", {})
    await told.backtests.wait("card-testing")
    _, page, _ = await browser.get(PAGE)
    assert "Left before it was done" in page
    status, _, _ = await browser.post(f"{PAGE}/4/backtest", {"days": "many"})
    assert status == 422


async def test_written(told: Told, serve: Serve) -> None:
    """A rule is written with its problems by line beside it, saved as a draft, edited, and dropped."""
    browser = await told.browser(serve, TOM)
    _, page, _ = await browser.get("/rules/new")
    assert "Valid, as the policy" in page
    assert "purchase.cards_1h" in page
    _, part, _ = await browser.post("/rules/check", {"name": "", "text": "on: purchase\nwhen: purchase.vpm\nthen: blok\nreason: x"})
    assert "line 2:7" in part
    assert "2 problems" in part
    status, page, _ = await browser.post("/rules/new", {"name": "new", "text": TEXT})
    assert (status, "new is taken here" in page) == (422, True)
    status, page, _ = await browser.post("/rules/new", {"name": "<b>", "text": TEXT})
    assert (status, "<b>" in page) == (422, False)
    status, _, headers = await browser.post("/rules/new", {"name": "mine", "text": TEXT})
    assert (status, headers["Location"]) == (303, "/rules/mine?version=1&done=saved")
    _, page, _ = await browser.get(headers["Location"])
    assert "Not tested yet" in page
    _, page, _ = await browser.get("/rules/mine/edit")
    assert "Draft 1 is changed in its place" in page
    status, page, _ = await browser.post("/rules/mine/edit", {"text": "then: block"})
    assert (status, "3 problems" in page) == (422, True)
    status, _, _ = await browser.post("/rules/mine/edit", {"text": TEXT.replace("3", "4")})
    assert status == 303
    assert (await told.site.rules.get("mine")).versions[0].rule["when"] == "purchase.cards_1h >= 4"
    status, _, headers = await browser.post("/rules/mine/1/drop", {})
    assert (status, headers["Location"]) == (303, "/rules")


async def test_list_and_compare(told: Told, serve: Serve) -> None:
    """All rules stand in a list with what they met; two versions stand against one another."""
    browser = await told.browser(serve)
    _, page, _ = await browser.get("/rules")
    assert "1 in force · 1 tried" in page
    assert "by what is tried" in page
    _, page, _ = await browser.get(f"{PAGE}/compare?a=1&b=4")
    assert "Version 4 against 1" in page
    assert "is-gone" in page
    for path in (
        f"{PAGE}/compare?a=9",
        f"{PAGE}/compare?a=x",
        f"{PAGE}?version=x",
        f"{PAGE}?version=9",
        "/rules/nobody",
        f"{PAGE}/x/backtest",
    ):
        status, _, _ = await browser.get(path)
        assert status == 404, path


async def test_concurrent_clicks(told: Told, serve: Serve) -> None:
    """Of two who click at once one is told that somebody was faster."""
    browser = await told.browser(serve)
    form = {"step": "shadow", "to": "canary", "share": "0.1", "why": WHY}
    both = await asyncio.gather(browser.post(f"{PAGE}/4/promote", form), browser.post(f"{PAGE}/4/promote", form))
    assert sorted(status for status, _, _ in both) == [303, 409]


async def test_on_requests(told: Told, serve: Serve) -> None:
    """A rule on requests is tried on records, and shows by day how many it met."""
    site, text = told.site, "on: request\nwhen: request.failed_logins_10m >= 10\nthen: block\nreason: many failed logins"
    await site.drafts.draft(MIRA, "logins", text)
    await told.backtests.start(MIRA, "logins", 1, 30)
    await told.backtests.wait("logins")
    await site.rules.promote(MIRA, "logins", 1, Promotion(step="backtest", to="shadow"))
    site.now += DAY_S
    day = datetime.fromtimestamp(site.now, UTC).date().isoformat()
    async with told.ledger.write() as connection:
        await add_days(connection, {("logins", 1, day, True): 1_234})
    status, page, _ = await (await told.browser(serve)).get("/rules/logins")
    assert status == 200
    for words in ("1,234", "matches of subjects", "Throttled", "nobody has reviewed any", "0 requests, each judged as it stood then"):
        assert words in page, words
