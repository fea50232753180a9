"""Goes through the audit's chain from its first entry to its head, and says where it is broken first."""

from typing import Any, Final

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.audit_chain import START, Entry, content_digest, link
from ratelimit.ledger.tables.audit import AUDIT, AUDIT_CONTENT
from ratelimit.review.audit import FORGOTTEN, head, seqs_forgotten

_PIECE: Final = 1_000  # entries read at once


class Verified(Struct, frozen=True, kw_only=True):
    """What was found. `broken_at` None: nothing is wrong; else the first seq that is, and `what`. `forgotten` counts contents."""

    entries: int
    forgotten: int
    head: str
    broken_at: int | None = None
    what: str | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.broken_at is None


class _Walk:
    """How far it has come."""

    def __init__(self) -> None:
        self.seq, self.link = 0, START
        self.missing: set[int] = set()  # contents that are not there
        self.named: set[int] = set()  # those that an entry says were forgotten
        self.broken: tuple[int, str] | None = None

    def step(self, row: Any) -> str | None:
        """What is wrong with the next row."""
        self.seq += 1
        if row.seq != self.seq:
            return "the entry is missing" if row.seq > self.seq else "an entry without a place in the chain was put in"
        entry = Entry(seq=row.seq, at=row.at, actor=row.actor, kind=row.kind, case=row.case_number, content_digest=row.content_digest)
        self.link = link(self.link, entry)
        if self.link != row.link:
            return "the entry was changed, or its link"
        return self._content(row)

    def _content(self, row: Any) -> str | None:
        if row.content is None:
            self.missing.add(row.seq)
            return None
        if content_digest(row.salt, row.content) != row.content_digest:
            return "its content was changed"
        if row.kind == FORGOTTEN:
            self.named.update(seqs_forgotten(row.content))
        return None


async def verify(connection: AsyncConnection) -> Verified:
    """Walk the whole chain, in one state of the database; others run between its pieces."""
    walk, end = _Walk(), await head(connection)
    rows = await _piece(connection, None)
    while rows and walk.broken is None:
        for row in rows:
            if (what := walk.step(row)) is not None:
                walk.broken = (walk.seq, what)
                break
        rows = await _piece(connection, walk.seq)
    if walk.broken is None:
        walk.broken = _at_the_end(walk, end.seq, end.link)
    broken_at, what = walk.broken or (None, None)
    return Verified(entries=walk.seq, forgotten=len(walk.missing), head=end.link.hex(), broken_at=broken_at, what=what)


def _at_the_end(walk: _Walk, seq: int, last: bytes) -> tuple[int, str] | None:
    if walk.seq < seq:
        return walk.seq + 1, "the end is cut off"
    if walk.seq > seq:
        return seq + 1, "the entry is behind the head"
    if walk.link != last:
        return seq, "the head is not the last entry's link"
    silent = walk.missing - walk.named
    return (min(silent), "its content is gone, and no entry says that it was forgotten") if silent else None


async def _piece(connection: AsyncConnection, after: int | None) -> list[Any]:
    rows = (
        select(AUDIT, AUDIT_CONTENT.c.salt, AUDIT_CONTENT.c.content)
        .outerjoin(AUDIT_CONTENT, AUDIT_CONTENT.c.seq == AUDIT.c.seq)
        .order_by(AUDIT.c.seq)
        .limit(_PIECE)
    )
    if after is not None:
        rows = rows.where(AUDIT.c.seq > after)
    return list(await connection.execute(rows))
