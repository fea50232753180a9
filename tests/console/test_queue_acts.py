"""One decision on many cases."""

from html import unescape

import pytest

from ratelimit.console.queue_acts import QueueActs
from ratelimit.console.render import Console
from ratelimit.core.estimate import Estimate
from ratelimit.core.principal import Principal
from ratelimit.review.bulk import Bulk, BulkDone, BulkOutcome
from ratelimit.review.cases import NotFoundError
from ratelimit.review.deed import Deed, Done, Hit, Preview
from tests.console.conftest import NOW, Serve


class Bulks:
    """Remembers what was done; one case is somebody else's."""

    def __init__(self) -> None:
        self.did: list[Bulk] = []
        self.undone: list[str] = []

    async def act(self, _principal: Principal, asked: Bulk) -> BulkDone:
        self.did.append(asked)
        return outcome([(case, "<b>Tomas</b> has it open" if case == 13 else "") for case in asked.cases])

    async def undo(self, _principal: Principal, bulk: str, _reason: str = "") -> BulkDone:
        if bulk != "abc/1":
            raise NotFoundError("nothing was done together by that name")
        self.undone.append(bulk)
        return outcome([(14, ""), (12, "not undone: more than 24 h have passed")])

    async def preview(self, _principal: Principal, asked: Bulk) -> Preview:
        network = Hit(subject="5", kind="network", shown="203.0.113.0/24\u202e<i>", requests=90, good=12, fraud=1)
        some = Estimate(4_812, 4_700, 4_900)
        return Preview(
            then=asked.deed.then, span_s=86_400, until=NOW + 86_400, requests=some, of_requests=some, already_throttled=1_208,
            from_usual=Estimate(61, 61, 61), other_accounts=(), shared=(network,), good=12, tokens_left=41_300, left_minor=21_240,
            currency="EUR", softer=None, needs_second=False, told="override_block", bulk=len(asked.cases), replaces=(),
        )  # fmt: skip


def outcome(cases: list[tuple[int, str]]) -> BulkDone:
    done = Done(id=1, then="block", state="in_force", target="x", case=None, until=NOW + 86_400)
    outcomes = tuple(BulkOutcome(case=case, done=None if why else done, why=why) for case, why in cases)
    return BulkDone(bulk="abc/1", outcomes=outcomes, done=sum(not why for _, why in cases), failed=sum(bool(why) for _, why in cases))


BLOCK = [("case", "12"), ("case", "14"), ("then", "block"), ("key", "abcdefgh12"), ("for", "7d"), ("pick", "stolen_card"), ("reason", "")]


async def test_panel(serve: Serve, console: Console) -> None:
    """The panel sums up, names what the cases share, and is confirmed once there is a reason."""
    browser = await serve(QueueActs(console, Bulks()).routes())
    status, panel, _ = await browser.get("/queue/preview?then=block&case=12&case=14")
    assert (status, panel.count('name="case"'), "Block: 2 cases" in panel) == (200, 2, True)
    assert "about 4,812 (4,700–4,900)" in panel
    assert "203.0.113.0/24" in panel
    assert "<i>" not in panel
    assert 'data-needs="reason pick" disabled' in panel
    assert 'data-until="to Mon 14:32"' in panel


@pytest.mark.parametrize("then", ["block", "throttle", "allow", "hold", "label", "known_normal"])
async def test_each_has_a_panel(serve: Serve, console: Console, then: str) -> None:
    """Whatever can be done to many has its panel."""
    browser = await serve(QueueActs(console, Bulks()).routes())
    status, panel, _ = await browser.get(f"/queue/preview?then={then}&case=12&case=14")
    assert (status, f'name="then" value="{then}"' in panel) == (200, True)


async def test_figures_of_many_come_later(serve: Serve, console: Console) -> None:
    """A panel of many cases is there at once, and its figures follow."""
    browser = await serve(QueueActs(console, Bulks()).routes())
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
    browser = await serve(QueueActs(console, Bulks()).routes())
    assert (await browser.get("/queue/preview?then=block&case=12"))[2]["Location"] == "/cases/12/preview?then=block"


async def test_done_to_each(serve: Serve, console: Console) -> None:
    """All cases are decided at once, as they were seen; one way back takes all of it."""
    bulks = Bulks()
    browser = await serve(QueueActs(console, bulks).routes())
    status, text, headers = await browser.post("/queue/act", [*BLOCK, ("version", "3"), ("version", "1")])
    assert status == 200
    deed = Deed(then="block", key="abcdefgh12", for_="7d", pick="stolen_card")
    assert bulks.did == [Bulk(deed=deed, cases=(12, 14), versions=(3, 1))]
    assert "Blocked 2 cases for 7 days." in text
    assert 'data-undo="/queue/undo?bulk=abc%2F1"' in text
    assert "rows:refresh" in headers["HX-Trigger"]
    status, text, _ = await browser.post("/queue/undo?bulk=abc%2F1", {})
    assert (status, bulks.undone, "Taken back: 1 action." in text, "more than 24 h" in text) == (200, ["abc/1"], True, True)


async def test_versions_go_with_their_cases(serve: Serve, console: Console) -> None:
    """The panel carries the versions that the rows had; as many as cases, or none."""
    browser = await serve(QueueActs(console, Bulks()).routes())
    _, panel, _ = await browser.get("/queue/preview?then=block&case=12&version=3&case=14&version=1")
    assert [panel.count(f'name="version" value="{version}"') for version in (3, 1)] == [1, 1]
    _, panel, _ = await browser.get("/queue/preview?then=block&case=12&version=3&case=14")
    assert 'name="version"' not in panel


async def test_some_and_all_refused(serve: Serve, console: Console) -> None:
    """What could be done is done and told; where nothing could, the page says why."""
    browser = await serve(QueueActs(console, Bulks()).routes())
    _, text, _ = await browser.post("/queue/act", [*BLOCK, ("case", "13")])
    assert "Blocked 2 cases of 3 for 7 days." in text
    assert "C-13: &lt;b&gt;Tomas" in text
    status, text, _ = await browser.post("/queue/act", [*BLOCK[2:], ("case", "13")], HX_Request="true")
    assert (status, 'role="alert"' in text) == (409, True)
    assert (await browser.post("/queue/undo?bulk=x", {}))[0] == 409


@pytest.mark.parametrize(
    "path",
    ["/queue/preview?then=burn&case=1", "/queue/preview?then=block", "/queue/preview?then=refund&case=1&case=2", "/queue/preview?case=1"],
)
async def test_no_such_preview(serve: Serve, console: Console, path: str) -> None:
    """What is not done to many has no panel."""
    browser = await serve(QueueActs(console, Bulks()).routes())
    assert (await browser.get(path))[0] == 422


@pytest.mark.parametrize("fields", [BLOCK[2:], BLOCK[:2], [*BLOCK, ("for", "8d")], [*BLOCK[:3], ("key", "x")]])
async def test_mistakes(serve: Serve, console: Console, fields: list[tuple[str, str]]) -> None:
    """A form that cannot be taken is the client's mistake, and nothing is done."""
    bulks = Bulks()
    browser = await serve(QueueActs(console, bulks).routes())
    assert (await browser.post("/queue/act", fields))[0] == 422
    assert bulks.did == []
