"""Two never work on the same case unknowingly."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from itertools import chain

import pytest
from sqlalchemy import update

from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.case import CASE
from ratelimit.review.case_error import ConflictError, ForbiddenError, LockedError, NotFoundError
from ratelimit.review.cases import Cases
from ratelimit.review.lock import LOCK_S, MOST_BEAT_S
from tests.review.case_site import HOUR, NOW, account, bought, flagged, person, rule, subject, warning


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


async def some(ledger: Ledger, most: int) -> None:
    """So many cases."""
    await flagged(ledger, *(rule(anchor=account(f"a{number}")) for number in range(most)))


async def test_the_most_urgent_first(ledger: Ledger) -> None:
    """By priority, then the most money; what somebody else has open, or is put off, or passed on, is left out."""
    clock = Clock()
    cases, mira, toma = Cases(ledger, clock), await person(ledger, "mira"), await person(ledger, "toma")
    for name, paid in (("poor", 0), ("some", 30_000), ("rich", 40_000)):
        await bought(ledger, await subject(ledger, account(name)), paid)
    await flagged(ledger, rule(anchor=account("poor")), rule(anchor=account("some")), rule(anchor=account("rich")), warning(account("x")))
    taken = [await cases.take_next(someone) for someone in (mira, toma, mira, toma)]
    assert [one.row.anchor.shown if one is not None else None for one in taken] == ["rich", "some", "rich", "some"]
    assert taken[0] is not None
    await cases.snooze(taken[0].row.number, mira, NOW + HOUR)
    third = await cases.take_next(mira)
    assert third is not None
    assert third.row.anchor.shown == "x"
    await cases.escalate(third.row.number, mira, "too large for me")
    fourth = await cases.take_next(mira)
    assert fourth is not None
    assert fourth.row.anchor.shown == "poor"
    boss = await person(ledger, "boss", "admin")
    found = await cases.take_next(boss)
    assert found is not None
    assert found.row.anchor.shown == "x"
    clock.now += HOUR
    found = await cases.take_next(boss, "unassigned")
    assert found is not None
    assert found.row.anchor.shown == "rich"


async def test_a_lock_ends(ledger: Ledger) -> None:
    """Nobody else takes or changes it meanwhile; it ends by itself, unless it is renewed, or taken over for all to see."""
    clock = Clock()
    cases, mira, toma = Cases(ledger, clock), await person(ledger, "mira"), await person(ledger, "toma")
    await some(ledger, 1)
    number = (await cases.take(1, mira)).row.number
    clock.now += LOCK_S - 1
    assert await cases.beat(number, mira) == clock.now + LOCK_S
    clock.now += LOCK_S - 1
    with pytest.raises(LockedError, match="Mira has C-1 open") as error:
        await cases.take(number, toma)
    assert (error.value.by, error.value.until) == ("Mira", clock.now + 1)
    for change in (cases.escalate(number, toma, ""), cases.assign(number, toma, "toma"), cases.snooze(number, toma, clock.now + 9)):
        with pytest.raises(LockedError):
            await change
    assert await cases.take_next(toma) is None
    clock.now += 2
    assert (await cases.take(number, toma)).row.locked_by is not None
    with pytest.raises(LockedError):
        await cases.beat(number, mira)
    over = await cases.take(number, mira, over=True)
    assert over.row.locked_by is not None
    assert over.row.locked_by.initials == "MI"
    await cases.release(number, toma)
    assert (await cases.get(number)).row.locked_by is not None
    await cases.release(number, mira)
    assert (await cases.get(number)).row.locked_by is None
    with pytest.raises(ConflictError):
        await cases.beat(number, mira)
    assert [one.kind for one in await cases.history(number)] == ["case.taken"] * 3 + ["case.opened"]


async def test_work_is_measured(ledger: Ledger) -> None:
    """Time between beats counts, and a page that nobody is at counts for little."""
    clock = Clock()
    cases, mira = Cases(ledger, clock), await person(ledger, "mira")
    await some(ledger, 1)
    await cases.take(1, mira)
    for wait in (30, 30, 500):
        clock.now += wait
        await cases.beat(1, mira)
    clock.now += 10
    await cases.release(1, mira)
    assert (await cases.get(1)).work_s == 30 + 30 + MOST_BEAT_S + 10


async def test_not_ones_own_decision(ledger: Ledger) -> None:
    """Whoever decided before does not look at it again, neither by number nor as the next."""
    cases, mira, toma = Cases(ledger, Clock()), await person(ledger, "mira"), await person(ledger, "toma")
    await some(ledger, 1)
    async with ledger.write() as connection:
        await connection.execute(update(CASE).values(opened_by="quality", barred=mira.id))
    assert await cases.take_next(mira) is None
    with pytest.raises(ForbiddenError):
        await cases.take(1, mira)
    assert await cases.take_next(toma) is not None


async def test_no_such_case(ledger: Ledger) -> None:
    """It is said by number; a closed one is not taken."""
    cases, mira = Cases(ledger, Clock()), await person(ledger, "mira")
    with pytest.raises(NotFoundError, match="C-7"):
        await cases.take(7, mira)
    with pytest.raises(NotFoundError, match="who"):
        await cases.number("who")
    await some(ledger, 1)
    async with ledger.write() as connection:
        await connection.execute(update(CASE).values(state="closed", closed_at=NOW))
    with pytest.raises(ConflictError, match="closed"):
        await cases.take(1, mira)
    assert await cases.take_next(mira) is None


async def test_never_the_same(ledger: Ledger, request: pytest.FixtureRequest) -> None:
    """Of 200 cases that two processes with people of their own take at once, each goes to one of them."""
    await some(ledger, 200)
    url = ledger.url.replace("+aiosqlite", "").replace("sqlite:///", "sqlite://").replace("+asyncpg", "")
    command = [sys.executable, "-m", "tests.review.taker", url]
    where = request.config.rootpath
    running = [await asyncio.create_subprocess_exec(*command, str(number), stdin=PIPE, stdout=PIPE, cwd=where) for number in (1, 2)]
    for process in running:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    told = [one.decode().split() for one, _ in await asyncio.gather(*(process.communicate(b"go\n") for process in running))]
    assert [process.returncode for process in running] == [0, 0]
    assert sorted(map(int, chain(*told))) == list(range(1, 201))
    assert all(told)
