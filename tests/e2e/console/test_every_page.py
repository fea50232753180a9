"""Every page, light and dark, wide and on a phone, at 200 %: usable by all, no wider than its window, and nothing goes wrong in it."""

from typing import NamedTuple

import pytest
from playwright.sync_api import expect

from tests.e2e.console.chromium import Scheme, Visitor
from tests.e2e.console.office import ADA, HOSTILE_AGENT, HOSTILE_PATH, TOM, Office
from tests.e2e.serving import until

NOWHERE = "/nowhere"
PAGES = (
    "/overview", "/queue", "/queue?tab=closed", "/queue?tab=campaigns", "/queue?tab=quality", "/queue?tab=appeals", "/traffic", "/rules",
    "/rules/looked-into", "/rules/looked-into/compare",
    "/rules/new", "/models", "/lists", "/audit", "/privacy", "/users", "/users/2", "/account", "/search?q=acct", "/styleguide",
    "/campaigns", NOWHERE,
)  # fmt: skip
LOOKS: dict[str, tuple[str, Scheme, float]] = {
    "light": ("desk", "light", 1.0),
    "dark": ("desk", "dark", 1.0),
    "phone": ("phone", "light", 1.0),
    "200 %": ("desk", "light", 2.0),
}


class Busy(NamedTuple):
    """A console at work, and the number of its hostile case."""

    place: Office
    case: int


@pytest.fixture(scope="module")
def busy(place: Office) -> Busy:
    """With somebody hostile, who has a case, and whom a limit refuses."""
    with place.desk(TOM) as desk:
        number = place.case_of("acct-hostile", desk)
    for _ in range(5):
        place.check(api_key="key-hostile", account="acct-hostile", path=HOSTILE_PATH, user_agent=HOSTILE_AGENT)
    return Busy(place, number)


def wrong(visit: Visitor, path: str, *, axe: bool) -> list[str]:
    """What is wrong with a page: what axe finds, and by how much it is wider than its window."""
    visit.go(path)
    found = visit.violations() if axe else []
    if (wider := visit.overflow_px()) > 0:
        found.append(f"{wider} px wider than its window")
    if path != NOWHERE:
        found += visit.errors
    visit.errors.clear()
    return found


@pytest.mark.parametrize("look", LOOKS)
def test_pages(busy: Busy, look: str) -> None:
    """Nothing has to be scrolled sideways, scripts and the page's policy have nothing to complain of, and axe finds no violation: on a
    phone it is asked of a page that has everything on it.
    """
    width, scheme, zoom = LOOKS[look]
    with busy.place.desk(ADA, width=width, scheme=scheme, zoom=zoom) as visit:
        found = {path: wrong(visit, path, axe=width == "desk" and zoom == 1) for path in (*PAGES, f"/cases/{busy.case}")}
    assert {path: problems for path, problems in found.items() if problems} == {}


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_panel(busy: Busy, look: str) -> None:
    """The page of a case with its panel open; what callers sent is shown, and does nothing."""
    width, scheme, zoom = LOOKS[look]
    with busy.place.desk(ADA, width=width, scheme=scheme, zoom=zoom) as visit:
        evidence = f"/cases/{busy.case}?show=requests"
        page = visit.go(evidence)
        until(lambda: "U+202E" in visit.go(evidence).content())
        expect(page.locator("#case")).to_contain_text("<script>")
        assert page.title() != "owned"
        page.locator("button[data-preview*='then=block']").click()
        expect(page.locator(".preview")).to_contain_text("for the last 24 h")
        assert (visit.violations(), visit.overflow_px()) == ([], 0)
