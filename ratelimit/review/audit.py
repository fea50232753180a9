"""The audit: who did what, and when, as a chain in which every entry vouches for all before it.

What it protects against: whoever changes, deletes, inserts or reorders rows of the database, by hand or by a mistaken migration, is found
out by `verify`, which names the first entry that is wrong. Cutting off the end is found by the head, a row of its own. Contents can be
forgotten where the law wants it, since the chain holds their salted digests alone; what is forgotten is itself an entry, and a content
that is missing without one counts as broken.

What it does not protect against: somebody who may write the whole database and knows this program can make the chain anew from where they
like, with a head that fits. Against that the head's digest is written to the log each hour (`head`), and can be kept elsewhere: a digest
that was once the head must still be the link of its entry. Nor does it say that what was written was true.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.audit_chain import SALT_BYTES, START, Entry, content_digest, content_text, link
from ratelimit.ledger.tables.audit import AUDIT, AUDIT_CONTENT, AUDIT_HEAD

_HEAD_ID: Final = 1
_LONGEST_ACTOR: Final = 64  # characters, as the column has them
_AT_ONCE: Final = 500  # a statement takes so many seqs
# each is looked up behind the one before: DISTINCT would read the whole index for a dozen words
_KINDS: Final = """
WITH RECURSIVE found(kind) AS (
  SELECT min(kind) FROM audit
  UNION ALL
  SELECT (SELECT min(kind) FROM audit WHERE audit.kind > found.kind) FROM found WHERE found.kind IS NOT NULL
)
SELECT kind FROM found WHERE kind IS NOT NULL ORDER BY kind
"""
FORGOTTEN: Final = "forgotten"  # the kind of the entry that says which contents were dropped


class Event(Struct, frozen=True, kw_only=True):
    """What happened. `actor` is a login, a token's name or a part of the program; `subject` is whom the content is about."""

    at: float
    actor: str
    kind: str
    content: Mapping[str, Any]
    case: int | None = None
    subject: int | None = None


class Head(Struct, frozen=True):
    """The end of the chain; seq 0: nothing happened yet."""

    seq: int
    link: bytes


class AuditEntry(Struct, frozen=True, kw_only=True):
    """An entry as people read it; `content` None: it was forgotten."""

    seq: int
    at: float
    actor: str
    kind: str
    case: int | None
    content: dict[str, Any] | None


class AuditFilter(Struct, frozen=True, kw_only=True):
    """Which entries; None: all. From `since` on and before `until`; of seqs below `before`."""

    kind: str | None = None
    actor: str | None = None
    case: int | None = None
    since: float | None = None
    until: float | None = None
    before: int | None = None


async def append(  # noqa: PLR0913  what an entry says
    connection: AsyncConnection,
    actor: str,
    kind: str,
    content: Mapping[str, Any],
    *,
    at: float,
    case: int | None = None,
    subject: int | None = None,
) -> int:
    """Add one entry in the caller's write transaction, and say its seq.

    It locks the head until that transaction ends: append last, after all rows that others may wait for.
    """
    (seq,) = await append_all(connection, [Event(at=at, actor=actor, kind=kind, content=content, case=case, subject=subject)])
    return seq


async def append_all(connection: AsyncConnection, events: Sequence[Event]) -> list[int]:
    """Add entries in their order, as `append` does, and say their seqs."""
    if not events:
        return []
    end = await _locked_head(connection)
    seq, before = end.seq, end.link
    rows, contents = [], []
    for event in events:
        seq += 1
        salt, said = secrets.token_bytes(SALT_BYTES), content_text(event.content)
        entry = Entry(
            seq=seq,
            at=float(event.at),
            actor=event.actor[:_LONGEST_ACTOR],
            kind=event.kind,
            case=event.case,
            content_digest=content_digest(salt, said),
        )
        before = link(before, entry)
        rows.append(
            {
                "seq": seq,
                "at": entry.at,
                "actor": entry.actor,
                "kind": entry.kind,
                "case_number": entry.case,
                "content_digest": entry.content_digest,
                "link": before,
            }
        )
        contents.append({"seq": seq, "salt": salt, "content": said, "subject": event.subject})
    await connection.execute(insert(AUDIT), rows)
    await connection.execute(insert(AUDIT_CONTENT), contents)
    await connection.execute(update(AUDIT_HEAD).where(AUDIT_HEAD.c.id == _HEAD_ID).values(seq=seq, link=before))
    return list(range(end.seq + 1, seq + 1))


