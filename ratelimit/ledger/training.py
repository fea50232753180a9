"""What models learn from: purchases with the signals that they were judged by, and what labels say of them and of callers."""

from collections.abc import AsyncIterator
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.erasure import own_keys
from ratelimit.ledger.privacy import restricted
from ratelimit.ledger.subjects import named
from ratelimit.ledger.tables.action import LABEL
from ratelimit.ledger.tables.privacy import RESTRICTION
from ratelimit.ledger.tables.purchase import PURCHASE
from ratelimit.ledger.tables.subject import SUBJECT

BAD: Final = ("fraud", "abuse")
TEACHING: Final = (*BAD, "good")  # other verdicts say nothing of what to look for
_AT_ONCE: Final = 1_024


class Example(Struct, frozen=True):
    """An attempt as it was judged; `account` and `card` are ids, `signals` float64."""

    id: str
    attempt: int
    at: float
    kind: str
    account: int
    card: int | None
    signals: bytes


class Lesson(Struct, frozen=True):
    """A label that stands. `target` is an id, `value` what a word names it by, None for what is erased."""

    target_kind: str
    target: int | None
    value: str | None
    purchase: str | None
    attempt: int
    verdict: str
    known_at: float

    @property
    def bad(self) -> bool:
        """Whether it is to be found."""
        return self.verdict in BAD


async def examples(connection: AsyncConnection, version: int) -> AsyncIterator[list[Example]]:
    """Purchases with signals of that version, by time, some at once; not those of whom no model may look at."""
    columns = [PURCHASE.c[name] for name in Example.__struct_fields__]
    query = select(*columns).where(PURCHASE.c.signals.is_not(None), PURCHASE.c.signal_version == version)
    query = query.where(PURCHASE.c.account.not_in(select(RESTRICTION.c.subject)))
    result = await connection.stream(query.order_by(PURCHASE.c.at, PURCHASE.c.id, PURCHASE.c.attempt))
    async for rows in result.partitions(_AT_ONCE):
        yield [Example(*row) for row in rows]


async def spared(connection: AsyncConnection) -> list[tuple[str, str]]:
    """Of whom no model may look at the accounts, and the keys that are theirs alone, by kind and value."""
    found: list[tuple[str, str]] = []
    for account in sorted(await restricted(connection)):
        it = (await named(connection, [account])).get(account)
        if it is not None and it.value is not None:
            found.append((it.kind, it.value))
        found += [("api_key", key) for key in (await own_keys(connection, account)).values() if key is not None]
    return found


async def lessons(connection: AsyncConnection) -> list[Lesson]:
    """All labels that stand and teach something, the first known first; not those of whom no model may look at."""
    of_target = SUBJECT.c.id == LABEL.c.target
    columns: list[Any] = [SUBJECT.c.value if name == "value" else LABEL.c[name] for name in Lesson.__struct_fields__]
    query = select(*columns).select_from(LABEL).outerjoin(SUBJECT, of_target)
    standing = query.where(LABEL.c.superseded_by.is_(None), LABEL.c.verdict.in_(TEACHING))
    standing = standing.where(or_(LABEL.c.target.is_(None), LABEL.c.target.not_in(select(RESTRICTION.c.subject))))
    return [Lesson(*row) for row in await connection.execute(standing.order_by(LABEL.c.known_at, LABEL.c.id))]
