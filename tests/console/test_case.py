"""The pages of cases and subjects, over HTTP, on a real ledger and a real store."""

import re

import pytest

from ratelimit.console.render import Console
from ratelimit.core.message import Entity
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import QueueFilter
from ratelimit.review.audit import AuditFilter, entries
from tests.console.case_desk import CaseDesk
from tests.console.conftest import Browser, Serve, counts
from tests.review.case_site import NOW, flagged, subject, warning


@pytest.fixture
def console() -> Console:
    """A console at the time of the desk's rows."""
    return Console("Europe/Berlin", counts, lambda: NOW)


async def browser(serve: Serve, desk: CaseDesk, who: Principal | None = None) -> Browser:
    return await serve(desk.pages, who or desk.site.mia)


async def test_page(serve: Serve, desk: CaseDesk) -> None:
    """The page has all of it, and is shown under the strict policy."""
    status, page, headers = await (await browser(serve, desk)).get(f"/cases/{desk.case}")
    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    for words in (
        "key_5F3C91",
        "Why it was flagged",
        "Evidence",
        "Timeline",
        "Linked entities",
        "Past decisions",
        "Notes",
        "Privacy",
        "Block",
    ):
        assert words in page
    assert "3 purchases" not in page
    assert "2 purchases, €360.00, none disputed" in page
    assert f"<title>C-{desk.case} " in page


async def test_hostile(serve: Serve, desk: CaseDesk) -> None:
    """What callers sent stands escaped and spelled, and never in an attribute or the title."""
    ask = await browser(serve, desk)
    for path in (f"/cases/{desk.case}", f"/cases/{desk.case}?show=logins", f"/subjects/{desk.account}"):
        status, page, _ = await ask.get(path)
        assert status == 200
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<b>Studio" not in page
        assert "\u202e" not in page
        assert "U+202E</span>" in page
        assert not re.search(r'="[^"]*(alert\(1\)|onerror)', page)


async def test_by_any_name(serve: Serve, desk: CaseDesk) -> None:
    """A case is found as people call it, and keeps the queue that it was asked from."""
    ask = await browser(serve, desk)
    status, _, headers = await ask.get(f"/cases/C-{desk.case}?tab=mine")
    assert (status, headers["Location"]) == (303, f"/cases/{desk.case}?tab=mine")
    assert (await ask.get("/cases/C-999999"))[0] == 404
    assert (await ask.get("/cases/nothing"))[0] == 404
    assert (await ask.get("/cases/999999"))[0] == 404


@pytest.mark.parametrize(
    "query", ["show=secrets", "decision=maybe", "before=x,y", "before=1e999x,1", "hops=many", "address=me", "priority=9"]
)
async def test_wrong_addresses(serve: Serve, desk: CaseDesk, query: str) -> None:
    """What an address cannot ask for is a problem, and no fault."""
    assert (await (await browser(serve, desk)).get(f"/cases/{desk.case}?{query}"))[0] == 422


async def test_pages_of_evidence(serve: Serve, desk: CaseDesk) -> None:
    """Pages follow one another without a gap, until there are no more."""
    ask, path, seen = await browser(serve, desk), f"/cases/{desk.case}/evidence?show=requests", []
    while path:
        _, part, _ = await ask.get(path, HX_Request="true")
        seen += re.findall(r'data-row="(rec\d+)"', part)
        found = re.search(r'hx-get="([^"]*before=[^"]*)"', part)
        path = found.group(1).replace("&amp;", "&") if found else ""
    assert seen == [f"rec{number:05}" for number in range(40)]


async def test_filter_of_evidence(serve: Serve, desk: CaseDesk) -> None:
    """A filter stands in the address and is shown."""
    _, page, _ = await (await browser(serve, desk)).get(f"/cases/{desk.case}?decision=allow")
    assert "Throttled</span></td>" not in page
    assert "<b>Decision</b> allowed" in page


async def test_of_purchases(serve: Serve, desk: CaseDesk) -> None:
    """A case that a purchase opened shows purchases first; of somebody who asked for nothing lately the timeline is longer."""
    await flagged(desk.site.ledger, warning(anchor=Entity("account", "quiet"), purchase="pay_1", attempt=1))
    found = await desk.cases.queue(QueueFilter(opened_by="early_fraud_warning"), desk.site.mia)
    _, page, _ = await (await browser(serve, desk)).get(f"/cases/{found.rows[0].number}")
    assert "It has bought nothing." in page
    assert "30 days, Europe/Berlin time" in page
    assert "48 hours, Europe/Berlin time" in (await (await browser(serve, desk)).get(f"/cases/{desk.case}"))[1]


async def test_second_hop(serve: Serve, desk: CaseDesk) -> None:
    """One hop more is a part of the page."""
    _, part, _ = await (await browser(serve, desk)).get(f"/cases/{desk.case}/links?hops=2", HX_Request="true")
    assert 'id="links"' in part
    assert "<html" not in part