async def forget(connection: AsyncConnection, actor: str, *, at: float, subject: int | None = None, seqs: Iterable[int] = ()) -> int:
    """Drop the contents and salts of what is about this subject, and of these entries; say how many there were.

    The chain still verifies: an entry that names their seqs takes their place.
    """
    found = {*seqs}
    if subject is not None:
        about = await connection.execute(select(AUDIT_CONTENT.c.seq).where(AUDIT_CONTENT.c.subject == subject))
        found.update(about.scalars())
    there: list[int] = []
    for some in _pieces(sorted(found)):
        kept = await connection.execute(select(AUDIT_CONTENT.c.seq).where(AUDIT_CONTENT.c.seq.in_(some)).order_by(AUDIT_CONTENT.c.seq))
        there.extend(kept.scalars())
        await connection.execute(delete(AUDIT_CONTENT).where(AUDIT_CONTENT.c.seq.in_(some)))
    if there:
        await append(connection, actor, FORGOTTEN, {"seqs": there}, at=at)
    return len(there)


async def head(connection: AsyncConnection) -> Head:
    """The end of the chain."""
    found = (await connection.execute(select(AUDIT_HEAD.c.seq, AUDIT_HEAD.c.link).where(AUDIT_HEAD.c.id == _HEAD_ID))).first()
    return Head(0, START) if found is None else Head(found.seq, found.link)


async def link_of(connection: AsyncConnection, seq: int) -> bytes | None:
    """The link of an entry, to be held against a head that was noted; None: there is no such entry."""
    if seq == 0:
        return START
    found: bytes | None = (await connection.execute(select(AUDIT.c.link).where(AUDIT.c.seq == seq))).scalar()
    return found


async def entries(connection: AsyncConnection, wanted: AuditFilter, most: int) -> list[AuditEntry]:
    """The latest that fit, latest first."""
    rows = select(AUDIT, AUDIT_CONTENT.c.content).outerjoin(AUDIT_CONTENT, AUDIT_CONTENT.c.seq == AUDIT.c.seq)
    for column, wish in ((AUDIT.c.kind, wanted.kind), (AUDIT.c.actor, wanted.actor), (AUDIT.c.case_number, wanted.case)):
        if wish is not None:
            rows = rows.where(column == wish)
    if wanted.since is not None:
        rows = rows.where(AUDIT.c.at >= wanted.since)
    if wanted.until is not None:
        rows = rows.where(AUDIT.c.at < wanted.until)
    if wanted.before is not None:
        rows = rows.where(AUDIT.c.seq < wanted.before)
    return [_shown(row) for row in await connection.execute(rows.order_by(AUDIT.c.seq.desc()).limit(most))]


async def of_kinds(connection: AsyncConnection, wanted: Sequence[str], since: float) -> list[AuditEntry]:
    """All of these kinds from then on, first to last."""
    rows = select(AUDIT, AUDIT_CONTENT.c.content).outerjoin(AUDIT_CONTENT, AUDIT_CONTENT.c.seq == AUDIT.c.seq)
    found = await connection.execute(rows.where(AUDIT.c.kind.in_(wanted), AUDIT.c.at >= since).order_by(AUDIT.c.seq))
    return [_shown(row) for row in found]


async def kinds(connection: AsyncConnection) -> list[str]:
    """The kinds that there are, for a filter."""
    return list((await connection.execute(text(_KINDS))).scalars())


def seqs_forgotten(content: str) -> list[int]:
    """The seqs whose contents a FORGOTTEN entry says to be gone."""
    found: list[int] = json.loads(content)["seqs"]
    return found


async def _locked_head(connection: AsyncConnection) -> Head:
    wanted = select(AUDIT_HEAD.c.seq, AUDIT_HEAD.c.link).where(AUDIT_HEAD.c.id == _HEAD_ID).with_for_update()
    found = (await connection.execute(wanted)).first()
    if found is None:
        first = {"id": _HEAD_ID, "seq": 0, "link": START}
        await connection.execute(text("INSERT INTO audit_head (id, seq, link) VALUES (:id, :seq, :link) ON CONFLICT DO NOTHING"), first)
        found = (await connection.execute(wanted)).one()
    return Head(found.seq, found.link)


def _shown(row: Any) -> AuditEntry:
    content = None if row.content is None else json.loads(row.content)
    return AuditEntry(seq=row.seq, at=row.at, actor=row.actor, kind=row.kind, case=row.case_number, content=content)


def _pieces(seqs: Sequence[int]) -> Iterable[Sequence[int]]:
    return (seqs[start : start + _AT_ONCE] for start in range(0, len(seqs), _AT_ONCE))
