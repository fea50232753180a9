"""Subjects: who is found by a digest, and called by a number that says nothing."""

from sqlalchemy import func, select, update

from ratelimit.core.message import Entity
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects, named
from ratelimit.ledger.tables.subject import SUBJECT

OLD, NEW = b"o" * 32, b"n" * 32
ANNA, HOME = Entity("account", "anna"), Entity("ip", "192.0.2.7")


async def _ids(ledger: Ledger, subjects: Subjects, *entities: Entity, now: float = 1_000.0) -> list[int]:
    async with ledger.write() as connection:
        found = await subjects.ids(connection, entities, now)
    return [found[one.kind, one.value] for one in entities]


async def test_same(ledger: Ledger) -> None:
    """Who came before is found again, another is somebody else, and one of another kind is, too."""
    subjects = Subjects([NEW])
    first = await _ids(ledger, subjects, ANNA, HOME, Entity("api_key", "anna"))
    assert len(set(first)) == 3
    assert await _ids(ledger, subjects, HOME, ANNA, ANNA) == [first[1], first[0], first[0]]
    async with ledger.read() as connection:
        assert await subjects.find(connection, "account", "anna") == first[0]
        assert await subjects.find(connection, "account", "otto") is None
        assert (await connection.execute(select(func.count()).select_from(SUBJECT))).scalar() == 3


async def test_many(ledger: Ledger) -> None:
    """More than fit into one statement get an id each."""
    entities = [Entity("account", f"a{number}") for number in range(1_700)]
    ids = await _ids(ledger, Subjects([NEW]), *entities)
    assert len(set(ids)) == 1_700
    assert await _ids(ledger, Subjects([NEW]), *entities) == ids


async def test_other_key(ledger: Ledger) -> None:
    """Who was written by the old key keeps the id, and is found by the new key alone from then on."""
    before = await _ids(ledger, Subjects([OLD]), ANNA)
    assert await _ids(ledger, Subjects([NEW, OLD]), ANNA) == before
    assert await _ids(ledger, Subjects([NEW]), ANNA) == before
    assert await _ids(ledger, Subjects([OLD]), ANNA) != before


async def test_shown(ledger: Ledger) -> None:
    """The latest way to show somebody stays; what no database takes is written as what it is."""
    subjects = Subjects([NEW])
    (id,) = await _ids(ledger, subjects, Entity("card", "x" * 22, "·· 4242"))
    await _ids(ledger, subjects, Entity("card", "x" * 22), now=5_000.0)
    (strange,) = await _ids(ledger, subjects, Entity("account", "a\0b\ud800"))
    async with ledger.read() as connection:
        found = await named(connection, [id, strange, 77])
    assert found.keys() == {id, strange}
    assert (found[id].shown, found[id].first_at, found[id].last_at) == ("·· 4242", 1_000.0, 5_000.0)
    assert found[strange].shown == "a\\x00b\\ud800"


async def test_erased(ledger: Ledger) -> None:
    """Of somebody whose value is gone it is there again when they come again."""
    subjects = Subjects([NEW])
    (id,) = await _ids(ledger, subjects, HOME)
    async with ledger.write() as connection:
        await connection.execute(update(SUBJECT).values(value=None, shown="192.0.2.0/24"))
    assert await _ids(ledger, subjects, HOME) == [id]
    async with ledger.read() as connection:
        assert (await named(connection, [id]))[id].value == "192.0.2.7"
