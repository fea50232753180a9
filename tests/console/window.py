"""A window of a real Chromium on a console of its own. It notes what went wrong: errors of scripts, and what the page's policy forbids."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright, expect

from tests.chromium import PATIENCE_MS, endpoint

expect.set_options(timeout=PATIENCE_MS)


@asynccontextmanager
async def window(program: Path, *, width: int = 1440, height: int = 900, dark: bool = False, expected: str = "") -> AsyncIterator[Page]:
    """A window; whatever was an error in it fails the test at its end, save answers with the status that is `expected`."""
    errors: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect(endpoint(program))
        page = await browser.new_page(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
        )
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(f"script: {error}"))
        page.on("console", lambda said: errors.append(f"console: {said.text}") if said.type in {"error", "warning"} else None)
        yield page
        await browser.close()
    wrong = [error for error in errors if not expected or expected not in error]
    assert wrong == [], wrong


async def press(page: Page, keys: str) -> None:
    """Press keys one after another; those with a modifier are written as Playwright has them, such as `Control+Enter`."""
    for key in keys.split():
        await page.keyboard.press(key)


async def here(page: Page) -> str:
    """The row that has the focus, "" if none has."""
    return str(await page.evaluate("document.activeElement.closest('[data-row]')?.dataset.row ?? ''"))


async def ticked(page: Page) -> list[str]:
    """The rows that are ticked."""
    return [str(one) for one in await page.evaluate("[...document.querySelectorAll('.is-selected')].map(row => row.dataset.row)")]
