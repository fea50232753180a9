"""The traffic page: figures, gaps, names by role, hostile paths, and what it follows."""

import json
from typing import NamedTuple

import pytest

from ratelimit.console.render import Console
from ratelimit.console.traffic import TrafficPages
from ratelimit.console.traffic_live import TrafficStream
from ratelimit.console.traffic_view import Opened, Rates, figures, risks
from ratelimit.core.message import Decided
from ratelimit.core.principal import Role
from ratelimit.ledger.intake import Batch, Intake
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.live import LiveTail
from ratelimit.review.top_subjects import SPANS
from ratelimit.review.traffic import Lane, Series, TrafficBook
from ratelimit.web.measured import Measured
from tests.console.conftest import NOW, Browser, Serve
from tests.review.ledger_stream import decided, intake_of
from tests.review.test_traffic import tell
from tests.web.lane import person

HOSTILE = "/wp-login.php?\u202e<script>alert(1)</script>"


class Known:
    """Figures of sidecars that are always these."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured

    async def measured(self) -> Measured:
        return self._measured


class Site(NamedTuple):
    pages: TrafficPages
    stream: TrafficStream
    intake: Intake
    live: LiveTail

    async def take(self, *messages: Decided) -> None:
        await self.intake.write([Batch(messages[0].id, messages)], NOW)


MEASURED = Measured(calls=0.0061, risks=(900, 80, 9, 3, 0), drift=0.041)


@pytest.fixture
def site(ledger: Ledger, console: Console) -> Site:
    intake, live = intake_of(ledger), LiveTail()
    intake.add(Decided, live.take)
    pages = TrafficPages(console, ledger, TrafficBook(ledger, lambda: NOW), live, Known(MEASURED))  # type: ignore[arg-type]
    return Site(pages, TrafficStream(console, pages, live), intake, live)


async def browser(site: Site, serve: Serve, role: Role = "analyst") -> Browser:
    return await serve([*site.pages.routes(), *site.stream.routes()], person(1, role))


async def test_the_page(site: Site, ledger: Ledger, serve: Serve) -> None:
    """Figures of the last minute and what they are held against; a top subject links to its page."""
    for back in (20, 30, 40):
        await tell(ledger, NOW - back - NOW % 10, ("allow", 900), ("throttle", 90), ("block", 10), latency_us=184.0)
    await site.take(*(decided(n, at=NOW - 60 - n, path=HOSTILE) for n in range(5)))
    here = await browser(site, serve)
    assert 'hx-get="/traffic/top?span=15m' in (await here.get("/traffic?span=15m"))[1]
    assert "key_KEYDIG" in (await here.get("/traffic/top?span=15m"))[1]
    status, text, headers = await here.get("/traffic?span=15m")
    assert status == 200
    for said in (
        "184",
        "0.006",
        "key_KEYDIG",
        "rate_exceeded",
        "Above 0.999 stand <b>3</b> subjects where 1 were expected",
    ):
        assert said in text
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert 'href="/subjects/' in text
    assert "unsafe" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize("span", SPANS)
async def test_nothing_yet(site: Site, serve: Serve, span: str) -> None:
    """An empty ledger is a page that says so, and a table without data."""
    here = await browser(site, serve)
    status, text, _ = await here.get(f"/traffic?span={span}&top=cost")
    assert status == 200
    status, text, _ = await here.get(f"/traffic/top?span={span}&top=cost")
    assert (status, "Nothing was recorded in this span" in text) == (200, True)
    status, text, _ = await here.get(f"/traffic/table?span={span}")
    assert (status, "no data" in text) == (200, True)


async def test_a_viewer_sees_masked_addresses(site: Site, serve: Serve) -> None:
    """The last part of an address is the analysts'."""
    await site.take(decided(1, at=NOW - 5, subject="ip:192.0.2.77", key=None, account=None, address="192.0.2.77"))
    assert "192.0.2.77" in (await (await browser(site, serve)).get("/traffic"))[1]
    _, text, _ = await (await browser(site, serve, "viewer")).get("/traffic")
    assert "192.0.2.77" not in text
    assert "192.0.2.•" in text


async def test_csv(site: Site, serve: Serve) -> None:
    """The list as a file, whose cells are no formulas."""
    await site.take(decided(1, at=NOW - 5, subject="account:=cmd()", account="=cmd()"))
    status, text, headers = await (await browser(site, serve)).get("/traffic/top.csv?top=refused")
    assert (status, headers["Content-Type"].partition(";")[0]) == (200, "text/csv")
    assert "'=cmd()" in text


async def test_what_it_follows(site: Site, serve: Serve) -> None:
    """What comes in after the page was opened, harmless; a few a second, with the number of those that are not shown."""
    here = await browser(site, serve)
    await site.take(decided(1))
    async with here.session.get(here.base + "/live/traffic") as answer:
        content = answer.content
        await content.readuntil(b"event: figures\n")
        now = json.loads((await content.readline()).removeprefix(b"data: "))
        assert now.keys() == {"all", "throttle", "block", "latency_us", "refused"}
        await site.take(*(decided(10 + n, path=HOSTILE) for n in range(6)), decided(50, decision="allow", reason="ok"))
        text = (await content.readuntil(b"event: hidden\n")).decode()
        assert (await content.readline()) == b"data: 2\n"
        assert text.count('<li class="live-row"') == 4
        assert "r-50" not in text
        assert 'r-1"' not in text
        assert "<script>alert" not in text
        assert "id: 8\n" in text


async def test_a_viewer_follows_masked(site: Site, serve: Serve) -> None:
    """Live rows are masked as the page is."""
    here = await browser(site, serve, "viewer")
    async with here.session.get(here.base + "/live/traffic?refused=0") as answer:
        await answer.content.readuntil(b"event: figures\n")
        await site.take(decided(10, subject="ip:192.0.2.77"))
        text = (await answer.content.readuntil(b"</li>")).decode()
        assert "192.0.2.77" not in text


def test_no_number_is_made_up() -> None:
    """Where nothing is known a figure says so; where all is allowed the share is zero."""
    lanes = [Lane(one, [None, 5.0 if one == "allow" else 0.0], [None, None]) for one in ("allow", "throttle", "block")]
    series = Series(span="1h", step_s=10.0, since=0.0, until=20.0, at=[0.0, 10.0], lanes=lanes, latency_us=[None, None], marks=[])
    nothing = Rates(all=None, all_before=None, throttle=None, throttle_before=None, block=None, block_before=None, latency_us=None)
    found = {it.id: it for it in figures(nothing, series, Opened((), 0, 0), Measured(calls=None, risks=(0,) * 5, drift=None))}
    assert [found[id].value for id in ("all", "throttle", "block", "latency", "calls", "cases")] == ["–", "–", "–", "–", "–", "0"]
    assert found["throttle"].spark == (None, 0.0)
    assert risks(Measured(calls=None, risks=(0,) * 5, drift=None)) is None
