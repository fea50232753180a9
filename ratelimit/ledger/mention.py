"""Where people have written about an account in texts that are not its own: a note on another case, the reason of an action, an appeal.

It is looked for by the account's name and its mailboxes as words of their own. In rows the word is struck out; what the audit has is given
up as a whole, since its chain vouches for each content as it was.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Column, Table, and_, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.erasure import Owned
from ratelimit.ledger.tables.action import ACTION, APPEAL
from ratelimit.ledger.tables.audit import AUDIT, AUDIT_CONTENT
from ratelimit.ledger.tables.case import CASE
from ratelimit.ledger.tables.subject import SUBJECT

STRUCK: Final = "[erased]"
LEAST: Final = 5  # characters of a name: shorter ones are words, or numbers that mean something else
_AT_ONCE: Final = 500
_TEXTS: Final = (
    (CASE, CASE.c.why),
    (ACTION, ACTION.c.reason),
    (ACTION, ACTION.c.undone_why),
    (APPEAL, APPEAL.c.text),
    (APPEAL, APPEAL.c.why),
)


async def words_of(connection: AsyncConnection, it: Owned) -> list[str]:
    """What people call it by."""
    names = [it.value]
    for start in range(0, len(it.used), _AT_ONCE):
        mailboxes = SUBJECT.c.id.in_(it.used[start : start + _AT_ONCE]), SUBJECT.c.kind == "email", SUBJECT.c.shown.is_not(None)
        names += (await connection.execute(select(SUBJECT.c.shown).where(*mailboxes))).scalars()
    return [name for name in dict.fromkeys(names) if len(name) >= LEAST]


async def told(connection: AsyncConnection, words: Sequence[str]) -> list[int]:
    """Entries of the audit about cases and subjects, whoever's, whose contents name it."""
    if not words:
        return []
    needles = [json.dumps(word)[1:-1] for word in words]
    about = or_(AUDIT.c.case_number.is_not(None), AUDIT_CONTENT.c.subject.is_not(None))
    query = select(AUDIT.c.seq, AUDIT_CONTENT.c.content).join(AUDIT_CONTENT, AUDIT_CONTENT.c.seq == AUDIT.c.seq)
    pattern = _pattern(needles)
    return [
        row.seq
        for row in await connection.execute(query.where(about, _has(AUDIT_CONTENT.c.content, needles)))
        if pattern.search(row.content)
    ]


async def strike(connection: AsyncConnection, words: Sequence[str]) -> int:
    """Strike the words out of what people wrote in rows; how many texts that were."""
    if not words:
        return 0
    pattern, count = _pattern(words), 0
    for table, column in _TEXTS:
        count += await _strike(connection, table, column, words, pattern)
    return count


async def _strike(connection: AsyncConnection, table: Table, column: Column[Any], words: Sequence[str], pattern: re.Pattern[str]) -> int:
    (key,) = table.primary_key.columns
    rows = await connection.execute(select(key.label("key"), column.label("text")).where(_has(column, words)))
    struck = [{"its_key": row.key, "struck": pattern.sub(STRUCK, row.text)} for row in rows if pattern.search(row.text)]
    if struck:
        await connection.execute(update(table).where(key == bindparam("its_key")).values({column.name: bindparam("struck")}), struck)
    return len(struck)


def _has(column: Any, words: Sequence[str]) -> Any:
    """What may have one of them; the database knows no words, and small letters of English alone."""
    return and_(column.is_not(None), or_(*(func.lower(column).contains(_small(word), autoescape=True) for word in words)))


def _small(word: str) -> str:
    return re.sub("[A-Z]+", lambda it: it[0].lower(), word)


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words), re.IGNORECASE)
