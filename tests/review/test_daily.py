"""Which candidates of the model become cases."""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import func, select, update

from ratelimit.core.message import Flagged
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.case import CANDIDATE, CASE
from ratelimit.review.daily import DAY_S, SHARE_S, Daily
from ratelimit.review.flagged import FlagIntake
from tests.review.case_site import HOUR, NOW, SUBJECTS, account, bought, model, rule, subject, view


def never() -> float:
    return 0.999


def always() -> float:
    return 0.0


async def take_in(ledger: Ledger, *flags: Flagged, now: float = NOW, per_day: int = 16, draw: Callable[[], float] = never) -> None:
    async with ledger.write() as connection:
        await FlagIntake(SUBJECTS, Daily(lambda: per_day, draw))(connection, flags, now)


async def look(ledger: Ledger, now: float, per_day: int = 16) -> None:
    await FlagIntake(SUBJECTS, Daily(lambda: per_day, never)).look(ledger, now)


async def rows(ledger: Ledger) -> list[Any]:
    async with ledger.read() as connection:
        return list((await connection.execute(select(CASE).order_by(CASE.c.number))).all())


async def waiting(ledger: Ledger) -> int:
    async with ledger.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(CANDIDATE))).scalar_one())


def some(first: int, last: int, at: float = NOW, kind: Any = "model") -> list[Flagged]:
    """Candidates of accounts with these numbers."""
    found = [model(account(f"a{number}"), at=at) for number in range(first, last)]
    if kind == "model":
        return found
    lots = range(first, last)  # the lot falls for the least
    return [
        Flagged(f.id, f.anchor, kind, f.source, (), at, signals=f.signals, risk=0.3, chance=lot / 100)
        for f, lot in zip(found, lots, strict=True)
    ]


async def test_the_greatest_loss_first(ledger: Ledger) -> None:
    """Of ten candidates the two with the most at stake have the room there is; the others wait."""
    for number in (3, 7):
        await bought(ledger, await subject(ledger, account(f"a{number}")), amount_minor=5_000 + 100 * number)
    await take_in(ledger, *some(0, 10))
    anchors = [await subject(ledger, account(name)) for name in ("a7", "a3")]
    assert [row.anchor for row in await rows(ledger)] == anchors
    assert await waiting(ledger) == 8


async def test_over_the_day(ledger: Ledger) -> None:
    """However many come, an eighth is opened in three hours, all of it in a day, and no more; who waited a day is let go."""
    await take_in(ledger, *some(0, 40))
    opened = []
    for hour in range(1, 24):
        await look(ledger, NOW + hour * HOUR)
        opened.append(len(await rows(ledger)))
    assert max(opened) == opened[-1] == 16
    assert opened[:7] == [2, 2, 4, 4, 4, 6, 6]
    await look(ledger, NOW + DAY_S + 1)
    assert await waiting(ledger) == 0
    times = [row.opened_at for row in await rows(ledger)]
    assert all(sum(at <= one < at + SHARE_S for one in times) <= 2 for at in times)


async def test_what_is_urgent_does_not_wait(ledger: Ledger) -> None:
    """It takes of the day's room at once, and of no more than that."""
    for number in range(20):
        await bought(ledger, await subject(ledger, account(f"a{number}")), amount_minor=60_000)
    await take_in(ledger, *some(0, 20))
    assert len(await rows(ledger)) == 16
    assert {row.priority for row in await rows(ledger)} == {1}


async def test_an_open_case_takes_it_in(ledger: Ledger) -> None:
    """It needs no room; warnings and rules do not either."""
    await take_in(ledger, rule(anchor=account("a1")), per_day=0)
    await take_in(ledger, *some(0, 3), per_day=0)
    (row,) = await rows(ledger)
    assert ([one["kind"] for one in row.reasons], row.risk) == (["rule", "model", "model"], 0.9994)
    assert await waiting(ledger) == 2


async def test_one_in_a_hundred_is_drawn_by_lot(ledger: Ledger) -> None:
    """It is an account that was not flagged, and looks like one of the model; without the lot there is none."""
    flagged_too = some(0, 1, kind="audit")[0]
    await take_in(ledger, *some(5, 6, kind="audit"), flagged_too)
    assert await rows(ledger) == []
    await take_in(ledger, *some(0, 1), draw=always)
    model_case, audit = await rows(ledger)
    assert (model_case.opened_by, audit.opened_by, audit.blind, model_case.blind) == ("model", "audit", True, True)
    assert audit.anchor == await subject(ledger, account("a5"))
    assert (audit.priority, audit.due_at, audit.opened_word) == (model_case.priority, model_case.due_at, "risk 0.3000")
    assert await waiting(ledger) == 0


async def test_nothing_tells_it_apart(ledger: Ledger) -> None:
    """Until it is decided nobody is told what opened it, in any word; then everybody is."""
    await take_in(ledger, *some(5, 6, kind="audit"), *some(0, 1), draw=always)
    number = (await rows(ledger))[1].number
    hidden = await view(ledger, number)
    assert (hidden.row.opened_by, hidden.row.opened_word, hidden.row.risk, hidden.openings) == ("model", "", None, ())
    assert b"audit" not in msgspec.json.encode(hidden)
    async with ledger.write() as connection:
        await connection.execute(update(CASE).where(CASE.c.number == number).values(state="closed", closed_at=NOW, verdict="good"))
    told = await view(ledger, number)
    assert (told.row.opened_by, told.row.risk, len(told.openings)) == ("audit", 0.3, 1)
