"""How many others were flagged for the same, on both databases."""

from msgspec.structs import replace

from ratelimit.core.case import CaseReason
from ratelimit.core.message import Entity
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.sharing import Said, cases_sharing, said, shared_by
from ratelimit.ledger.tables.case import CASE
from tests.review.case_site import ADDRESSES, NOW, account, flagged, model, rule, subject, view, warning

FARTHER = replace(ADDRESSES, tail_share=ADDRESSES.tail_share / 10)
LESS = replace(ADDRESSES, tail_share=ADDRESSES.tail_share * 2)


async def reasons(ledger: Ledger, number: int) -> tuple[CaseReason, ...]:
    return (await view(ledger, number)).row.reasons


async def sharing(ledger: Ledger, what: Said, whose: int) -> list[int]:
    async with ledger.read() as connection:
        return [row.number for row in await cases_sharing(connection, what, whose, NOW)]


async def test_as_far_out(ledger: Ledger) -> None:
    """Others count that show it at least as far out; those that show it less, or are of another kind, do not."""
    flags = [model(), model(account("far"), signals=(FARTHER,)), model(account("less"), signals=(LESS,)), model(account("same"))]
    await flagged(ledger, *flags, model(Entity("ip", "192.0.2.7"), signals=(FARTHER,)))
    mine = await subject(ledger, account("a1"))
    async with ledger.read() as connection:
        rows = (await connection.execute(CASE.select())).all()
        own = next(row.number for row in rows if row.anchor == mine)
        found = await shared_by(connection, mine, "account", await reasons(ledger, own))
    what = next(one for one in found if one.name == "addresses")
    assert found[what] == 2
    numbers = await sharing(ledger, what, mine)
    shown = {row.number for row in rows if row.anchor in {await subject(ledger, account(name)) for name in ("far", "same")}}
    assert set(numbers) == shown
    assert own not in numbers


async def test_facts(ledger: Ledger) -> None:
    """A rule is shared by its name, warnings are alike whatever their ids, and a case without reasons shares nothing."""
    await flagged(
        ledger, rule(), rule(anchor=account("b")), rule("other", account("c")), warning(account("d")), warning(account("e"), "i2")
    )
    one, two = await subject(ledger, account("a1")), await subject(ledger, account("d"))
    async with ledger.read() as connection:
        rows = {row.anchor: row.number for row in (await connection.execute(CASE.select())).all()}
        by_rule = await shared_by(connection, one, "account", await reasons(ledger, rows[one]))
        by_warning = await shared_by(connection, two, "account", await reasons(ledger, rows[two]))
        assert await shared_by(connection, one, "account", ()) == {}
    assert by_rule == {Said("card-testing"): 1}
    assert by_warning == {Said("early_fraud_warning"): 1}


async def test_what_is_not_told(ledger: Ledger) -> None:
    """An open case whose reviewer may not know why it is there is not counted; once it is closed it is."""
    await flagged(ledger, model(), model(account("b")))
    mine, other = await subject(ledger, account("a1")), await subject(ledger, account("b"))
    async with ledger.write() as connection:
        await connection.execute(CASE.update().where(CASE.c.anchor == other).values(blind=True))
        number = (await connection.execute(CASE.select().where(CASE.c.anchor == mine))).one().number
    what = said((await reasons(ledger, number))[0])
    assert await sharing(ledger, what, mine) == []
    async with ledger.write() as connection:
        await connection.execute(CASE.update().where(CASE.c.anchor == other).values(state="closed", closed_at=NOW))
    assert len(await sharing(ledger, what, mine)) == 1
