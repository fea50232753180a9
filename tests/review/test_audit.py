"""The audit's chain: what was changed is found and named, and what must be forgotten can be."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from ratelimit.ledger.ledger import Ledger
from ratelimit.review.audit import AuditFilter, Event, append, append_all, entries, forget, head, kinds
from ratelimit.review.audit_check import Verified, verify

HOSTILE: dict[str, Any] = {
    "text": "nul \0, lone \udc80, \N{RIGHT-TO-LEFT OVERRIDE}, \N{EURO SIGN}",
    "large": 1e300,
    "list": [1, 1.0, None, True],
}


async def filled(ledger: Ledger, count: int = 6) -> None:
    """So many entries, of which the third and fifth are about subject 7."""
    for number in range(1, count + 1):
        async with ledger.write() as connection:
            about = 7 if number in {3, 5} else None
            await append(connection, f"mira-{number % 2}", "blocked", {"n": number}, at=100.5 * number, case=number // 2, subject=about)


async def verified(ledger: Ledger) -> Verified:
    async with ledger.read() as connection:
        return await verify(connection)


async def run(ledger: Ledger, *statements: str) -> None:
    async with ledger.write() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def test_an_empty_chain_is_whole(ledger: Ledger) -> None:
    """Before anything happened nothing is wrong."""
    assert await verified(ledger) == Verified(entries=0, forgotten=0, head="00" * 32)


async def test_entries_come_back_as_they_were(ledger: Ledger) -> None:
    """Whatever a caller may have written, the chain is whole and the content is the same."""
    async with ledger.write() as connection:
        assert await append(connection, "mira", "noted", HOSTILE, at=1, case=3) == 1
        assert await append(connection, "m" * 100, "noted", HOSTILE, at=1) == 2
    async with ledger.read() as connection:
        longer, entry = await entries(connection, AuditFilter(), 10)
    assert (entry.content, entry.actor, entry.kind, entry.case, entry.at) == (HOSTILE, "mira", "noted", 3, 1.0)
    assert longer.actor == "m" * 64
    assert (await verified(ledger)).whole


CHANGES = [
    ("UPDATE audit SET at = at + 0.001 WHERE seq = 4", 4, "changed"),
    ("UPDATE audit SET actor = 'x' WHERE seq = 4", 4, "changed"),
    ("UPDATE audit SET kind = 'x' WHERE seq = 4", 4, "changed"),
    ("UPDATE audit SET case_number = 77 WHERE seq = 4", 4, "changed"),
    ("UPDATE audit SET case_number = NULL WHERE seq = 4", 4, "changed"),
    ("UPDATE audit SET content_digest = link WHERE seq = 4", 4, "changed"),
    ("UPDATE audit SET link = content_digest WHERE seq = 4", 4, "changed"),
    ("UPDATE audit SET seq = 40 WHERE seq = 4", 4, "missing"),
    ("DELETE FROM audit WHERE seq = 4", 4, "missing"),
    ("DELETE FROM audit WHERE seq = 1", 1, "missing"),
    ("UPDATE audit SET seq = 0 WHERE seq = 1", 1, "without a place"),
    ("UPDATE audit SET seq = 9 WHERE seq = 6", 6, "missing"),
    ("DELETE FROM audit WHERE seq >= 5", 5, "cut off"),
    ("UPDATE audit_head SET seq = 5", 6, "behind the head"),
    ("DELETE FROM audit_head", 1, "behind the head"),
    ("UPDATE audit_head SET link = (SELECT link FROM audit WHERE seq = 5)", 6, "head"),
    ("UPDATE audit_content SET content = '{}' WHERE seq = 4", 4, "content was changed"),
    (
        "UPDATE audit_content SET salt = (SELECT other.salt FROM audit_content AS other WHERE other.seq = 5) WHERE seq = 4",
        4,
        "content was changed",
    ),
    ("UPDATE audit_content SET seq = 44 WHERE seq = 4", 4, "no entry says"),
    ("DELETE FROM audit_content WHERE seq = 4", 4, "no entry says"),
]


@pytest.mark.parametrize(("change", "seq", "what"), CHANGES)
async def test_a_change_is_found(ledger: Ledger, change: str, seq: int, what: str) -> None:
    """Each column of each row, and each row, is vouched for; the first that is wrong is named."""
    await filled(ledger)
    assert (await verified(ledger)).whole
    await run(ledger, change)
    found = await verified(ledger)
    assert found.broken_at == seq
    assert what in (found.what or "")


async def test_swapped_contents_are_found(ledger: Ledger) -> None:
    """A content belongs to its entry, with its salt."""
    await filled(ledger)
    await run(
        ledger,
        "UPDATE audit_content SET seq = 99 WHERE seq = 2",
        "UPDATE audit_content SET seq = 2 WHERE seq = 3",
        "UPDATE audit_content SET seq = 3 WHERE seq = 99",
    )
    assert (await verified(ledger)).broken_at == 2


async def test_what_is_forgotten_is_gone_and_the_chain_whole(ledger: Ledger) -> None:
    """Contents about a subject go with their salts; an entry says which, and a second time there is nothing to forget."""
    await filled(ledger)
    for expected in (2, 0):
        async with ledger.write() as connection:
            assert await forget(connection, "privacy", at=999.0, subject=7) == expected
    async with ledger.read() as connection:
        found = await entries(connection, AuditFilter(), 10)
        left = (await connection.execute(text("SELECT count(*) FROM audit_content WHERE seq IN (3, 5)"))).scalar_one()
    assert left == 0
    assert {entry.seq for entry in found if entry.content is None} == {3, 5}
    assert (found[0].kind, found[0].content) == ("forgotten", {"seqs": [3, 5]})
    told = await verified(ledger)
    assert (told.whole, told.entries, told.forgotten) == (True, 7, 2)


async def test_entries_can_be_forgotten_by_seq(ledger: Ledger) -> None:
    """Those that are not there are not counted."""
    await filled(ledger)
    async with ledger.write() as connection:
        assert await forget(connection, "privacy", at=999.0, seqs=[2, 4, 400]) == 2
    assert (await verified(ledger)).whole


async def test_writers_at_once_make_one_chain(ledger: Ledger) -> None:
    """Each has its place, none is lost, also the first of all."""

    async def write(number: int) -> list[int]:
        async with ledger.write() as connection:
            return await append_all(connection, [Event(at=1.0, actor="a", kind="k", content={"n": number})] * 2)

    told = await asyncio.gather(*(write(number) for number in range(20)))
    assert sorted(seq for pair in told for seq in pair) == list(range(1, 41))
    assert all(second == first + 1 for first, second in told)
    assert (await verified(ledger)).whole


async def test_a_transaction_that_fails_leaves_no_entry(ledger: Ledger) -> None:
    """The chain goes on from what was made."""
    await filled(ledger, 2)

    async def fail() -> None:
        async with ledger.write() as connection:
            await append(connection, "a", "k", {}, at=1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await filled(ledger, 1)
    assert await verified(ledger) == Verified(entries=3, forgotten=0, head=(await _head(ledger)))


async def _head(ledger: Ledger) -> str:
    async with ledger.read() as connection:
        end = await head(connection)
    assert end.seq == 3
    return end.link.hex()


async def test_filters(ledger: Ledger) -> None:
    """By kind, actor, case and time, latest first, page by page."""
    await filled(ledger)

    async def seqs(most: int = 10, **wanted: Any) -> list[int]:
        async with ledger.read() as connection:
            return [entry.seq for entry in await entries(connection, AuditFilter(**wanted), most)]

    assert await seqs() == [6, 5, 4, 3, 2, 1]
    assert await seqs(2) == [6, 5]
    assert await seqs(2, before=5) == [4, 3]
    assert await seqs(actor="mira-1") == [5, 3, 1]
    assert await seqs(case=2) == [5, 4]
    assert await seqs(case=0) == [1]
    assert await seqs(kind="else") == []
    assert await seqs(since=201.0, until=402.0) == [3, 2]
    async with ledger.read() as connection:
        assert await kinds(connection) == ["blocked"]
