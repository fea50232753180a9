"""The page of those that share a reason."""

import pytest
from msgspec.structs import replace

from ratelimit.console.render import Console
from ratelimit.console.shared import SharedPages
from ratelimit.core.case import CaseReason
from ratelimit.ledger.cases import CaseRow, SubjectRef
from ratelimit.ledger.sharing import Said, said
from ratelimit.review.case_error import NotFoundError
from tests.console.case_sample import AGAINST
from tests.console.conftest import MIRA, NOW, Serve
from tests.console.queue_sample import sample

WRITTEN = CaseReason(kind="person", source="person:9", value="like quinn@mailbox.test\u202e", words="")
SUBJECT = SubjectRef(5, "api_key", "5f3c91<b>\u202e", NOW - 90)


class Dossiers:
    """Two cases share it."""

    async def sharing(self, what: Said, subject: int) -> list[CaseRow]:
        assert subject == SUBJECT.id
        rows = sample(NOW).rows[:2]
        reasons = {AGAINST[0].source: AGAINST[0], WRITTEN.source: WRITTEN}
        return [replace(row, reasons=(reasons[what.name],)) for row in rows] if what.name in reasons else []

    async def subject(self, id: int) -> SubjectRef:
        if id != SUBJECT.id:
            raise NotFoundError("nothing is known of that subject; it may have been erased")
        return SUBJECT


async def test_page(serve: Serve, console: Console) -> None:
    """It says what is shared and by whom, as the queue has them; names are shown as what they are, text."""
    browser = await serve(SharedPages(console, Dossiers()).routes())
    status, page, _ = await browser.get(f"/shared?name={AGAINST[0].source}&far={said(AGAINST[0]).far}&of=5")
    assert (status, page.count('data-row="')) == (200, 2)
    assert "<b>2 cases</b> of others" in page
    assert "<b>\u202e" not in page
    assert 'data-key="b"' in page
    _, page, _ = await browser.get("/shared?name=gone&of=5")
    assert "Nobody else shows it now" in page


async def test_a_viewer_looks(serve: Serve, console: Console) -> None:
    """Who may not act has no keys to act by, and reads what people wrote without the emails in it."""
    browser = await serve(SharedPages(console, Dossiers()).routes(), replace(MIRA, role="viewer"))
    _, page, _ = await browser.get(f"/shared?name={AGAINST[0].source}&of=5")
    assert 'data-key="b"' not in page
    _, page, _ = await browser.get("/shared?name=person:9&of=5")
    assert "like q•••@mailbox.test" in page
    assert "quinn" not in page
    assert "\u202e" not in page


@pytest.mark.parametrize(
    ("query", "status"), [("", 422), ("name=x", 422), ("name=x&of=y", 422), ("name=x&of=5&far=z", 422), ("name=x&of=9", 404)]
)
async def test_mistakes(serve: Serve, console: Console, query: str, status: int) -> None:
    """What is no reason, or of nobody, is the client's mistake."""
    browser = await serve(SharedPages(console, Dossiers()).routes())
    assert (await browser.get(f"/shared?{query}"))[0] == status
