"""A rule's way in a real browser: written by an analyst, tested, tried in shadow, put in force by an admin, and taken out again."""

import time

from playwright.sync_api import Page, expect

from tests.e2e.console.chromium import Visitor
from tests.e2e.console.office import ADA, EVE, TOM, VAL, Office
from tests.e2e.serving import until

TEXT = "on: purchase\nwhen: purchase.amount >= 70\nthen: block\nreason: more than anybody pays here\n"
WHY = "shown in the test of the whole way"


def said(place: Office) -> str:
    """Which rule says something of a large purchase, in force or in shadow."""
    answer = place.buy(f"acct-{time.monotonic_ns()}", amount=9_000)
    shadow = [it["limit"] for it in answer.get("shadow", []) if it["limit"] != "many-cards"]
    return f"{answer['action']} {answer.get('rule') or ' '.join(shadow)}".strip()


def write(page: Page, name: str) -> None:
    """A new rule, with a mistake that is shown beside it on the way."""
    page.fill("[name=name]", name)
    page.fill("[name=text]", TEXT.replace("amount", "amuont"))
    expect(page.locator("#problems")).to_contain_text("line 2:7")
    expect(page.locator("#problems")).to_contain_text("did you mean")
    page.fill("[name=text]", TEXT)
    expect(page.locator("#problems")).to_contain_text("Valid")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**/rules/{name}?version=1*")
    expect(page.locator("#toast")).to_contain_text("Saved as a draft")


def tried(page: Page) -> None:
    """A backtest, and then shadow."""
    page.keyboard.press("r")
    expect(page.locator("#backtest")).to_contain_text("each judged as it stood then")
    expect(page.locator("#backtest .rule-big")).to_be_visible(timeout=60_000)
    page.click("#next button:has-text('Start shadow')")
    expect(page.locator("#toast")).to_contain_text("In shadow")


def onward(desk: Visitor, name: str, button: str, toast: str) -> None:
    """The next step, with a reason that passes over what is not met."""
    page = desk.go(f"/rules/{name}")
    if page.locator("#next textarea").count():
        page.fill("#next textarea", WHY)
    if page.locator("#next input[name=share]").count():
        page.check("#next input[name=share][value='0.5']", force=True)  # of accounts, each of which tries anew
    page.click(f"#next button:has-text('{button}')")
    expect(page.locator("#toast")).to_contain_text(toast)


def test_the_whole_way(place: Office) -> None:
    """Each step is obeyed by the sidecar: shadow says, canary and live refuse, paused lets pass."""
    assert said(place) == "accept"
    with place.desk(TOM) as desk:
        page = desk.go("/rules")
        page.keyboard.press("i")
        page.wait_for_url("**/rules/new")
        write(page, "too-large")
        tried(page)
        until(lambda: said(place) == "accept too-large@1")
        expect(page.locator("#next")).to_contain_text("Ask for canary")
        assert desk.violations() == []
    with place.desk(EVE) as desk:  # whose account has no tie to who wrote it
        onward(desk, "too-large", "Start canary", "In canary")
        until(lambda: said(place) == "refuse too-large@1")
        onward(desk, "too-large", "Put live", "Live.")
        until(lambda: said(place) == "refuse too-large")
        page = desk.page
        page.keyboard.press("z")
        page.fill("#why-pause", WHY)
        page.keyboard.press("Control+Enter")
        expect(page.locator("#toast")).to_contain_text("Paused")
        until(lambda: said(place) == "accept")


def test_two_people(place: Office) -> None:
    """Whoever wrote a block does not bring it live: another admin does, who sees that it is asked for."""
    with place.desk(ADA) as desk:
        write(desk.go("/rules/new"), "by-ada")
        tried(desk.page)
        onward(desk, "by-ada", "Start canary", "In canary")
        onward(desk, "by-ada", "Ask for live", "Asked for")
        until(lambda: said(place) == "refuse by-ada@1")
    with place.desk(EVE) as desk:
        page = desk.go("/rules")
        expect(page.locator("main")).to_contain_text("v1 waits to go to live")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/rules/by-ada*")
        expect(page.locator("#next")).to_contain_text(f"{ADA.name} asks for it")
        onward(desk, "by-ada", "Put live", "Live.")
        until(lambda: said(place) == "refuse by-ada")


def test_a_viewer_looks(place: Office) -> None:
    """A viewer finds nothing to press."""
    with place.desk(VAL) as desk:
        for path in ("/rules", "/rules/many-cards", "/rules/many-cards/compare", "/models"):
            assert (path, desk.go(path).locator("main form[method=post]").count()) == (path, 0)
