"""Requests of people about their data, whom no model may look at, and the journal of what was erased. Subjects are ids of subjects."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.privacy import LATE_S, NO_MODEL, OPEN, RequestKind, RequestState
from ratelimit.ledger.tables.privacy import ERASURE, PRIVACY_REQUEST, RESTRICTION, RETENTION_RUN
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.ledger.upsert import inserting


class RequestRow(Struct, frozen=True, kw_only=True):
    """A request. `subject` None: whoever asked is erased. `second_by` approved it, `report` says what was done, or why not."""

    id: int
    subject: int | None
    kind: RequestKind
    state: RequestState
    asked_at: float
    due_at: float
    verified_by: str
    by: int
    by_login: str
    second_by: int | None
    done_at: float | None
    detail: dict[str, Any] | None
    report: dict[str, Any] | None


class RetentionRun(Struct, frozen=True):
    """What one run of the retention job took away."""

    at: float
    took_s: float
    removed: Any


async def add(connection: AsyncConnection, **values: Any) -> int:
    """A new request; its id."""
    made = await connection.execute(insert(PRIVACY_REQUEST).values(**values).returning(PRIVACY_REQUEST.c.id))
    return int(made.scalar_one())


async def get(connection: AsyncConnection, id: int) -> RequestRow | None:
    """The one with that id."""
    row = (await connection.execute(select(*_ROW).where(PRIVACY_REQUEST.c.id == id))).first()
    return RequestRow(**row._mapping) if row is not None else None


async def move(connection: AsyncConnection, id: int, before: Sequence[RequestState], **values: Any) -> bool:
    """Change it if it is still in one of these states."""
    change = update(PRIVACY_REQUEST).where(PRIVACY_REQUEST.c.id == id, PRIVACY_REQUEST.c.state.in_(before)).values(**values)
    return (await connection.execute(change)).rowcount == 1


async def latest(connection: AsyncConnection, most: int, states: Sequence[RequestState] | None = None) -> list[RequestRow]:
    """The latest: open ones by what is due first, others by when they were asked."""
    query = select(*_ROW).limit(most)
    query = query.order_by(PRIVACY_REQUEST.c.due_at if states == OPEN else PRIVACY_REQUEST.c.asked_at.desc())
    if states is not None:
        query = query.where(PRIVACY_REQUEST.c.state.in_(states))
    return [RequestRow(**row._mapping) for row in await connection.execute(query)]


async def of_subject(connection: AsyncConnection, subject: int) -> list[RequestRow]:
    """All that one has asked."""
    query = select(*_ROW).where(PRIVACY_REQUEST.c.subject == subject).order_by(PRIVACY_REQUEST.c.asked_at)
    return [RequestRow(**row._mapping) for row in await connection.execute(query)]


async def waiting(connection: AsyncConnection) -> int:
    """How many are open."""
    query = select(func.count()).select_from(PRIVACY_REQUEST).where(PRIVACY_REQUEST.c.state.in_(OPEN))
    return int((await connection.execute(query)).scalar_one())


async def restrict(connection: AsyncConnection, subject: int, kind: RequestKind, at: float) -> None:
    """From now on no model may look at them."""
    await connection.execute(inserting(connection, RESTRICTION).values(subject=subject, kind=kind, at=at).on_conflict_do_nothing())


async def unrestrict(connection: AsyncConnection, subject: int, kind: RequestKind) -> bool:
    """Take that back; whether no other restriction is left."""
    await connection.execute(delete(RESTRICTION).where(RESTRICTION.c.subject == subject, RESTRICTION.c.kind == kind))
    left = select(func.count()).select_from(RESTRICTION).where(RESTRICTION.c.subject == subject)
    return not (await connection.execute(left)).scalar_one()


async def restricted(connection: AsyncConnection) -> set[int]:
    """Whom no model may look at, so none may learn from them either."""
    return set((await connection.execute(select(RESTRICTION.c.subject).where(RESTRICTION.c.kind.in_(NO_MODEL)))).scalars())


async def journal(connection: AsyncConnection, entries: Iterable[tuple[str, bytes]], at: float) -> None:
    """Write down that these were erased, by kind and digest; what is there stays."""
    known = {(kind, bytes(digest)) for kind, digest, _ in await journalled(connection, at)}
    rows = [{"kind": kind, "digest": digest, "at": at} for kind, digest in dict.fromkeys(entries) if (kind, digest) not in known]
    if rows:
        await connection.execute(insert(ERASURE), rows)


async def journalled(connection: AsyncConnection, since: float = 0.0) -> list[tuple[str, bytes, float]]:
    """The journal: kinds, digests, and when they were erased."""
    query = select(ERASURE.c.kind, ERASURE.c.digest, ERASURE.c.at).where(ERASURE.c.at >= since)
    return [(kind, bytes(digest), at) for kind, digest, at in await connection.execute(query)]


async def close_journal(connection: AsyncConnection, before: float) -> None:
    """Forget what was erased so long ago that no backup has it."""
    await connection.execute(delete(ERASURE).where(ERASURE.c.at < before))


async def come_again(connection: AsyncConnection) -> list[int]:
    """Subjects that the journal says are erased, and that are there: from a restored backup, or told too late to be met by the erasure.

    Whoever came later under the same name is somebody else.
    """
    same = and_(ERASURE.c.kind == SUBJECT.c.kind, ERASURE.c.digest == SUBJECT.c.digest)
    query = select(SUBJECT.c.id).join(ERASURE, same).where(SUBJECT.c.first_at <= ERASURE.c.at + LATE_S)
    return list((await connection.execute(query.distinct())).scalars())


async def retention_runs(connection: AsyncConnection, most: int) -> list[RetentionRun]:
    """The latest runs of the retention job."""
    query = select(RETENTION_RUN.c.at, RETENTION_RUN.c.took_s, RETENTION_RUN.c.removed).order_by(RETENTION_RUN.c.at.desc()).limit(most)
    return [RetentionRun(*row) for row in await connection.execute(query)]


_ROW: Final = [PRIVACY_REQUEST.c[name] for name in RequestRow.__struct_fields__]
