"""One decision on many cases."""

from collections.abc import Sequence
from html import unescape

import pytest

from ratelimit.console.queue_acts import QueueActs
from ratelimit.console.render import Console
from ratelimit.core.estimate import Estimate
from ratelimit.core.principal import Principal
from ratelimit.review.cases import CaseError
from ratelimit.review.deed import Deed, Done, Hit, Preview
from tests.console.conftest import NOW, Serve


class Actions:
    """Remembers what was done; one case is somebody else's."""

    def __init__(self) -> None:
        self.did: list[tuple[int | None, Deed, str | None]] = []
        self.undone: list[int] = []

    async def act(self, _principal: Principal, case: int | None, deed: Deed, *, bulk: str | None = None) -> Done:
        if case == 13:
            raise CaseError("nothing was done: <b>Tomas</b> has it open")
        self.did.append((case, deed, bulk))
        return Done(id=len(self.did), then=deed.then, state="in_force", target="x", case=case, until=NOW + 86_400)

    async def undo(self, _principal: Principal, id: int, _reason: str = "") -> Done:
        if id == 9:
            raise CaseError("not undone: more than 24 h have passed")
        self.undone.append(id)
        return Done(id=id, then="block", state="undone", target="x", case=1, until=None)


class Foreseen:
    """A preview of many."""

    async def previews(self, principal: Principal, cases: Sequence[int], deed: Deed) -> Preview:
        assert principal.may("analyst")
        network = Hit(subject="5", kind="network", shown="203.0.113.0/24\u202e<i>", requests=90, good=12, fraud=1)
        some = Estimate(4_812, 4_700, 4_900)
        return Preview(
            then=deed.then, span_s=86_400, until=NOW + 86_400, requests=some, of_requests=some, already_throttled=1_208,
            from_usual=Estimate(61, 61, 61), other_accounts=(), shared=(network,), good=12, tokens_left=41_300, left_minor=21_240,
            currency="EUR", softer=None, needs_second=False, told="override_block", bulk=len(cases), replaces=(),
        )  # fmt: skip


BLOCK = [("case", "12"), ("case", "14"), ("then", "block"), ("key", "abcdefgh12"), ("for", "7d"), ("pick", "stolen_card"), ("reason", "")]


async def test_panel(serve: Serve, console: Console) -> None:
    """The panel sums up, names what the cases share, and is confirmed once there is a reason."""
    browser = await serve(QueueActs(console, Actions(), Foreseen()).routes())
    status, panel, _ = await browser.get("/queue/preview?then=block&case=12&case=14")
    assert (status, panel.count('name="case"'), "Block: 2 cases" in panel) == (200, 2, True)
    assert "about 4,812 (4,700–4,900)" in panel
    assert "203.0.113.0/24" in panel
    assert "<i>" not in panel
    assert 'data-needs="reason pick" disabled' in panel
    assert 'data-until="to Mon 14:32"' in panel


@pytest.mark.parametrize("then", ["block", "throttle", "allow", "hold", "label", "known_normal"])
async def test_panels_without_foresight(serve: Serve, console: Console, then: str) -> None:
    """Each of them has its panel, also where nobody knows whom it hits."""
    browser = await serve(QueueActs(console, Actions(), None).routes())
    status, panel, _ = await browser.get(f"/queue/preview?then={then}&case=12&case=14")
    assert (status, f'name="then" value="{then}"' in panel) == (200, True)


async def test_figures_of_many_come_later(serve: Serve, console: Console) -> None:
    """A panel of many cases is there at once, and its figures follow."""
    browser = await serve(QueueActs(console, Actions(), Foreseen()).routes())
    query = "then=block&" + "&".join(f"case={number}" for number in range(20, 40))
    _, panel, _ = await browser.get(f"/queue/preview?{query}")
    assert "4,812" not in panel
    later = unescape(panel.partition('hx-get="')[2].partition('"')[0])
    assert later == f"/queue/figures?{query}"
    _, figures, _ = await browser.get(later)
    assert "about 4,812 (4,700–4,900)" in figures
    assert "<form" not in figures


async def test_one_case_has_its_own_panel(serve: Serve, console: Console) -> None:
    """What one case is previewed by is that case's."""
    browser = await serve(QueueActs(console, Actions(), None).routes())
    assert (await browser.get("/queue/preview?then=block&case=12"))[2]["Location"] == "/cases/12/preview?then=block"


async def test_done_to_each(serve: Serve, console: Console) -> None:
    """Each case gets a deed with a key of its own; one way back takes all of them."""
    actions = Actions()
    browser = await serve(QueueActs(console, actions, None).routes())
    status, text, headers = await browser.post("/queue/act", BLOCK)
    assert status == 200
    assert [(case, deed.key, deed.for_, deed.pick, bulk) for case, deed, bulk in actions.did] == [
        (12, "abcdefgh12-12", "7d", "stolen_card", "abcdefgh12"),
        (14, "abcdefgh12-14", "7d", "stolen_card", "abcdefgh12"),
    ]
    assert "Blocked: 2 cases for 7 days." in text
    assert 'data-undo="/queue/undo?action=1&amp;action=2"' in text
    assert "rows:refresh" in headers["HX-Trigger"]
    status, text, _ = await browser.post("/queue/undo?action=1&action=2&action=9", {})
    assert (status, actions.undone, "Taken back: 2 actions." in text, "more than 24 h" in text) == (200, [1, 2], True, True)


async def test_some_and_all_refused(serve: Serve, console: Console) -> None:
    """What could be done is done and told; where nothing could, the page says why."""
    actions = Actions()
    browser = await serve(QueueActs(console, actions, None).routes())
    _, text, _ = await browser.post("/queue/act", [*BLOCK, ("case", "13")])
    assert "Blocked: 2 cases of 3 for 7 days." in text
    assert "C-13: nothing was done: &lt;b&gt;Tomas" in text
    status, text, _ = await browser.post("/queue/act", [*BLOCK[2:], ("case", "13")], HX_Request="true")
    assert (status, 'role="alert"' in text) == (409, True)
    assert (await browser.post("/queue/undo?action=9", {}))[0] == 409


@pytest.mark.parametrize(
    "path",
    ["/queue/preview?then=burn&case=1", "/queue/preview?then=block", "/queue/preview?then=refund&case=1&case=2", "/queue/preview?case=1"],
)
async def test_no_such_preview(serve: Serve, console: Console, path: str) -> None:
    """What is not done to many has no panel."""
    browser = await serve(QueueActs(console, Actions(), None).routes())
    assert (await browser.get(path))[0] == 422


@pytest.mark.parametrize("fields", [BLOCK[2:], BLOCK[:2], [*BLOCK, ("for", "8d")], [*BLOCK[:3], ("key", "x")]])
async def test_mistakes(serve: Serve, console: Console, fields: list[tuple[str, str]]) -> None:
    """A form that cannot be taken is the client's mistake, and nothing is done."""
    actions = Actions()
    browser = await serve(QueueActs(console, actions, None).routes())
    assert (await browser.post("/queue/act", fields))[0] == 422
    assert (await browser.post("/queue/undo?action=x", {}))[0] == 422
    assert actions.did == []
