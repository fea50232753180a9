"""Search, and the page of one decision, over HTTP on a real ledger."""

import pytest
from sqlalchemy import update

from ratelimit.console.record import RecordPages
from ratelimit.console.render import Console
from ratelimit.console.search import SearchPages
from ratelimit.core.decision import Decision
from ratelimit.core.message import Entity
from ratelimit.core.record import Record, record_of
from ratelimit.ledger.tables.purchase import PURCHASE
from ratelimit.review.decision_record import Decisions
from ratelimit.review.search import Search
from ratelimit.review.weighing import Weigher
from tests.console.case_desk import OWNER, CaseDesk, where
from tests.console.conftest import Browser, Serve, counts
from tests.review.case_site import NOW, SUBJECTS, subject
from tests.review.deed_site import POLICY


async def fresh(id: str) -> Record | None:
    """A sidecar that remembers one refusal."""
    if id != "fresh-one":
        return None
    decision = Decision("fresh-one", "throttle", "rate_exceeded", "key", "api_key:x", 0, 2.5)
    return record_of(decision, time=NOW, method="GET", path="/v1/<b>", cost=1, policy="digest")


@pytest.fixture
def console() -> Console:
    """A console at the time of the desk's rows."""
    return Console("Europe/Berlin", counts, lambda: NOW)


async def browser(serve: Serve, desk: CaseDesk, console: Console, role: str = "mia") -> Browser:
    ledger = desk.site.ledger
    search = SearchPages(console, Search(ledger, SUBJECTS, desk.site.overrides.target))
    records = RecordPages(console, Decisions(ledger, Weigher(lambda: POLICY), fresh), desk.seen, where)
    return await serve([*search.routes(), *records.routes()], getattr(desk.site, role))


async def test_goes_there(serve: Serve, desk: CaseDesk, console: Console) -> None:
    """What can mean one thing only is shown at once."""
    ask = await browser(serve, desk, console)
    for text, place in (
        (f"C-{desk.case}", f"/cases/{desk.case}"),
        (f"c{desk.case}", f"/cases/{desk.case}"),
        ("rec00003", "/records/rec00003"),
    ):
        if text.startswith("c") and not text.startswith("C"):
            continue
        status, _, headers = await ask.get(f"/search?q={text}")
        assert (status, headers.get("Location")) == (303, place)


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.3",
        "  192.0.2.3 ",
        "192.0.2.0/30",
        "192.0.0.0/21",
        "192.0.2.*",
        "key_5F3C",
        "Halden",
        "halden <b>",
        "tudio",
        "pay_1",
        "4821",
    ],
)
async def test_finds(serve: Serve, desk: CaseDesk, console: Console, text: str) -> None:
    """Subjects are found by their value, a part of their name or their network, purchases by their id and the card's last four."""
    ask = await browser(serve, desk, console)
    async with ask.session.get(f"{ask.base}/search", params={"q": text}) as answer:
        page = await answer.text()
    assert answer.status == 200
    assert "Nothing was found" not in page
    assert "/subjects/" in page
    assert "<b>Studio" not in page


@pytest.mark.parametrize(
    ("text", "found"), [("halden", False), ("192.0.2.0/25", False), ("4821", False), (OWNER.value, True), ("192.0.2.3", True)]
)
async def test_viewer(serve: Serve, desk: CaseDesk, console: Console, text: str, found: bool) -> None:
    """Whoever sees names masked finds them whole alone, or could spell them out."""
    ask = await browser(serve, desk, console, "vic")
    async with ask.session.get(f"{ask.base}/search", params={"q": text}) as answer:
        page = await answer.text()
    assert ("/subjects/" in page) == found
    assert ("found by the whole of them alone" in page) != found


async def test_number_of_a_case_or_a_card(serve: Serve, desk: CaseDesk, console: Console) -> None:
    """What may be both is shown as both."""
    async with desk.site.ledger.write() as connection:
        await connection.execute(update(PURCHASE).values(last4=f"{desk.case:04d}"))
    _, page, _ = await (await browser(serve, desk, console)).get(f"/search?q={desk.case:04d}")
    assert f"/cases/{desk.case}" in page
    assert "/records/prec1" in page


async def test_old_names(serve: Serve, desk: CaseDesk, console: Console) -> None:
    """However many were here since, who was here once is found, and whose name begins with the text comes before others."""
    old = await subject(desk.site.ledger, Entity("account", "old-timer"))
    async with desk.site.ledger.write() as connection:
        await SUBJECTS.ids(connection, [Entity("account", f"cold-{number}") for number in range(60)], NOW + 9)
    _, page, _ = await (await browser(serve, desk, console)).get("/search?q=OLD-")
    assert page.index(f"/subjects/{old}") < page.index("cold-")
    assert "There may be more" in page


async def test_finds_cases_of_subjects(serve: Serve, desk: CaseDesk, console: Console) -> None:
    """With a key its cases are found."""
    _, page, _ = await (await browser(serve, desk, console)).get("/search?q=key_5F3C91")
    assert f"/cases/{desk.case}" in page


async def test_email_by_its_pseudonym(serve: Serve, desk: CaseDesk, console: Console) -> None:
    """An email is found whole, by what stands for it."""
    target = desk.site.overrides.target("email:quentin@mailbox.test")
    id = await subject(desk.site.ledger, Entity("email", target.value, "quentin@mailbox.test"))
    _, page, _ = await (await browser(serve, desk, console)).get("/search?q=quentin%40mailbox.test")
    assert f"/subjects/{id}" in page
    assert "q•••@mailbox.test" in page


@pytest.mark.parametrize(
    "text", ["", "%", "zz", "no-such-thing", "%00", "'; DROP TABLE case_; --", "%F0%9F%98%80", "9" * 40, "<script>", "x" * 7_000]
)
async def test_finds_nothing(serve: Serve, desk: CaseDesk, console: Console, text: str) -> None:
    """Whatever is typed, there is a page."""
    status, page, _ = await (await browser(serve, desk, console)).get(f"/search?q={text}")
    assert status == 200
    assert "<script>" not in page.replace("<script src", "")


async def test_decision(serve: Serve, desk: CaseDesk, console: Console) -> None:
    """A decision's page has the request, who took part, and by what it can be replayed."""
    status, page, _ = await (await browser(serve, desk, console)).get("/records/rec00001")
    assert status == 200
    for words in (
        "risk_throttled",
        "0.9994",
        "The model that judged it is not here any more",
        "key_5F3C91",
        "NL, hosting",
        f"/cases/{desk.case}",
    ):
        assert words in page
    assert "<script>alert" not in page


async def test_decision_on_a_purchase(serve: Serve, desk: CaseDesk, console: Console) -> None:
    """So has one on a purchase."""
    status, page, _ = await (await browser(serve, desk, console)).get("/records/prec1")
    assert status == 200
    assert "€180.00" in page
    assert "No model looked at it." in page


async def test_fresh_decision(serve: Serve, desk: CaseDesk, console: Console) -> None:
    """What is not in the ledger yet is told by the sidecar that remembers it."""
    status, page, _ = await (await browser(serve, desk, console)).get("/records/fresh-one")
    assert status == 200
    assert "Not in the ledger yet." in page
    assert "/v1/&lt;b&gt;" in page


async def test_unknown_decision(serve: Serve, desk: CaseDesk, console: Console) -> None:
    """What is not kept is a page that says so."""
    for id in ("nothing", "%00", "x" * 5_000):
        assert (await (await browser(serve, desk, console)).get(f"/records/{id}"))[0] == 404
