"""The page of a case in a real browser, by keyboard alone: evidence, previews, acting, undoing, notes, links, and leaving it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.async_api import Page, expect

from ratelimit.console import plain
from ratelimit.console.queue_work import QueueWork
from ratelimit.console.render import Console
from ratelimit.core.identity import Caller
from tests.console.case_desk import DIGEST, CaseDesk
from tests.console.conftest import Serve, counts
from tests.console.window import press, window
from tests.review.case_site import NOW


class Seen(NamedTuple):
    """A window that shows a case, and the desk behind it."""

    page: Page
    desk: CaseDesk
    base: str

    async def settled(self) -> None:
        """Until nobody asks for anything any more."""
        await self.page.wait_for_load_state("networkidle")


@pytest.fixture
def console() -> Console:
    """A console at the time of the desk's rows."""
    return Console("Europe/Berlin", counts, lambda: NOW)


@pytest.fixture
async def seen(desk: CaseDesk, serve: Serve, console: Console, require: Callable[[str], Path]) -> AsyncIterator[Seen]:
    """A window on the case. What it asks for last is answered before the desk goes."""
    site = await serve([*plain.routes(), *desk.pages, *QueueWork(console, desk.cases).routes()], desk.site.mia)
    async with window(require("chromium")) as page:
        await page.goto(f"{site.base}/cases/{desk.case}")
        yield Seen(page, desk, site.base)


async def test_block_and_undo(seen: Seen) -> None:
    """b, a reason, ctrl enter: it is blocked; u: it is not any more. The evidence stays in view, and nothing was done before the reason."""
    page = seen.page
    await press(page, "b")
    confirm = page.locator("[data-key='ctrl enter']")
    await expect(confirm).to_be_disabled()
    await expect(page.locator("#evidence")).to_be_visible()
    await press(page, "Control+Enter")
    assert not seen.desk.site.blocked(Caller(api_key=DIGEST))
    await press(page, "1")
    await expect(confirm).to_be_enabled()
    await press(page, "Control+Enter")
    await expect(page.locator(".strip.is-block")).to_be_visible()
    await expect(page.locator("[data-toast]")).to_contain_text("Blocked key_5F3C91 for 24 h.")
    assert seen.desk.site.blocked(Caller(api_key=DIGEST))
    await press(page, "u")
    await expect(page.locator(".strip.is-block")).to_have_count(0)
    await expect(page.locator("[data-toast]")).to_contain_text("taken back")


async def test_escape(seen: Seen) -> None:
    """esc closes a preview, and the key's button has the focus again."""
    await press(seen.page, "t")
    await expect(seen.page.locator("#preview-title")).to_have_text("Preview: throttle this key")
    await press(seen.page, "Escape")
    await expect(seen.page.locator("#preview-title")).to_have_count(0)
    await expect(seen.page.locator("[data-key='t']")).to_be_focused()


async def test_spans(seen: Seen) -> None:
    """Another span is another preview, in the same place."""
    await press(seen.page, "b")
    await seen.page.get_by_role("link", name="7 days").click()
    await expect(seen.page.locator("[data-key='ctrl enter']")).to_contain_text("Block for 7 days")


async def test_evidence_unfolds(seen: Seen) -> None:
    """The row in focus unfolds and the one before folds; what the caller sent is text, whole and harmless."""
    page = seen.page
    rows = page.locator("#evidence [data-row]")
    await rows.nth(1).click()
    whole = page.locator("#u-rec00001")
    await expect(whole).to_be_visible()
    await expect(whole).to_contain_text("<script>alert(1)</script>")
    await press(page, "ArrowDown")
    await expect(whole).to_be_hidden()
    await expect(page.locator("#u-rec00002")).to_be_visible()
    assert await page.locator("script:not([src]), [onerror]").count() == 0


async def test_more_evidence(seen: Seen) -> None:
    """More rows come below, and another tab has an address of its own."""
    page = seen.page
    await page.get_by_role("link", name="Show more").click()
    await expect(page.locator("#evidence [data-row]")).to_have_count(20)
    await page.get_by_role("link", name="Purchases").click()
    await expect(page.locator("#evidence")).to_contain_text("€180.00")
    assert page.url.endswith("?show=purchases")
    await page.reload()
    await expect(page.locator("#evidence")).to_contain_text("€180.00")


async def test_hops_and_numbers(seen: Seen) -> None:
    """o adds a hop and takes it away; d opens the numbers of the timeline."""
    page = seen.page
    await press(page, "o")
    await expect(page.locator("[data-key='o']")).to_contain_text("one hop")
    await press(page, "d")
    await expect(page.locator(".numbers table")).to_be_visible()


async def test_note(seen: Seen) -> None:
    """n writes a note, which stands on the page at once."""
    page = seen.page
    await press(page, "n")
    await expect(page.locator("#case-preview textarea")).to_be_focused()
    await page.keyboard.type("looks resold, @tom have a look <b>")
    await press(page, "Control+Enter")
    await expect(page.locator("#notes")).to_contain_text("looks resold, @tom have a look <b>")


async def test_leaving(seen: Seen) -> None:
    """Whoever leaves the page gives the case back."""
    assert (await seen.desk.cases.get(seen.desk.case)).row.locked_by is not None
    await seen.page.goto(f"{seen.base}/subjects/{seen.desk.account}")
    async with asyncio.timeout(60):
        while (await seen.desk.cases.get(seen.desk.case)).row.locked_by is not None:
            await seen.page.wait_for_timeout(20)


@pytest.mark.parametrize("width", [1024, 390, 320])
async def test_narrow(seen: Seen, width: int) -> None:
    """Nothing is wider than the window: wide tables scroll in their panels."""
    page = seen.page
    await page.set_viewport_size({"width": width, "height": 800})
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.locator("[data-preview*='then=block']").click()
    await expect(page.locator("#preview-title")).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
