"""The console's manners in a real browser: keys, one focus, selection, panels, toasts, and rows that change by themselves."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from ratelimit.console import plain
from ratelimit.console.campaign import CampaignPages
from ratelimit.console.queue import QueuePages
from ratelimit.console.queue_acts import QueueActs
from ratelimit.console.queue_work import QueueWork
from ratelimit.console.reach import Reaches
from ratelimit.console.render import Console
from ratelimit.console.styleguide import Styleguide
from tests.console.conftest import NOW, Browser, Serve
from tests.console.queue_sample import Taken, Views
from tests.console.queue_site import Book, Cases
from tests.console.window import here, press, ticked, window


@pytest.fixture
def cases() -> Cases:
    return Cases()


@pytest.fixture
async def site(serve: Serve, console: Console, cases: Cases) -> Browser:
    reaches = Reaches(console, Book())
    pages = [
        *plain.routes(),
        *reaches.routes(),
        *QueuePages(console, cases, Views(), Taken()).routes(),
        *CampaignPages(console, cases).routes(),
        *QueueWork(console, cases).routes(),
        *QueueActs(console, cases, reaches).routes(),
        *Styleguide(console).routes(),
    ]
    return await serve(pages)


@pytest.fixture
async def page(site: Browser, require: Callable[[str], Path]) -> AsyncIterator[Page]:
    async with window(require("chromium")) as opened:
        await opened.goto(f"{site.base}/queue")
        yield opened


async def test_rows_are_walked(page: Page) -> None:
    """j and k move the one focus, which is the only row to tab to; enter opens it."""
    await press(page, "j j j k")
    assert await here(page) == "2291"
    assert await page.locator("[data-row][tabindex='0']").count() == 1
    await expect(page.locator(".is-here")).to_have_attribute("data-row", "2291")
    await press(page, "k k k")
    assert await here(page) == "2285"
    await page.route("**/cases/2285", lambda route: route.fulfill(body="<title>C-2285</title>", content_type="text/html"))
    await press(page, "Enter")
    await expect(page).to_have_title("C-2285")


async def test_selection(page: Page) -> None:
    """x ticks, shift x ticks a range, the bar says what it comes to, esc unticks."""
    await press(page, "j j x j j Shift+X")
    assert await ticked(page) == ["2291", "2288", "2290"]
    await expect(page.locator("[data-bulk-count]")).to_have_text("3 selected")
    await expect(page.locator("[data-bulk-text]")).to_have_text("€732.40 at risk · no good account hit")
    await expect(page.locator(".foot-keys")).to_be_hidden()
    await press(page, "Escape")
    assert await ticked(page) == []
    await expect(page.locator("[data-bulk]")).to_be_hidden()
    await page.locator("[data-select-all]").check()
    assert len(await ticked(page)) == 8
    await expect(page.locator("[data-bulk-text]")).to_contain_text("€3,946.40 and $84.00 at risk · up to 224 good accounts hit")


async def test_put_off_and_undone_by_keys(page: Page, cases: Cases) -> None:
    """A key opens the panel beside the rows, ctrl enter confirms it, the rows go, and u brings them back after the toast has gone too."""
    await press(page, "j j x j x s")
    await expect(page.locator("#preview h2")).to_have_text("Put off 2 cases")
    await press(page, "3")
    await expect(page.locator("[data-until-of]")).to_have_text("to Mon 09:00")
    assert cases.off == set()
    await press(page, "Control+Enter")
    await expect(page.locator("#toast")).to_contain_text("Put off 2 cases.")
    await expect(page.locator("[data-row]")).to_have_count(6)
    assert cases.off == {2291, 2288}
    assert await here(page)
    await expect(page.locator("#preview form")).to_have_count(0)
    await page.evaluate("document.querySelector('#toast').replaceChildren()")
    await press(page, "u")
    await expect(page.locator("[data-row]")).to_have_count(8)


async def test_many_are_blocked_by_keys(page: Page, cases: Cases) -> None:
    """From rows to a block: b, a reason, ctrl enter. Rows say at once what is done; then nothing is ticked; u takes all back."""
    cases.answer.clear()
    await press(page, "j j x j x b")
    confirm = page.locator("#preview [data-key='ctrl enter']")
    await expect(confirm).to_be_disabled()
    await press(page, "Control+Enter")
    assert cases.did == []
    await page.get_by_text("7 days", exact=True).click()
    await expect(confirm).to_have_text("Block for 7 days ctrl enter")
    await press(page, "2")
    await expect(confirm).to_be_enabled()
    await press(page, "Control+Enter")
    await expect(page.locator("#case-2291 [data-last]")).to_have_text("Blocking")
    await expect(page.locator("#case-2285 [data-last]")).to_have_text("Throttled")
    cases.answer.set()
    await expect(page.locator("#toast")).to_contain_text("Blocked 2 cases for 7 days. On 12 of 12 sidecars after 0.4\u00a0s")
    await expect(page.locator(".toast-glyph use")).to_have_attribute("href", re.compile("#block$"))
    await expect(page.locator("#case-2291 [data-last]")).to_have_text("Blocked")
    await expect(page.locator("#preview form")).to_have_count(0)
    assert cases.did == [(2291, "block", "7d", "leaked key"), (2288, "block", "7d", "leaked key")]
    assert (await ticked(page), await here(page)) == ([], "2288")
    await press(page, "u")
    await expect(page.locator("#toast")).to_contain_text("Taken back: 2 actions.")
    assert cases.did == []


async def test_somebody_was_faster(site: Browser, require: Callable[[str], Path], cases: Cases) -> None:
    """A refusal by the server puts the rows back, leaves the panel, and says who was faster."""
    cases.taken = True
    async with window(require("chromium"), expected="409") as page:
        await page.goto(f"{site.base}/queue")
        await press(page, "j j x j x b 1 Control+Enter")
        await expect(page.locator("#alert")).to_contain_text("Ana Silva allowed it 3 s before you")
        await expect(page.locator("#case-2291 [data-last]")).to_have_text("Blocked")
        await expect(page.locator("#case-2288 [data-last]")).to_have_text("Throttled")
        await expect(page.locator("#preview form")).to_have_count(1)
        await press(page, "Escape")
        await expect(page.locator("#preview form")).to_have_count(0)
        assert await ticked(page) == ["2291", "2288"]


async def test_a_campaign_is_decided_with_exceptions(site: Browser, page: Page, cases: Cases) -> None:
    """All of its cases are ticked; those that are unticked are left out."""
    await page.goto(f"{site.base}/campaigns/17")
    await expect(page.locator("[data-bulk-count]")).to_have_text("8 selected")
    await press(page, "j x j x b 1 Control+Enter")
    await expect(page.locator("#toast")).to_contain_text("Blocked 6 cases for 24 h.")
    assert [case for case, *_ in cases.did] == [2288, 2290, 2276, 2279, 2266, 2250]


async def test_keys_rest_in_a_field(page: Page, cases: Cases) -> None:
    """Letters typed into a field are letters; what needs a reason waits for it; esc goes one step back."""
    await press(page, "j j n")
    text = page.locator("#preview textarea")
    await expect(text).to_be_focused()
    confirm = page.locator("#preview [data-key='ctrl enter']")
    await expect(confirm).to_be_disabled()
    await press(page, "Control+Enter")
    await page.keyboard.type("jjxb look @tomas")
    assert await ticked(page) == []
    await expect(confirm).to_be_enabled()
    await press(page, "Control+Enter")
    await expect(page.locator("#toast")).to_contain_text("Noted on C-2291.")
    assert cases.noted == ["jjxb look @tomas"]
    await expect(text).to_be_hidden()
    await press(page, "/")
    await expect(page.locator("input[type=search]").first).to_be_focused()
    await press(page, "j Escape")
    await expect(page.locator("[data-row='2291']")).to_be_focused()


async def test_all_keys(page: Page) -> None:
    """? shows every key of the page, and keys of the page rest under it."""
    await press(page, "?")
    keys = page.locator("#keys")
    await expect(keys).to_be_visible()
    await expect(keys).to_contain_text("Take next")
    await press(page, "j")
    assert await here(page) == ""
    await press(page, "Escape")
    await expect(keys).to_be_hidden()


async def test_keys_can_be_turned_off(page: Page) -> None:
    """Whoever turned single-letter keys off has none, and their hints are gone."""
    await page.locator(".person summary").click()
    await page.get_by_role("button", name="Turn single-letter keys off").click()
    await page.wait_for_selector("body[data-keys=off]")
    await press(page, "j x ?")
    assert (await here(page), await ticked(page)) == ("", [])
    await expect(page.locator("#keys")).to_be_hidden()
    assert await page.locator("kbd:visible").count() == 0


async def test_keys_of_ones_own(site: Browser, page: Page) -> None:
    """Another key does what the usual one did, which does nothing then; hints and the list of keys say so."""
    await page.context.add_cookies([{"name": "ratelimit_look", "value": "system.on.j=w&b=j&g+o=y", "url": site.base}])
    await page.goto(f"{site.base}/queue")
    await press(page, "w w")
    assert await here(page) == "2291"
    await press(page, "g w")
    assert await here(page) == "2291"
    await press(page, "x w x j")
    await expect(page.locator("#preview")).to_contain_text("Block: 2 cases")
    await press(page, "Escape ?")
    await expect(page.locator("#keys dl > div").filter(has_text="Block").locator("kbd")).to_have_text("j")
    await expect(page.locator("#keys dl > div").filter(has_text="Overview").locator("kbd")).to_have_text(["g", "y"])


async def test_rows_change_by_themselves(page: Page, cases: Cases) -> None:
    """What changed changes in place and keeps focus and ticks; what left is gone; what is new comes where it belongs."""
    await press(page, "j x")
    cases.due_at, cases.hidden = NOW + 5 * 60, {2288}
    await page.evaluate("document.dispatchEvent(new CustomEvent('rows:refresh'))")
    await expect(page.locator("#case-2285 .case-due")).to_contain_text("5 min")
    await expect(page.locator("#case-2288")).to_have_count(0)
    assert (await here(page), await ticked(page)) == ("2285", ["2285"])
    cases.hidden = set()
    await page.evaluate("document.dispatchEvent(new CustomEvent('rows:refresh'))")
    new = page.locator("[data-new] button")
    await expect(new).to_have_text("1 new")  # while something is ticked nothing moves
    await expect(page.locator("#case-2288")).to_have_count(0)
    await new.click()
    await expect(page.locator("[data-row]").nth(2)).to_have_attribute("data-row", "2288")


async def test_the_focus_is_handed_on(page: Page, cases: Cases) -> None:
    """A row that leaves hands the focus to the next."""
    await press(page, "j j j")
    cases.hidden = {2288}
    await page.evaluate("document.dispatchEvent(new CustomEvent('rows:refresh'))")
    await expect(page.locator("#case-2288")).to_have_count(0)
    assert await here(page) == "2290"


async def test_theme(site: Browser, page: Page) -> None:
    """A theme that was chosen wins over the system's, on every page."""
    await page.locator(".person summary").click()
    await page.get_by_role("button", name="Dark").click()
    await page.wait_for_selector("html.theme-dark")
    assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(15, 18, 17)"
    await page.goto(f"{site.base}/styleguide")
    assert await page.evaluate("getComputedStyle(document.body).color") == "rgb(230, 233, 230)"


