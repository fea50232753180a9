"""The queue's calls."""

import csv
from io import StringIO

import msgspec
import pytest

from ratelimit.console.queue import QueuePages
from ratelimit.console.render import Console
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import CaseView, QueueFilter, QueuePage
from tests.console.conftest import NOW, Serve
from tests.console.queue_sample import Taken, Views, sample

VIEWER = Principal(id=9, login="vic", name="Vic", role="viewer", via="session")


class Cases:
    """Gives the sample, in two pages, and remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[QueueFilter] = []
        self.waiting, self.rows = True, 9

    async def queue(self, wanted: QueueFilter, _who: Principal) -> QueuePage:
        self.asked.append(wanted)
        page = sample(NOW)
        page = msgspec.structs.replace(page, rows=page.rows[: self.rows])
        return page if wanted.after is None else msgspec.structs.replace(page, rows=page.rows[:1], following=None)

    async def take_next(self, _who: Principal) -> CaseView | None:
        return CaseView(row=sample(NOW).rows[2], openings=()) if self.waiting else None


async def test_page(serve: Serve, console: Console) -> None:
    """The page shows what was asked for, and all that callers wrote as text."""
    cases = Cases()
    browser = await serve(QueuePages(console, cases, Views(), Taken()).routes())
    status, page, _ = await browser.get("/queue?tab=mine&priority=1")
    assert (status, cases.asked) == (200, [QueueFilter(tab="mine", priority=1)])
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert '<span class="hostile-mark">U+202E</span>' in page
    assert 'href="/cases/2291?tab=mine&amp;priority=1"' in page
    assert 'aria-sort="ascending"' in page


async def test_rows_alone(serve: Serve, console: Console) -> None:
    """What changes by itself comes without what stands around it."""
    browser = await serve(QueuePages(console, Cases(), Views(), Taken()).routes())
    _, part, _ = await browser.get("/queue/rows")
    assert 'id="queue-rows"' in part
    assert 'id="queue-sums"' in part
    assert '<span id="queue-found">23 cases</span>' in part
    assert "Nothing waits here" not in part
    assert "<html" not in part


async def test_no_rows(serve: Serve, console: Console) -> None:
    """Where the last row has left the same answer says so, and takes it back when one has come."""
    cases = Cases()
    cases.rows = 0
    browser = await serve(QueuePages(console, cases, Views(), Taken()).routes())
    _, part, _ = await browser.get("/queue/rows")
    assert "Nothing waits here" in part.partition('id="queue-none"')[2]
    assert "Nothing waits here" in (await browser.get("/queue"))[1]


async def test_take_next(serve: Serve, console: Console) -> None:
    """Whoever takes the next goes to it; where none waits, one is back in the queue."""
    cases = Cases()
    browser = await serve(QueuePages(console, cases, Views(), Taken()).routes())
    assert (await browser.post("/queue/next", {}))[2]["Location"] == "/cases/2288"
    cases.waiting = False
    assert (await browser.post("/queue/next", {}))[2]["Location"] == "/queue"


async def test_csv(serve: Serve, console: Console) -> None:
    """CSV has all pages of what the filter finds, and no formula of a caller's; that it was taken is written down."""
    taken = Taken()
    browser = await serve(QueuePages(console, Cases(), Views(), taken).routes())
    status, text, headers = await browser.get("/queue.csv?tab=mine")
    assert taken.told == [("mira", "queue", 9)]
    rows = list(csv.DictReader(StringIO(text)))
    assert (status, headers["Content-Disposition"], len(rows)) == (200, 'attachment; filename="queue.csv"', 9)
    assert (rows[0]["case"], rows[0]["money at risk"], rows[0]["why 1"]) == ("C-2285", "1904", "2,140 accounts tried to log in within 1 h")
    assert rows[5]["subject"] == "<img src=x onerror=alert(1)><U+202E>"
    assert rows[6]["opened by"] == "rule =HYPERLINK(1)"


@pytest.mark.parametrize("path", ["/queue?tab=nothing", "/queue/rows?priority=x", "/queue.csv?after=" + "x" * 300])
async def test_mistakes(serve: Serve, console: Console, path: str) -> None:
    """A filter that there is not gets a page that says so."""
    browser = await serve(QueuePages(console, Cases(), Views(), Taken()).routes())
    status, page, _ = await browser.get(path)
    assert (status, "That cannot be taken as it is" in page) == (422, True)


async def test_views_are_saved(serve: Serve, console: Console) -> None:
    """What the page shows is kept by a name, found again in the menu, and removed; a filter that there is not is not kept."""
    views = Views()
    browser = await serve(QueuePages(console, Cases(), views, Taken()).routes())
    status, _, headers = await browser.post("/queue/views", {"name": "<b>Cards", "query": "subject=card&sort=due"})
    assert (status, headers["Location"]) == (303, "/queue?subject=card&sort=due")
    _, page, _ = await browser.get("/queue?subject=card&sort=due")
    assert "Saved view: <b>&lt;b&gt;Cards</b>" in page
    assert (await browser.post("/queue/views", {"name": "x", "query": "subject=nobody"}))[0] == 422
    assert (await browser.post("/queue/views", {"query": "subject=card"}))[0] == 422
    await browser.post("/queue/views/1/drop", {})
    assert views.kept == []


async def test_too_many_views(serve: Serve, console: Console) -> None:
    """Where there is no room for another view, one is told what to do."""
    browser = await serve(QueuePages(console, Cases(), Views(), Taken()).routes())
    answers = [await browser.post("/queue/views", {"name": name}) for name in "abc"]
    assert [status for status, _, _ in answers] == [303, 303, 422]
    assert "remove one first." in answers[2][1]


async def test_a_viewer_only_looks(serve: Serve, console: Console) -> None:
    """Who may only look is offered nothing else."""
    browser = await serve(QueuePages(console, Cases(), Views(), Taken()).routes(), VIEWER)
    _, page, _ = await browser.get("/queue")
    assert not [offer for offer in ("Export CSV", "Take next", "data-preview=", "data-bulk") if offer in page]
    assert "198.51.100.•" in page
