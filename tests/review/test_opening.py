"""What was flagged becomes cases."""

import asyncio
from typing import Any

from sqlalchemy import func, insert, select, update

from ratelimit.core.case import reasons_key
from ratelimit.core.flag_words import reasons_of
from ratelimit.core.message import Entity, Flagged
from ratelimit.ledger.case_query import resolve
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.action import KNOWN_NORMAL
from ratelimit.ledger.tables.case import CASE, OPENING
from ratelimit.ledger.tables.record import RECORD
from ratelimit.review.opening import REOPEN_S
from tests.review.case_site import DAY, HOUR, NOW, account, bought, flagged, model, rule, subject, view, warning


async def close(ledger: Ledger, number: int, at: float = NOW) -> None:
    async with ledger.write() as connection:
        await connection.execute(update(CASE).where(CASE.c.number == number).values(state="closed", closed_at=at, verdict="good"))


async def count(ledger: Ledger, state: str = "open") -> int:
    async with ledger.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(CASE).where(CASE.c.state == state))).scalar_one())


async def find(ledger: Ledger, text: str) -> int | None:
    async with ledger.read() as connection:
        return await resolve(connection, text)


async def test_a_case_in_words(ledger: Ledger) -> None:
    """It has its reasons in plain words, what opened it, and the reference that was told leads to it."""
    flag = model(Entity("api_key", "k1"), plan="pro")
    await flagged(ledger, flag)
    number = await find(ledger, flag.id)
    assert number is not None
    assert [await find(ledger, text) for text in (f"C-{number}", str(number), f"c{number}", "C-999", "what")] == [number] * 3 + [None] * 2
    found = await view(ledger, number)
    row = found.row
    assert [(one.value, one.words) for one in row.reasons] == [("418", "addresses used this key in 2 h"), ("31", "countries in 2 h")]
    assert (row.anchor.kind, row.anchor.shown, row.opened_by, row.opened_word, row.risk) == (
        "api_key",
        "k1",
        "model",
        "risk 0.9994",
        0.9994,
    )
    assert (row.plan, row.money, row.priority, row.due_at) == ("pro", "no account", 4, NOW + 7 * DAY)
    assert [one.reference for one in found.openings] == [flag.id]


async def test_one_open_case_for_each_anchor(ledger: Ledger) -> None:
    """What comes later goes to the open case, which is then due when the first of them is."""
    first, second = rule(), warning()
    await flagged(ledger, first, second, rule("odd", account("a2")))
    number = await find(ledger, first.id)
    assert number is not None
    assert await find(ledger, second.id) == number
    row = (await view(ledger, number)).row
    assert [(one.kind, one.value, one.words) for one in row.reasons] == [
        ("early_fraud_warning", "Reported as fraud", "by the card issuer"),
        ("rule", "Several", "cards tried"),
    ]
    assert (row.priority, row.due_at, row.version) == (2, NOW + DAY, 2)
    assert await count(ledger) == 2


async def test_a_source_counts_once(ledger: Ledger) -> None:
    """The same told again changes nothing, also when its case was closed."""
    flag = warning()
    await flagged(ledger, flag)
    number = await find(ledger, flag.id)
    assert number is not None
    before = await view(ledger, number)
    await flagged(ledger, flag, warning())
    assert await view(ledger, number) == before
    await close(ledger, number)
    await flagged(ledger, flag, now=NOW + HOUR)
    assert await count(ledger) == 0


async def test_opened_again(ledger: Ledger) -> None:
    """The same reasons within a week open the case that was closed; others, or later ones, open another."""
    first = rule()
    await flagged(ledger, first)
    number = await find(ledger, first.id)
    assert number is not None
    await close(ledger, number)
    again = rule(at=NOW + REOPEN_S - 1)
    await flagged(ledger, again, now=NOW + REOPEN_S - 1)
    assert await find(ledger, again.id) == number
    found = await view(ledger, number)
    assert (found.row.state, found.row.reopened, found.verdict) == ("open", 1, None)
    await close(ledger, number)
    other = rule("another")
    await flagged(ledger, other)
    assert await find(ledger, other.id) != number
    await close(ledger, await find(ledger, other.id) or 0)
    late = rule()
    await flagged(ledger, late, now=NOW + REOPEN_S + 1)
    assert await find(ledger, late.id) not in {number, await find(ledger, other.id)}


async def test_known_normal(ledger: Ledger) -> None:
    """What somebody called normal opens no case until that ends, save for a bank's warning."""
    flag = rule()
    mark = {
        "subject": await subject(ledger, account("a1")),
        "reasons_key": reasons_key(reasons_of(flag)),
        "by": 1,
        "at": NOW,
        "until": NOW + DAY,
    }
    async with ledger.write() as connection:
        await connection.execute(insert(KNOWN_NORMAL).values(mark))
    await flagged(ledger, flag)
    assert (await find(ledger, flag.id), await count(ledger)) == (None, 0)
    await flagged(ledger, warning())
    assert await count(ledger) == 1
    await flagged(ledger, rule("another"), rule(anchor=account("a2")))
    assert await count(ledger) == 2
    async with ledger.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(OPENING))).scalar() == 4


async def test_money_at_risk(ledger: Ledger) -> None:
    """What is unspent of what was paid; what the records say was spent is not, and each stands for its weight."""
    buyer = await subject(ledger, account("a1"))
    await bought(ledger, buyer)
    await bought(ledger, buyer, outcome="failed")
    await bought(ledger, buyer, refunded=True)
    spent = {"method": "GET", "path": "/", "cost": 5, "account": buyer, "decision": "allow", "reason": "ok", "at": NOW - 60}
    async with ledger.write() as connection:
        await connection.execute(insert(RECORD).values(id="r1", weight=50, **spent))
        await connection.execute(insert(RECORD).values(id="r2", weight=1, **{**spent, "decision": "block"}))
    flag = rule()
    await flagged(ledger, flag)
    row = (await view(ledger, await find(ledger, flag.id) or 0)).row
    assert (row.at_risk_minor, row.currency, row.money, row.expected_loss_minor) == (7_500, "EUR", "75 % unspent", 3_000)
    assert (row.priority, row.due_at) == (2, NOW + DAY)


async def test_several_warnings(ledger: Ledger) -> None:
    """They are one reason, which says how many there are."""
    await flagged(ledger, *(warning(source=f"issfr_{number}") for number in range(3)), warning(source="issfr_0"))
    (reason,) = (await view(ledger, 1)).row.reasons
    assert (reason.value, reason.words, reason.number) == ("3 purchases", "reported as fraud by the card issuer", 3)
    assert len((await view(ledger, 1)).openings) == 3


async def test_an_appeal_stands_beside(ledger: Ledger) -> None:
    """It is a case of its own, whatever else is open."""
    await flagged(ledger, rule())
    await flagged(ledger, Flagged("ap1", account("a1"), "appeal", "appeal:1", ("I did nothing",), NOW))
    await flagged(ledger, rule("odd"))
    assert await count(ledger) == 2


async def test_two_at_once(ledger: Ledger) -> None:
    """However many take flags of one anchor from the stream at once, it has one open case with all of their reasons."""
    await asyncio.gather(*(flagged(ledger, rule(f"rule-{number}")) for number in range(20)))
    async with ledger.read() as connection:
        (row,) = (await connection.execute(select(CASE.c.number, CASE.c.reasons))).all()
        openings: Any = (await connection.execute(select(func.count()).where(OPENING.c.case_number == row.number))).scalar()
    assert len(row.reasons) == openings == 20