async def test_looking_is_logged(serve: Serve, desk: CaseDesk) -> None:
    """Who looks at whose data is in the audit, once an hour."""
    ask = await browser(serve, desk, desk.site.vic)
    for _ in range(3):
        await ask.get(f"/cases/{desk.case}")
    async with desk.site.ledger.read() as connection:
        found = await entries(connection, AuditFilter(kind="viewed"), 10)
    assert [(one.actor, one.case) for one in found] == [("vic", desk.case)]


async def test_opening_takes_it(serve: Serve, desk: CaseDesk) -> None:
    """An analyst who opens a case has it; another who comes then may look, and take it over."""
    mia, tom = await browser(serve, desk), await browser(serve, desk, desk.site.tom)
    assert "Yours until" in (await mia.get(f"/cases/{desk.case}"))[1]
    _, page, _ = await tom.get(f"/cases/{desk.case}")
    assert "Mia is reading, until" in page
    assert "preview?then=block" not in page
    status, _, _ = await tom.post(f"/cases/{desk.case}/take-over", {}, HX_Request="true")
    assert status == 200
    assert "Yours until" in (await tom.get(f"/cases/{desk.case}"))[1]
    _, lost, _ = await mia.post(f"/cases/{desk.case}/heartbeat", {}, HX_Request="true")
    assert "Tom is reading" in lost


async def test_leaving_gives_it_back(serve: Serve, desk: CaseDesk) -> None:
    """Whoever leaves gives the case back; a page that is still open takes it again."""
    mia = await browser(serve, desk)
    await mia.get(f"/cases/{desk.case}")
    assert (await mia.post(f"/cases/{desk.case}/release", {}))[0] == 204
    assert (await desk.cases.get(desk.case)).row.locked_by is None
    assert "Yours until" in (await mia.post(f"/cases/{desk.case}/heartbeat", {}, HX_Request="true"))[1]


async def test_viewer(serve: Serve, desk: CaseDesk) -> None:
    """A viewer sees masked names and no keys, and takes nothing."""
    _, page, _ = await (await browser(serve, desk, desk.site.vic)).get(f"/cases/{desk.case}")
    assert "You may look; an analyst decides." in page
    assert "data-preview=" not in page
    assert "192.0.2.•" in page
    assert "192.0.2.1<" not in page
    assert (await desk.cases.get(desk.case)).row.locked_by is None


async def test_block_and_undo(serve: Serve, desk: CaseDesk) -> None:
    """Previewed, blocked, seen in force, and taken back."""
    ask = await browser(serve, desk)
    _, page, _ = await ask.get(f"/cases/{desk.case}")
    _, panel, _ = await ask.get(f"/cases/{desk.case}/preview?then=block&for=1h", HX_Request="true")
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', panel))
    assert fields["for"] == "1h"
    assert "disabled" in panel
    status, answer, _ = await ask.post(f"/cases/{desk.case}/act", fields, HX_Request="true")
    assert status == 422
    status, answer, headers = await ask.post(f"/cases/{desk.case}/act", {**fields, "pick": "shared_key"}, HX_Request="true")
    assert status == 200
    assert "rows:refresh" in headers["HX-Trigger"]
    assert "Blocked key_5F3C91 for 1 h." in answer
    _, page, _ = await ask.get(f"/cases/{desk.case}")
    assert 'class="strip is-block"' in page
    (undo,) = re.findall(r'data-undo="(/actions/\d+/undo)"', answer)
    assert undo in page
    assert (await ask.get(undo, HX_Request="true"))[0] == 200
    status, answer, _ = await ask.post(undo, {}, HX_Request="true")
    assert status == 200
    assert "taken back" in answer
    assert 'class="strip is-block"' not in (await ask.get(f"/cases/{desk.case}"))[1]


@pytest.mark.parametrize(
    "then", ["block", "throttle", "allow", "hold", "release", "revoke", "rotate_key", "refund", "report_fraud", "label", "known_normal"]
)
async def test_every_panel(serve: Serve, desk: CaseDesk, then: str) -> None:
    """Each action has its panel."""
    status, panel, _ = await (await browser(serve, desk)).get(f"/cases/{desk.case}/preview?then={then}", HX_Request="true")
    assert status == 200
    assert 'name="then"' in panel


async def test_label_closes(serve: Serve, desk: CaseDesk) -> None:
    """A label closes the case, and the page says so."""
    ask = await browser(serve, desk)
    fields = {"then": "label", "key": "a-key-of-a-test", "verdict": "abuse", "close": "true", "reason": "resold"}
    status, answer, _ = await ask.post(f"/cases/{desk.case}/act", fields, HX_Request="true")
    assert status == 200, answer
    _, page, _ = await ask.get(f"/cases/{desk.case}")
    assert "Closed by Mia" in page
    assert "preview?then=block" not in page


