"""Views of pages that people saved: a name, and the query of the page's address."""

from typing import Final

from msgspec import Struct
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.tables.person import VIEW
from ratelimit.ledger.upsert import inserting

_C: Final = VIEW.c


class SavedView(Struct, frozen=True):
    """One. `query` is that of the address, without its question mark."""

    id: int
    name: str
    query: str


async def of_person(connection: AsyncConnection, person: int, page: str) -> list[SavedView]:
    """Theirs of a page, by name."""
    query = select(_C.id, _C.name, _C.query).where(_C.person == person, _C.page == page).order_by(_C.name)
    return [SavedView(*row) for row in await connection.execute(query)]


async def save(connection: AsyncConnection, person: int, page: str, name: str, query: str) -> None:
    """Keep one; another of that name is replaced."""
    row = inserting(connection, VIEW).values(person=person, page=page, name=name, query=query)
    await connection.execute(row.on_conflict_do_update(index_elements=[_C.person, _C.page, _C.name], set_={"query": query}))


async def drop(connection: AsyncConnection, person: int, id: int) -> bool:
    """Keep it no longer; whether there was one of theirs."""
    found = await connection.execute(delete(VIEW).where(_C.id == id, _C.person == person).returning(_C.id))
    return found.first() is not None
