"""What is done to rows of the queue beside deciding them."""

from typing import Any

import pytest

from ratelimit.console.queue_work import QueueWork, snooze_picks
from ratelimit.console.render import Console
from ratelimit.console.wording import Clock
from ratelimit.core.principal import Principal
from ratelimit.review.cases import CaseError
from tests.console.conftest import NOW, Serve


class Cases:
    """Remembers what was done; one case is somebody else's."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []

    async def snooze(self, number: int, principal: Principal, until: float, version: int | None = None) -> int:
        return self._did("snooze", number, until, principal.login, version)

    async def wake(self, number: int, _principal: Principal, _version: int | None = None) -> int:
        return self._did("wake", number)

    async def escalate(self, number: int, _principal: Principal, why: str, _version: int | None = None, *, back: bool = False) -> int:
        return self._did("escalate", number, why, back)

    async def note(self, number: int, _principal: Principal, text: str) -> int:
        return self._did("note", number, text)

    def _did(self, what: str, number: int, *more: object) -> int:
        if number == 13:
            raise CaseError("nothing was done: <b>Tomas</b> has C-13 open")
        self.done.append((what, number, *more))
        return 2


@pytest.mark.parametrize("what", ["snooze", "escalate", "note"])
async def test_panels(serve: Serve, console: Console, what: str) -> None:
    """A panel says about whom it is, carries their numbers, and is confirmed by a key."""
    browser = await serve(QueueWork(console, Cases()).routes())
    status, panel, _ = await browser.get(f"/queue/panel/{what}?case=12&case=13")
    assert (status, "2 cases" in panel, panel.count('name="case"')) == (200, True, 2)
    assert f'hx-post="/queue/{what}"' in panel
    assert 'data-key="ctrl enter"' in panel


@pytest.mark.parametrize(
    "path", ["/queue/panel/snooze", "/queue/panel/snooze?case=x", "/queue/panel/snooze?case=" + "1" * 30, "/queue/panel/burn?case=1"]
)
async def test_no_such_panel(serve: Serve, console: Console, path: str) -> None:
    """A panel about nothing, or of nothing, is the client's mistake."""
    browser = await serve(QueueWork(console, Cases()).routes())
    assert (await browser.get(path))[0] in {404, 422}


async def test_snooze_and_back(serve: Serve, console: Console) -> None:
    """Each case is put off; the toast says until when and brings all of them back."""
    cases = Cases()
    browser = await serve(QueueWork(console, cases).routes())
    status, text, headers = await browser.post("/queue/snooze", [("case", "12"), ("case", "14"), ("until", f"{NOW + 3_600:.0f}")])
    assert (status, cases.done) == (200, [("snooze", 12, NOW + 3_600, "mira", None), ("snooze", 14, NOW + 3_600, "mira", None)])
    assert "Put off 2 cases." in text
    assert "to 15:32" in text
    assert 'data-undo="/queue/wake?case=12&amp;case=14"' in text
    assert "rows:refresh" in headers["HX-Trigger"]
    await browser.post("/queue/wake?case=12&case=14", {})
    assert cases.done[2:] == [("wake", 12), ("wake", 14)]


async def test_some_are_refused(serve: Serve, console: Console) -> None:
    """What could be done is done, what could not is said, and only what was done is taken back."""
    browser = await serve(QueueWork(console, Cases()).routes())
    status, text, _ = await browser.post("/queue/escalate", [("case", "12"), ("case", "13"), ("text", "too large for me")])
    assert (status, "Passed on C-12 of 2." in text, "&lt;b&gt;Tomas" in text, "<b>Tomas" in text) == (200, True, True, False)
    assert 'data-undo="/queue/return?case=12"' in text


async def test_all_are_refused(serve: Serve, console: Console) -> None:
    """Where nothing was done, the page says who was faster."""
    browser = await serve(QueueWork(console, Cases()).routes())
    status, text, _ = await browser.post("/queue/note", [("case", "13"), ("text", "hm")], HX_Request="true")
    assert (status, "Somebody was faster." in text, 'role="alert"' in text) == (409, True, True)


@pytest.mark.parametrize(
    "fields", [[("case", "12")], [("text", "x")], [("case", "x"), ("text", "x")], [("case", "12"), ("text", "x" * 3_000)]]
)
async def test_mistakes(serve: Serve, console: Console, fields: list[tuple[str, str]]) -> None:
    """A form that cannot be taken is the client's mistake, and nothing is done."""
    cases = Cases()
    browser = await serve(QueueWork(console, cases).routes())
    assert (await browser.post("/queue/note", fields))[0] == 422
    assert cases.done == []


def test_until_the_next_morning(console: Console) -> None:
    """One may put a case off until nine of the next morning, in the server's zone."""
    picks = snooze_picks(NOW, console.clock)
    assert [(pick.words, pick.until) for pick in picks] == [
        ("1 h", "to 15:32"),
        ("4 h", "to 18:32"),
        ("tomorrow", "to Mon 09:00"),
        ("3 days", "to Wed 14:32"),
        ("7 days", "to 6 Dec 14:32"),
    ]
    assert isinstance(console.clock, Clock)