async def test_subject(serve: Serve, desk: CaseDesk) -> None:
    """A subject without a case has a page, and can be acted on."""
    ask = await browser(serve, desk)
    status, page, _ = await ask.get(f"/subjects/{desk.account}")
    assert status == 200
    assert "<title>One account " in page
    fields = {
        "then": "throttle",
        "key": "a-key-of-a-test",
        "for": "1h",
        "pick": "evasion",
        "bucket.capacity": "10",
        "bucket.refill": "10/min",
    }
    status, answer, _ = await ask.post(f"/subjects/{desk.account}/act", fields, HX_Request="true")
    assert status == 200, answer
    assert 'class="strip is-throttle"' in (await ask.get(f"/subjects/{desk.account}"))[1]
    for nobody in ("1", "99999999999999999999999", "x"):
        assert (await ask.get(f"/subjects/{nobody}"))[0] == 404


async def test_csv(serve: Serve, desk: CaseDesk) -> None:
    """The requests as a table, which the audit says."""
    status, text, headers = await (await browser(serve, desk)).get(f"/cases/{desk.case}/evidence.csv")
    assert status == 200
    assert headers["Content-Type"].startswith("text/csv")
    assert len(text.splitlines()) == 41
    async with desk.site.ledger.read() as connection:
        (one,) = await entries(connection, AuditFilter(kind="exported"), 10)
    assert one.content == {"rows": 40}


async def test_open_by_hand(serve: Serve, desk: CaseDesk) -> None:
    """A person opens a case about a subject, with a reason; a second time it is the same."""
    ask, path = await browser(serve, desk), f"/subjects/{desk.account}/open"
    assert (await ask.get(path, HX_Request="true"))[0] == 200
    assert (await ask.post(path, {"reason": " "}, HX_Request="true"))[0] == 422
    status, _, headers = await ask.post(path, {"reason": "two complaints by phone"}, HX_Request="true")
    assert status == 200
    place = headers["HX-Redirect"]
    assert (await ask.post(path, {"reason": "a third one"}))[2]["Location"] == place
    status, page, _ = await ask.get(place)
    assert status == 200
    assert "two complaints by phone" in page


async def test_no_case_about_a_card(serve: Serve, desk: CaseDesk) -> None:
    """A case is about who asks or pays, not about what they pay with."""
    card = await subject(desk.site.ledger, Entity("card", "fp1"))
    status, answer, _ = await (await browser(serve, desk)).post(f"/subjects/{card}/open", {"reason": "odd"}, HX_Request="true")
    assert status == 422
    assert "a case is about an account, a key or an address" in answer


async def test_second_person(serve: Serve, desk: CaseDesk) -> None:
    """An account that is blocked for long waits for a second person, who is another one."""
    mia, tom, path = await browser(serve, desk), await browser(serve, desk, desk.site.tom), f"/subjects/{desk.account}"
    fields = {"then": "block", "key": "a-key-of-a-test", "for": "30d", "pick": "evasion"}
    status, answer, _ = await mia.post(f"{path}/act", fields, HX_Request="true")
    assert status == 200, answer
    assert "Waits for a second person" in answer
    (undo,) = re.findall(r'data-undo="(/actions/\d+)/undo"', answer)
    _, page, _ = await mia.get(path)
    assert "Waits for a second person" in page
    assert f"{undo}/approve" not in page
    assert (await mia.post(f"{undo}/approve", {}, HX_Request="true"))[0] == 403
    _, page, _ = await tom.get(path)
    assert "Mia wants it for longer" in page
    status, answer, _ = await tom.post(f"{undo}/approve", {}, HX_Request="true")
    assert status == 200, answer
    assert "wants it for longer" not in (await tom.get(path))[1]


async def test_told_of_changes(serve: Serve, desk: CaseDesk) -> None:
    """A page that is open is told when the case is not as it shows it, and nothing on it is taken away."""
    mia, tom = await browser(serve, desk), await browser(serve, desk, desk.site.tom)
    await mia.get(f"/cases/{desk.case}")
    _, page, _ = await tom.get(f"/cases/{desk.case}")
    (watch,) = re.findall(r'hx-get="([^"]+/lock[^"]*)"', page)
    watch = watch.replace("&amp;", "&")
    assert "This case has changed" not in (await tom.get(watch, HX_Request="true"))[1]
    await mia.post(f"/cases/{desk.case}/release", {})
    assert "This case has changed" in (await tom.get(watch, HX_Request="true"))[1]


async def test_blind(serve: Serve, desk: CaseDesk) -> None:
    """Whoever reviews blindly is told no risk, and nothing of what others decided or noted."""
    tom = await browser(serve, desk, desk.site.tom)
    fields = {"then": "block", "key": "a-key-of-a-test", "for": "1h", "pick": "evasion"}
    await tom.post(f"/cases/{desk.case}/act", fields, HX_Request="true")
    await desk.cases.note(desk.case, desk.site.tom, "surely resold")
    await desk.cases.release(desk.case, desk.site.tom)
    await desk.site.change_case(desk.case, blind=True)
    _, page, _ = await (await browser(serve, desk)).get(f"/cases/{desk.case}")
    assert "Judge this one by the evidence alone" in page
    for word in ("0.9994", "surely resold", 'class="strip is-block"', "Blocked", "Replay this decision"):
        assert word not in page.replace("> blocked</span>", ""), word
