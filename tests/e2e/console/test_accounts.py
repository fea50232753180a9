"""Accounts in a real browser: who is let in, for how long, and what of it the audit has; and by keys alone."""

from playwright.sync_api import expect

from tests.e2e.console.chromium import visitor
from tests.e2e.console.office import ADA, EVE, GUS, INA, PASSWORD, TOM, VAL, Office


def test_disabled_at_once(place: Office) -> None:
    """Whoever is put out by an admin is out with the next click, and comes in again once enabled."""
    with place.desk(ADA) as admin, place.desk(INA) as analyst:
        analyst.go("/queue")
        page = admin.go("/users")
        page.click(f"a:has-text('{INA.login}')")
        page.click("button:has-text('Disable and log out')")
        expect(page.locator("#toast")).to_contain_text("logged out everywhere")
        analyst.page.click("nav a:has-text('Rules')")
        analyst.page.wait_for_url("**/login?next=/rules")
        page.click("button:has-text('Enable')")
        analyst.page.fill("[name=login]", INA.login)
        analyst.page.fill("[name=password]", PASSWORD)
        analyst.page.click("button:has-text('Log in')")
        analyst.page.wait_for_url("**/rules")


def test_keys_alone(place: Office) -> None:
    """Log in and set another password without a mouse; the other window of the same person is logged out, this one is not."""
    another = "lantern under the harbour"
    with place.desk(TOM) as elsewhere, visitor(place.browser, place.running.operator) as one:
        page = one.go("/login?next=/account")
        page.keyboard.type(TOM.login)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/account")
        for old, new in ((PASSWORD, another), (another, PASSWORD)):
            page.focus("[name=current]")
            page.keyboard.type(old)
            page.keyboard.press("Tab")
            page.keyboard.type(new)
            with page.expect_navigation():
                page.keyboard.press("Enter")
            expect(page.locator("h1")).to_have_text("Account")
            expect(page.locator(".wrong")).to_have_count(0)
        assert elsewhere.go("/queue").url.endswith("/login?next=/queue")
        assert one.go("/queue").url.endswith("/queue")
        assert one.errors == []


def test_roles_are_what_one_sees(place: Office) -> None:
    """Sections that are not for somebody are not shown, and not answered."""
    for person, shown, hidden in ((VAL, 7, ["Audit", "Users"]), (INA, 8, ["Users"]), (EVE, 9, [])):
        with place.desk(person) as one:
            names = one.page.locator("nav.bar-sections a").all_inner_texts()
            assert (len(names), [name for name in ("Audit", "Users") if name not in names]) == (shown, hidden)
            for name in hidden:
                expect(one.go(f"/{name.lower()}").locator("h1")).to_have_text("Not allowed")
            one.errors.clear()  # which say that these were refused


def test_the_audit_has_it(place: Office) -> None:
    """Who did what, unfolded by a click, and the chain whole."""
    with place.desk(ADA) as one:
        page = one.go("/audit?kind=person.invited")
        expect(page.locator("tbody tr")).to_have_count(3)
        page.locator("summary", has_text=VAL.login).click()
        expect(page.locator("details[open]")).to_contain_text("viewer")
        page.click("button:has-text('Verify now')")
        expect(page.locator(".page-head")).to_contain_text("whole at")
        with page.expect_download() as file:
            page.click("a:has-text('Export CSV')")
        assert file.value.suggested_filename == "audit.csv"


def test_guesses(place: Office) -> None:
    """After five in vain the page says when the next is possible, and does not say whether there is such a login."""
    said = []
    for login in (GUS.login, "nobody"):
        with visitor(place.browser, place.running.operator) as one:
            page = one.go("/login")
            for _ in range(6):
                page.fill("[name=login]", login)
                page.fill("[name=password]", "a wrong password")
                page.click("button:has-text('Log in')")
                expect(page.locator(".failing")).to_contain_text("Not logged in.")
            said.append(page.locator(".failing").inner_text().partition("possible at")[0])
    assert said[0] == said[1]
    assert "Too many tries" in said[0]
