"""A real Chromium, driven by Playwright: the system's own, headless. Each page notes what went wrong in it.

What a policy of the page forbids shows as an error of its console, and so counts as one.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.chromium import PATIENCE_MS, endpoint

expect.set_options(timeout=PATIENCE_MS)

Scheme = Literal["light", "dark"]

WIDTHS = {"desk": (1440, 1000), "laptop": (1024, 768), "phone": (390, 844)}
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RULES: dict[bool, dict[str, Any]] = {  # all, or those that depend on colours
    False: {"runOnly": {"type": "tag", "values": _TAGS}, "resultTypes": ["violations"]},
    True: {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}, "resultTypes": ["violations"]},
}
_FETCH = """async ([method, path, body]) => {
  const answer = await fetch(path, {method, body, headers: body === null ? {} : {"Content-Type": "application/json"}});
  return [answer.status, await answer.text()];
}"""
_AXE = "async rules => (await axe.run(document, rules)).violations"


@contextmanager
def chromium(program: Path) -> Iterator[Browser]:
    """The browser that runs in this process; `program` is the path of it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect(endpoint(program))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visitor:
    """Somebody with a browser window of their own: cookies, errors and all."""

    context: BrowserContext
    page: Page
    origin: str
    errors: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open a page of the console; it answered, whatever it is."""
        answer = self.page.goto(self.origin + path, wait_until="load")
        assert answer is not None
        return self.page

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Ask as a script of the page that is open would; the status, and what JSON there is."""
        status, text = self.page.evaluate(_FETCH, [method, path, None if body is None else json.dumps(body)])
        return int(status), json.loads(text) if text[:1] in {"{", "["} else text

    def violations(self, *, colours: bool = False) -> list[str]:
        """What axe finds wrong with the page that is open, or with its `colours` alone: rule, how bad, and the first places."""
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
        found = cast("list[dict[str, Any]]", self.page.evaluate(_AXE, _RULES[colours]))
        return [f"{one['id']} ({one['impact']}): {[node['target'] for node in one['nodes'][:3]]}" for one in found]

    def overflow_px(self) -> int:
        """By how much the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@contextmanager
def visitor(browser: Browser, origin: str, *, width: str = "desk", scheme: Scheme = "light") -> Iterator[Visitor]:
    """A new window."""
    wide, high = WIDTHS[width]
    context = browser.new_context(
        viewport={"width": wide, "height": high},
        color_scheme=scheme,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="Europe/Berlin",
    )
    context.set_default_timeout(PATIENCE_MS)
    one = Visitor(context, context.new_page(), origin)
    watch(one)
    try:
        yield one
    finally:
        context.close()


def watch(one: Visitor) -> None:
    """Note what goes wrong: errors of scripts, of the console, and answers that were not found."""
    one.page.on("pageerror", lambda error: one.errors.append(f"script: {error}"))
    one.page.on("console", lambda said: one.errors.append(f"console: {said.text}") if said.type in {"error", "warning"} else None)
