"""Which subjects somebody means who types a part of a name, or the whole of it, by the index of names (tables/part)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.tables.part import LONGEST, PART
from ratelimit.ledger.tables.subject import SUBJECT

LEAST: Final = 2  # characters of a part that is looked for
_LAST: Final = "\U0010ffff"  # comes after everything that anybody types
_KEY: Final = "key_"  # stands before what people see of a key's digest
_ALIKE: Final = 100  # names that begin with the same LONGEST characters


def fold(text: str) -> str:
    """As the index has it: in small letters, of ASCII alone, since databases do not agree on others."""
    return text.encode("utf-8", "replace").lower().decode()


def named(text: str) -> Select[Any]:
    """The ids of those in whose name a text of at most LONGEST characters is, some more than once.

    Of an email that is before its @, or right behind it.
    """
    return _joined(select(PART.c.subject).where(begins(one)) for one in _meant(fold(text)))


async def having(connection: AsyncConnection, text: str, most: int) -> list[int]:
    """So many of those in whose name a text of any length is, as for `named`; those whose name ends soonest after it come first."""
    some = (select(PART.c.subject).where(begins(one)).order_by(PART.c.part, PART.c.subject).limit(most) for one in _meant(fold(text)))
    found = _joined(select(one.subquery().c.subject) for one in some)
    ids = list(dict.fromkeys([row[0] for row in await connection.execute(found)]))[:most]
    return ids if len(text) <= LONGEST else await _checked(connection, ids, lambda name: fold(text) in name)


async def being(connection: AsyncConnection, text: str) -> list[int]:
    """The ids of those who are called so, as people see them or as words name them."""
    query = select(PART.c.subject).where(PART.c.part == fold(text)[:LONGEST]).limit(_ALIKE)
    return await _checked(connection, list((await connection.execute(query)).scalars()), lambda name: fold(text) == name)


def begins(text: str) -> ColumnElement[bool]:
    """Parts that begin with a text, which is folded."""
    start = text[:LONGEST]
    return and_(PART.c.part >= start, PART.c.part < start + _LAST)


def _joined(some: Iterable[Select[Any]]) -> Select[Any]:
    both = union_all(*some).subquery()
    return select(both.c.subject)


def _meant(text: str) -> Iterator[str]:
    """What parts may begin with: the text, an email's domain that does, a key's digest."""
    yield text
    if "@" not in text:
        yield f"@{text}"
    if text.startswith(_KEY) and text != _KEY:
        yield text.removeprefix(_KEY)


async def _checked(connection: AsyncConnection, ids: Sequence[int], test: Callable[[str], bool]) -> list[int]:
    """Those of them of whom it is true that a name passes: the index has the first LONGEST characters of a part."""
    if not ids:
        return []
    query = select(SUBJECT.c.id, SUBJECT.c.shown, SUBJECT.c.value).where(SUBJECT.c.id.in_(ids))
    rows = (await connection.execute(query)).all()
    return [row.id for row in rows if any(name is not None and test(fold(name)) for name in (row.shown, row.value))]
