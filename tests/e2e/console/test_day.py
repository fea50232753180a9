"""An analyst's day in a real browser: from the log-in to a block that a sidecar obeys, and back; with a mouse and with keys alone."""

from playwright.sync_api import Page, expect

from tests.e2e.console.office import ADA, INA, TOM, VAL, Office
from tests.e2e.serving import until


def block(page: Page) -> None:
    """Block for a day, for the first of the reasons."""
    page.click("button[data-preview*='then=block']")
    panel = page.locator(".preview")
    expect(panel).to_contain_text("for the last 24 h")
    confirm = panel.locator("button[type=submit]")
    expect(confirm).to_be_disabled()
    panel.locator("input[name=pick]").first.check()
    expect(confirm).to_be_enabled()
    confirm.click()


def lifted(place: Office, page: Page, account: str) -> None:
    """Its requests pass again, and the page says so, at once or, where the store was slow to answer, when it is opened anew."""
    until(lambda: place.decision(account) == "allow")
    if "is being undone" in page.locator(".strip").inner_text():
        page.reload()
    expect(page.locator(".strip")).to_contain_text("Nothing stands")


def test_block_and_undo(place: Office) -> None:
    """Log in, take the next case, read the evidence, block: a sidecar refuses within a second; undo: it lets pass again."""
    with place.desk(TOM) as desk:
        number = place.case_of("acct-day", desk)
        assert place.decision("acct-day") == "allow"
        page = desk.go("/queue")
        page.click("button:has-text('Take next')")
        page.wait_for_url(f"**/cases/{number}*")
        expect(page.locator("#case")).to_contain_text("acct-day")
        expect(page.locator("#case")).to_contain_text("large amount for a first purchase")
        page.click("a:has-text('Purchases')")
        expect(page.locator("#case")).to_contain_text("€50.00")
        block(page)
        expect(page.locator(".strip")).to_contain_text("Blocked")
        until(lambda: place.decision("acct-day") == "block")
        page.click(".strip button:has-text('Undo')")
        lifted(place, page, "acct-day")


def test_keys_alone(place: Office) -> None:
    """The same without a mouse: g q, j, enter, b, 1, ctrl enter, u."""
    with place.desk(INA) as desk:
        number = place.case_of("acct-keys", desk)
        page = desk.go("/overview")
        page.keyboard.press("g")
        page.keyboard.press("q")
        page.wait_for_url("**/queue*")
        row = page.locator(f"[data-row='{number}']")
        expect(row).to_be_visible()
        for _ in range(20):
            if page.evaluate("document.activeElement.closest('[data-row]')?.dataset.row") == str(number):
                break
            page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/cases/{number}*")
        page.keyboard.press("b")
        expect(page.locator(".preview")).to_contain_text("for the last 24 h")
        page.keyboard.press("1")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".strip")).to_contain_text("Blocked")
        until(lambda: place.decision("acct-keys") == "block")
        page.keyboard.press("Escape")
        page.keyboard.press("u")
        lifted(place, page, "acct-keys")


def test_two_at_once(place: Office) -> None:
    """Who opens a case that somebody is reading is told so, and has to take it over by a word."""
    with place.desk(TOM) as first, place.desk(INA) as second:
        number = place.case_of("acct-two", first)
        first.go(f"/cases/{number}")
        page = second.go(f"/cases/{number}")
        expect(page.locator(".case-locked")).to_contain_text(f"{TOM.name} is reading")
        page.click("button:has-text('Take over')")
        expect(page.locator(".case-locked")).to_have_count(0)


def test_bulk(place: Office) -> None:
    """Several cases are selected with x and blocked together; the panel sums up, and each account is refused."""
    accounts = ["acct-bulk-a", "acct-bulk-b"]
    with place.desk(ADA) as desk:
        numbers = [place.case_of(account, desk) for account in accounts]
        page = desk.go("/queue?text=acct-bulk")
        for count, number in enumerate(numbers, 1):
            page.locator(f"[data-row='{number}'] input[type=checkbox]").click()
            expect(page.locator("[data-bulk]")).to_contain_text(f"{count} selected")
        page.keyboard.press("b")
        panel = page.locator(".preview")
        expect(panel).to_contain_text("2 cases")
        panel.locator("input[name=pick]").first.check()
        panel.locator("button:not([type=button])").last.click()
        until(lambda: [place.decision(account) for account in accounts] == ["block", "block"])


def test_viewer(place: Office) -> None:
    """A viewer reads without the means to act, and never sees an address or an email whole."""
    with place.desk(TOM) as desk:
        number = place.case_of("acct-view", desk)
    with place.desk(VAL) as desk:
        page = desk.go(f"/cases/{number}?show=purchases")
        expect(page.locator("#case")).to_contain_text("acct-view")
        assert page.locator("[data-preview]").count() == 0
        assert "203.0.113.7" not in page.content()
        assert desk.call("POST", f"/v1/cases/{number}/actions", {"then": "block", "reason": "no"})[0] == 403
        desk.errors.clear()  # which says that this was refused
