"""Where people have written about an account in texts that are not its own: a note on another case, the reason of an action, an appeal,
a view of the queue that they saved.

It is looked for by the account's name and its mailboxes as words of their own. In rows the word is struck out; what the audit has is given
up as a whole, since its chain vouches for each content as it was. Databases do not agree on small letters beyond ASCII, so they are asked
for what is ASCII in a name, and whether it is the name is seen here.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import unquote_plus

from sqlalchemy import Column, String, Table, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.erasure import Owned
from ratelimit.ledger.tables.action import ACTION, APPEAL
from ratelimit.ledger.tables.audit import AUDIT, AUDIT_CONTENT
from ratelimit.ledger.tables.case import CASE
from ratelimit.ledger.tables.person import VIEW
from ratelimit.ledger.tables.rule import MODEL_PIN, RULE_VERSION
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
    (RULE_VERSION, RULE_VERSION.c.why),
    (MODEL_PIN, MODEL_PIN.c.why),
)
_ASCII: Final = re.compile("[\0-\x7f]{2,}")


async def words_of(connection: AsyncConnection, it: Owned) -> list[str]:
    """What people call it by."""
    names = [it.value]
    for start in range(0, len(it.used), _AT_ONCE):
        mailboxes = SUBJECT.c.id.in_(it.used[start : start + _AT_ONCE]), SUBJECT.c.kind == "email", SUBJECT.c.shown.is_not(None)
        names += (await connection.execute(select(SUBJECT.c.shown).where(*mailboxes))).scalars()
    return [name for name in dict.fromkeys(names) if len(name) >= LEAST]


async def told(connection: AsyncConnection, words: Sequence[str]) -> list[int]:
    """Entries of the audit about cases, subjects, rules and models, whoever's, whose contents name it; none about people of the console."""
    if not words:
        return []
    of_rules = or_(AUDIT.c.kind.startswith("rule."), AUDIT.c.kind.startswith("model."))
    about = or_(AUDIT.c.case_number.is_not(None), AUDIT_CONTENT.c.subject.is_not(None), of_rules)
    query = select(AUDIT.c.seq, AUDIT_CONTENT.c.content).join(AUDIT_CONTENT, AUDIT_CONTENT.c.seq == AUDIT.c.seq)
    pattern, needles = _pattern(words), [json.dumps(needle)[1:-1] for needle in _needles(words)]
    rows = await connection.execute(query.where(about, _has(AUDIT_CONTENT.c.content, needles)))
    return [row.seq for row in rows if any(pattern.search(text) for text in _texts(json.loads(row.content)))]


def struck(words: Sequence[str], text: str) -> str:
    """A text without these words."""
    return _pattern(words).sub(STRUCK, text) if words else text


async def strike(connection: AsyncConnection, words: Sequence[str]) -> int:
    """Strike the words out of what people wrote in rows; how many texts that were."""
    if not words:
        return 0
    pattern, count = _pattern(words), 0
    for table, column in _TEXTS:
        count += await _strike(connection, table, column, words, pattern)
    return count + await _drop_views(connection, pattern)


async def _strike(connection: AsyncConnection, table: Table, column: Column[Any], words: Sequence[str], pattern: re.Pattern[str]) -> int:
    (key,) = table.primary_key.columns
    longest = column.type.length if isinstance(column.type, String) else None  # what stands for a short name is longer than it
    rows = await connection.execute(select(key.label("key"), column.label("text")).where(_has(column, _needles(words))))
    struck = [{"its_key": row.key, "struck": pattern.sub(STRUCK, row.text)[:longest]} for row in rows if pattern.search(row.text)]
    if struck:
        await connection.execute(update(table).where(key == bindparam("its_key")).values({column.name: bindparam("struck")}), struck)
    return len(struck)


async def _drop_views(connection: AsyncConnection, pattern: re.Pattern[str]) -> int:
    """Views that look for it find nobody any more; people have at most some dozens."""
    rows = (await connection.execute(select(VIEW.c.id, VIEW.c.name, VIEW.c.query))).all()
    gone = [row.id for row in rows if pattern.search(row.name) or pattern.search(unquote_plus(row.query))]
    for id in gone:
        await connection.execute(delete(VIEW).where(VIEW.c.id == id))
    return len(gone)


def _has(column: Any, needles: Sequence[str]) -> Any:
    """What may have one of them."""
    return and_(column.is_not(None), or_(*(func.lower(column).contains(_small(one), autoescape=True) for one in needles)))


def _needles(words: Sequence[str]) -> list[str]:
    """For each word what every spelling of it has: its longest part in ASCII, or else the spellings that are usual."""
    return [needle for word in words for needle in ([max(_ASCII.findall(word), key=len)] if _ASCII.search(word) else _spelt(word))]


def _spelt(word: str) -> list[str]:
    return [word, word.lower(), word.upper(), word.title()]


def _small(text: str) -> str:
    return re.sub("[A-Z]+", lambda it: it[0].lower(), text)


def _texts(tree: Any) -> Iterator[str]:
    """All that is written in a content: in JSON a line's end or a quotation mark before a name would be a letter."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for one in (*tree, *tree.values()):
            yield from _texts(one)
    elif isinstance(tree, list):
        for one in tree:
            yield from _texts(one)


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words), re.IGNORECASE)
