"""The audit's page, its filters, its chain and its CSV."""

import csv
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import text

from ratelimit.review.audit import append, forget
from tests.ledger.database import opened, sqlite_url
from tests.web.gatehouse import Lane, lane_on


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    async with opened(sqlite_url(tmp_path)) as ledger, lane_on(ledger, tmp_path) as made:
        yield made


async def fill(lane: Lane, count: int = 3) -> None:
    async with lane.front.ledger.write() as connection:
        for number in range(count):
            content = {"reason": f"=cmd|'/c calc'!A{number}", "path": "<script>alert(1)</script>", "until": 1_790_000_000.0}
            await append(connection, "mira", "blocked", content, at=lane.front.now, case=number, subject=number)


async def test_entries(lane: Lane) -> None:
    """Latest first, with their content as text, and those of one case by the filter in the URL."""
    session, _ = await lane.front.person("mira")
    await fill(lane)
    page = (await lane.get("/audit", session=session)).text
    assert ("person.invited" in page, "<script>alert" in page, "2026-09-21T" in page) == (True, False, True)
    only = (await lane.get("/audit?case=1&kind=blocked&actor=mira", session=session)).text
    assert (only.count("data-row="), 'href="/cases/1"' in only) == (1, True)
    today = (await lane.get("/audit?day=2026-09-21", session=session)).text
    assert (today.count("data-row="), 'value="2026-09-21"' in today) == (5, True)
    assert "Nothing fits" in (await lane.get("/audit?day=2026-09-22", session=session)).text
    assert "Nothing fits" in (await lane.get("/audit?actor=nobody", session=session)).text


async def test_pages_of_entries(lane: Lane) -> None:
    """One leads to the next, under the same filter."""
    session, _ = await lane.front.person("mira")
    await fill(lane, 120)
    first = (await lane.get("/audit?kind=blocked", session=session)).text
    assert (first.count("data-row="), "/audit?kind=blocked&amp;before=23" in first) == (100, True)
    second = (await lane.get("/audit?kind=blocked&before=23", session=session)).text
    assert (second.count("data-row="), "before=" in second) == (20, False)


@pytest.mark.parametrize(
    "query", ["case=x", "before=-1", "most=0", "most=100000", "kind=" + "x" * 40, "nonsense=1", "since=nan", "until=1e300"]
)
async def test_filters_that_are_none(lane: Lane, query: str) -> None:
    """They are told so, on the page and in the API."""
    session, _ = await lane.front.person("mira")
    for path in ("/audit", "/v1/audit", "/audit.csv"):
        assert (path, (await lane.get(f"{path}?{query}", session=session)).status) == (path, 422)


@pytest.mark.parametrize("day", ["today", "2026-13-01", "0000-00-00", "9999-12-31", "0001-01-01", "1900-01-01"])
async def test_days_that_are_none(lane: Lane, day: str) -> None:
    """Nor is a day that no clock has, or that was before all that is counted."""
    session, _ = await lane.front.person("mira")
    assert (await lane.get(f"/audit?day={day}", session=session)).status == 422


async def test_verify(lane: Lane) -> None:
    """Whether the chain is whole is said, and what is wrong where."""
    session, _ = await lane.front.person("mira")
    await fill(lane)
    assert "not verified" in (await lane.get("/audit", session=session)).text
    assert (await lane.post("/audit/verify", session=session)).location == "/audit"
    assert " whole at " in (await lane.get("/audit", session=session)).text
    async with lane.front.ledger.write() as connection:
        await connection.execute(text("UPDATE audit SET actor = 'eve' WHERE seq = 4"))
    lane.front.now += 1
    await lane.post("/audit/verify", session=session)
    page = (await lane.get("/audit", session=session)).text
    assert ("not what was written" in page, "Entry 4" in page) == (True, True)
    told = (await lane.get("/v1/audit/verify", session=session)).text
    assert '"whole":false' in told


async def test_forgotten(lane: Lane) -> None:
    """What was erased is shown as such."""
    session, _ = await lane.front.person("mira")
    await fill(lane)
    async with lane.front.ledger.write() as connection:
        assert await forget(connection, "privacy", at=lane.front.now, subject=1) == 1
    assert "what it said was erased" in (await lane.get("/audit?case=1", session=session)).text
    assert '"content":null' in (await lane.get("/v1/audit?case=1", session=session)).text


async def test_csv(lane: Lane) -> None:
    """All of it, and no cell is a formula."""
    session, _ = await lane.front.person("mira")
    await fill(lane, 250)
    answer = await lane.get("/audit.csv?kind=blocked", session=session)
    rows = list(csv.reader(StringIO(answer.text)))
    assert (len(rows), rows[0]) == (251, ["seq", "at", "actor", "kind", "case", "content"])
    assert not [cell for row in rows for cell in row if cell.lstrip().startswith(("=", "+", "-", "@"))]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'


async def test_not_for_viewers(lane: Lane) -> None:
    """It names people whole."""
    session, _ = await lane.front.person("vic", "viewer")
    for path in ("/audit", "/audit.csv", "/v1/audit", "/v1/audit/verify"):
        assert (await lane.get(path, session=session)).status == 403