async def test_no_page_scrolls_sideways(site: Browser, page: Page) -> None:
    """Wide tables scroll inside their panel, never the page, on narrow screens and at 200 % as well."""
    too_wide = {}
    for path in ("/queue", "/styleguide", "/queue?text=nothing&tab=mine"):
        await page.goto(site.base + path)
        for width in (1440, 1180, 1024, 720, 390, 320):
            await page.set_viewport_size({"width": width, "height": 800})
            if over := await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"):
                too_wide[path, width] = over
    assert too_wide == {}


async def test_a_filter_that_is_not_in_force_can_be_set(page: Page) -> None:
    """Its chip opens the form of all filters at its field; f opens the form as well, and esc closes it."""
    await page.get_by_role("button", name="Opened by any").click()
    await expect(page.locator("[data-filter] [name=opened_by]")).to_be_focused()
    await press(page, "Escape")
    await expect(page.locator("[data-filter] form")).to_be_hidden()
    await press(page, "f")
    await expect(page.locator("[data-filter] form")).to_be_visible()


async def test_what_is_not_live_says_since_when(site: Browser, require: Callable[[str], Path]) -> None:
    """While the server does not answer, the rows stay and the bar says since when; then it is live again."""
    async with window(require("chromium"), expected="Failed to load resource") as page:
        await page.goto(f"{site.base}/queue")
        await expect(page.locator("#live")).to_contain_text("Live")
        await page.route("**/queue/rows", lambda route: route.abort())
        await page.evaluate("document.dispatchEvent(new CustomEvent('rows:refresh'))")
        await expect(page.locator("#live")).to_contain_text("Not live since 14:32")
        await expect(page.locator("[data-row]")).to_have_count(8)
        await page.unroute("**/queue/rows")
        await page.evaluate("document.dispatchEvent(new CustomEvent('rows:refresh'))")
        await expect(page.locator("[data-live-word]")).to_have_text("Live")
