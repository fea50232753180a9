"""The index of names: it has the names that are there, whoever wrote them, and no others."""

import pytest
from alembic import command
from sqlalchemy import Connection, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.message import Entity
from ratelimit.ledger import part
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.migrate import _config
from ratelimit.ledger.migrations.versions import v0012_search
from ratelimit.ledger.tables.part import PART
from ratelimit.ledger.tables.subject import SUBJECT
from tests.review.case_site import NOW, SUBJECTS

LONG = "tenant/" + "x" * 60 + "/user-17"
WHO = {
    "halden": Entity("account", "acct_17", "Halden <b>Studio</b>"),
    "uuid": Entity("account", "9f1C33aa-0b1e-4c1a"),
    "umlaut": Entity("account", "Özge 100%_x"),
    "key": Entity("api_key", "5f3c91" + "a" * 20, "key_5f3c91"),
    "home": Entity("ip", "198.51.100.42"),
    "card": Entity("card", "C" * 22, "visa •••• 4242"),
    "mail": Entity("email", "E" * 22, "Quinn@mailbox.test"),
    "domain": Entity("email_domain", "mailbox.test"),
    "long": Entity("account", LONG),
}


async def made(ledger: Ledger) -> dict[str, int]:
    """All of them."""
    async with ledger.write() as connection:
        ids = await SUBJECTS.ids(connection, WHO.values(), NOW)
    return {name: ids[one.kind, one.value] for name, one in WHO.items()}


def names(of: dict[str, int], ids: list[int]) -> set[str]:
    return {name for name, id in of.items() if id in ids}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("halden", {"halden"}),
        ("ALDEN <B>st", {"halden"}),
        ("acct_17", {"halden"}),
        ("0b1e", {"uuid"}),
        ("0%_", {"umlaut"}),
        ("Özge", {"umlaut"}),
        ("key_5F3C", {"key"}),
        ("5f3c91a", {"key"}),
        ("198.51.100.", {"home"}),
        ("4242", {"card"}),
        ("cccccc", {"card"}),
        ("inn@mail", {"mail"}),
        ("mailbox", {"mail", "domain"}),
        ("@mailbox.test", {"mail"}),
        ("box.test", {"domain"}),
        (LONG[2:60], {"long"}),
        (LONG[:50] + "y", set()),
        ("nobody", set()),
    ],
)
async def test_having(ledger: Ledger, typed: str, expected: set[str]) -> None:
    """A part of a name finds who has it, in any case; of emails up to the @ or right behind it."""
    of = await made(ledger)
    async with ledger.read() as connection:
        assert names(of, await part.having(connection, typed, 50)) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("halden <b>studio</b>", {"halden"}),
        ("ACCT_17", {"halden"}),
        ("halden", set()),
        ("key_5f3c91", {"key"}),
        (LONG, {"long"}),
        (LONG[:45], set()),
        ("4242", set()),
        ("Quinn@mailbox.test", {"mail"}),
        ("@mailbox.test", set()),
    ],
)
async def test_being(ledger: Ledger, typed: str, expected: set[str]) -> None:
    """The whole of a name finds who is called so, a part nobody."""
    of = await made(ledger)
    async with ledger.read() as connection:
        assert names(of, await part.being(connection, typed)) == expected


async def rows(connection: AsyncConnection) -> set[tuple[str, int]]:
    return {(row.part, row.subject) for row in await connection.execute(select(PART))}


async def test_follows(ledger: Ledger) -> None:
    """Another name takes the old one's parts away, and so does none; whoever goes leaves nothing."""
    of = await made(ledger)
    async with ledger.write() as connection:
        before = await rows(connection)
        await connection.execute(update(SUBJECT).values(last_at=NOW + 9, value=SUBJECT.c.value))
        assert await rows(connection) == before
        for change in ({"shown": "Nobody"}, {"value": None}, {"shown": None}):
            await connection.execute(update(SUBJECT).where(SUBJECT.c.id.in_([of["halden"], of["card"], of["key"]])).values(change))
        left = {one for one in before if one[1] not in {of["halden"], of["card"], of["key"]}}
        assert await rows(connection) == left
        await connection.execute(delete(SUBJECT))
        assert await rows(connection) == set()


def _back_and_forth(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.downgrade(config, v0012_search.down_revision)
    command.upgrade(config, "head")


async def test_filled(ledger: Ledger) -> None:
    """A ledger of before gets the same index by the migration as the one that was kept all along."""
    await made(ledger)
    async with ledger.write() as connection:
        before = await rows(connection)
        await connection.run_sync(_back_and_forth)
        assert await rows(connection) == before
        await connection.execute(text("DELETE FROM subject"))
        assert await rows(connection) == set()
