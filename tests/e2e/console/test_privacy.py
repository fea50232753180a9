"""What people ask about their data and what comes in live, in a real browser: erased by two people, harmless when hostile."""

from playwright.sync_api import expect

from tests.e2e.console.chromium import Visitor
from tests.e2e.console.office import ADA, EVE, HOSTILE_AGENT, HOSTILE_PATH, TOM, Office
from tests.e2e.serving import until

GONE = "acct-gone-4711"


def stored(place: Office) -> bytes:
    """Every byte of the ledger's files."""
    return b"".join(path.read_bytes() for path in place.folder.glob("ratelimit-data/ledger.db*"))


def case_of(place: Office, desk: Visitor) -> int:
    """The account's case; its purchase has an id that says nothing of it, as those of a shop should."""
    place.buy(GONE, id="order-1", email=f"{GONE}@mailbox.test")
    found: list[int] = []

    def there() -> bool:
        _, answer = desk.call("GET", f"/v1/cases?text={GONE}")
        found[:] = [row["number"] for row in answer["rows"]]
        return bool(found)

    until(there)
    return found[0]


def test_erased_by_two(place: Office) -> None:
    """One enters it, and cannot approve it; another does; then no page, no call and no byte of the ledger knows the account."""
    with place.desk(ADA) as first, place.desk(EVE) as second:
        number = case_of(place, first)
        place.check(account=GONE, api_key="key-of-gone", path=f"/users/{GONE}")
        until(lambda: GONE.encode() in stored(place))
        page = first.go("/privacy")
        page.fill("[name=account]", GONE)
        page.select_option("[name=kind]", "erase")
        page.fill("[name=verified_by]", "answered from its mailbox")
        page.click("button:has-text('Enter')")
        expect(page.locator("main")).to_contain_text("waits for another admin")
        expect(page.locator("button:has-text('Erase now')")).to_have_count(0)
        page = second.go("/privacy")
        expect(page.locator("main")).to_contain_text(GONE)
        page.click("button:has-text('Erase now')")
        page.wait_for_url("**/privacy?said=approve")
        expect(page.locator("main")).not_to_contain_text(GONE)
        status, case = second.call("GET", f"/v1/cases/{number}")
        assert status == 200
        assert GONE not in str(case), str(case)
        assert GONE.encode() not in stored(place)


def test_live(place: Office) -> None:
    """A refusal is there while one looks on, whatever its caller sent; paused, nothing changes; the crosshair goes by keys."""
    with place.desk(TOM) as desk:
        page = desk.go("/traffic?span=15m")
        expect(page.locator(".u-over").first).to_be_visible()
        for _ in range(6):
            place.check(api_key="live-key", account="acct-live", path=HOSTILE_PATH, user_agent=HOSTILE_AGENT)
        row = page.locator(".live-row", has_text="rate_exceeded").first
        expect(row).to_contain_text("/v1/generate/<svg onload=alert(1)>")
        assert page.title().startswith("Traffic")
        page.keyboard.press("Space")
        expect(page.locator("[data-paused]")).to_contain_text("nothing on this page changes")
        page.keyboard.press("Space")
        page.locator("[data-lanes]").focus()
        page.keyboard.press("ArrowLeft")
        expect(page.locator("[data-lane-at]")).to_contain_text("Allowed")
        page.keyboard.press("Escape")
        page.keyboard.press("v")
        expect(page.locator("[data-table] table")).to_be_visible()


def test_an_override(place: Office) -> None:
    """Tried before it is said, obeyed within a second, and ended with a reason."""
    with place.desk(TOM) as desk:
        assert place.decision("acct-word") == "allow"
        page = desk.go("/lists")
        page.fill("[name=target]", "account:acct-word")
        page.fill("#say [name=reason]", "seen by a test")
        page.click("button:has-text('Whom it would hit')")
        expect(page.locator("#check")).to_contain_text("It would stand")
        assert place.decision("acct-word") == "allow"
        page.click("button:has-text('Say it')")
        page.wait_for_url("**/lists?said=made")
        until(lambda: place.decision("acct-word") == "block")
        line = page.locator("tr", has_text="acct-word")
        line.locator("summary:has-text('End')").click()
        line.locator("[name=reason]").fill("it was a test")
        line.locator("button:has-text('End it')").click()
        page.wait_for_url("**/lists?said=ended")
        until(lambda: place.decision("acct-word") == "allow")
        assert desk.violations() == []
