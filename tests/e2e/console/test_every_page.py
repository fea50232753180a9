"""Every page, light and dark, wide and on a phone, at 200 %: usable by all, no wider than its window, and nothing goes wrong in it."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.console.chromium import Scheme, Visitor
from tests.e2e.console.office import ADA, HOSTILE_AGENT, HOSTILE_PATH, TOM, Office
from tests.e2e.serving import until

NOWHERE, PHONE = "/nowhere", 390
SIZES = ((1440, 1000), (720, 500), (PHONE, 844))  # to whom everything is enlarged to 200 % half as many pixels are left
PAGES = (
    "/overview", "/queue", "/queue?tab=closed", "/queue?tab=campaigns", "/queue?tab=quality", "/queue?tab=appeals", "/traffic", "/rules",
    "/rules/looked-into", "/rules/looked-into/compare",
    "/rules/new", "/models", "/lists", "/audit", "/privacy", "/users", "/users/2", "/account", "/search?q=acct", "/styleguide",
    "/campaigns", "/cases/{case}", NOWHERE,
)  # fmt: skip


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


@pytest.fixture(scope="module")
def visit(busy: Busy) -> Iterator[Visitor]:
    """An admin's window."""
    with busy.place.desk(ADA) as one:
        yield one


@pytest.fixture
def wide(visit: Visitor) -> Iterator[Page]:
    """It, as wide and as light as at first."""
    size = visit.page.viewport_size
    assert size is not None
    yield visit.page
    visit.page.set_viewport_size(size)
    visit.page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("path", PAGES)
def test_pages(busy: Busy, visit: Visitor, wide: Page, path: str) -> None:
    """Nothing has to be scrolled sideways, also on a phone and at 200 %; scripts and the page's policy have nothing to complain of; and axe
    finds no violation, nor in the dark, where the page is the same but for its colours.
    """
    visit.go(path.format(case=busy.case))
    found = visit.violations()
    wide.emulate_media(color_scheme="dark")
    found += visit.violations(colours=True)
    for width, height in SIZES:
        wide.set_viewport_size({"width": width, "height": height})
        if width == PHONE:
            wide.reload()  # as a phone opens it
        if (wider := visit.overflow_px()) > 0:
            found.append(f"{wider} px wider than a window of {width}")
    if path != NOWHERE:
        found += visit.errors
    visit.errors.clear()
    assert found == []


def test_names_on_the_chart(visit: Visitor) -> None:
    """What changed stands over its line: the name of the policy that was begun with, within the chart."""
    mark = visit.go("/traffic").locator(".lane-mark").first
    expect(mark).to_contain_text("policy")
    box, chart = mark.bounding_box(), visit.page.locator("[data-lane='allow'] .u-over").bounding_box()
    assert box is not None
    assert chart is not None
    assert chart["x"] <= box["x"]
    assert box["x"] + box["width"] <= chart["x"] + chart["width"] + 1


@pytest.mark.parametrize(("width", "scheme"), [("desk", "light"), ("desk", "dark"), ("phone", "light")])
def test_panel(busy: Busy, width: str, scheme: Scheme) -> None:
    """The page of a case with its panel open; what callers sent is shown, and does nothing."""
    with busy.place.desk(ADA, width=width, scheme=scheme) as visit:
        evidence = f"/cases/{busy.case}?show=requests"
        page = visit.go(evidence)
        until(lambda: "U+202E" in visit.go(evidence).content())
        expect(page.locator("#case")).to_contain_text("<script>")
        assert page.title() != "owned"
        page.locator("button[data-preview*='then=block']").click()
        expect(page.locator(".preview")).to_contain_text("for the last 24 h")
        assert (visit.violations(), visit.overflow_px()) == ([], 0)
