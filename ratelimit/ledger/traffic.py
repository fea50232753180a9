"""How many decisions there were of each kind over time, who was behind the latest, and what changed meanwhile. Times are seconds."""

from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.rollup import ALL
from ratelimit.ledger.tables.case import CASE
from ratelimit.ledger.tables.record import RECORD, TRAFFIC
from ratelimit.ledger.tables.rule import IN_FORCE


class Count(Struct, frozen=True, gc=False):
    """So many decisions of a kind in the step that begins at `at`; `latency_us` is the worst p99 of what deciding added in it.

    `hourly`: it is of the hour that begins in that step, since older counts are kept by the hour alone.
    """

    at: float
    decision: str
    count: int
    latency_us: float | None
    hourly: bool = False


class Extent(Struct, frozen=True):
    """How many records there are, and since when."""

    since: float
    records: int


class Asked(Struct, frozen=True, gc=False):
    """What a subject asked for with one decision and reason in one step of the time, in requests and cost."""

    subject: int
    decision: str
    reason: str
    step: int
    requests: float
    cost: float
    risk: float | None


class Mark(Struct, frozen=True):
    """Something that happened: a policy or a model that came in force, a case that was opened."""

    at: float
    kind: str
    words: str
    case: int | None = None


async def counts(connection: AsyncConnection, since: float, until: float, step_s: float) -> list[Count]:
    """What was counted from `since` on and before `until`, in steps; a step in which nothing was told of is left out."""
    step = _step(connection, step_s)
    hourly = case((TRAFFIC.c.sidecar == ALL, 1), else_=0)
    by = (step, TRAFFIC.c.decision, hourly)
    query = select(*by, func.sum(TRAFFIC.c.count), func.max(TRAFFIC.c.latency_us))
    found = await connection.execute(query.where(TRAFFIC.c.at >= since, TRAFFIC.c.at < until).group_by(*by))
    return [Count(float(at) * step_s, decision, int(count), latency, bool(whole)) for at, decision, whole, count, latency in found]


async def sidecars(connection: AsyncConnection, since: float) -> int:
    """How many sidecars have counted anything since then."""
    query = select(func.count(func.distinct(TRAFFIC.c.sidecar))).where(TRAFFIC.c.at >= since)
    return int((await connection.execute(query)).scalar_one())


async def extent(connection: AsyncConnection, since: float, most: int) -> Extent:
    """Of the newest records since then, at most so many."""
    newest = select(RECORD.c.at).where(RECORD.c.at >= since).order_by(RECORD.c.at.desc()).limit(most).subquery()
    at, records = (await connection.execute(select(func.min(newest.c.at), func.count()).select_from(newest))).one()
    return Extent(since if at is None else at, int(records))


async def asked(connection: AsyncConnection, since: float, until: float, most: int, steps: int) -> list[Asked]:
    """The newest records since then, by whom each was decided and in which of so many steps; of nobody in particular are left out."""
    who = func.coalesce(RECORD.c.subject, RECORD.c.api_key, RECORD.c.account, RECORD.c.address).label("subject")
    columns = (RECORD.c.at, RECORD.c.decision, RECORD.c.reason, who, RECORD.c.cost, RECORD.c.weight, RECORD.c.risk)
    newest = select(*columns).where(RECORD.c.at >= since).order_by(RECORD.c.at.desc()).limit(most).subquery()
    step = _number(connection, (newest.c.at - since) / (max(1.0, until - since) / steps))
    by = (newest.c.subject, newest.c.decision, newest.c.reason, step)
    sums = (func.sum(newest.c.weight), func.sum(newest.c.weight * newest.c.cost), func.max(newest.c.risk))
    found = await connection.execute(select(*by, *sums).where(newest.c.subject.is_not(None)).group_by(*by))
    return [Asked(*row) for row in found]


async def marks(connection: AsyncConnection, since: float, most: int) -> list[Mark]:
    """The latest changes and cases since then, the oldest first."""
    changes = select(IN_FORCE.c.since, IN_FORCE.c.what, IN_FORCE.c.digest).where(IN_FORCE.c.since >= since)
    found = [Mark(at, what, f"{what} {digest[:8]}") for at, what, digest in await _few(connection, changes, IN_FORCE.c.since, most)]
    cases = select(CASE.c.opened_at, CASE.c.number, CASE.c.opened_word).where(CASE.c.opened_at >= since, CASE.c.priority <= 1)
    found += [Mark(at, "case", word, number) for at, number, word in await _few(connection, cases, CASE.c.opened_at, most)]
    return sorted(found, key=lambda mark: mark.at)[-most:]


async def cases_opened(connection: AsyncConnection, since: float) -> list[float]:
    """When cases were opened since then."""
    query = select(CASE.c.opened_at).where(CASE.c.opened_at >= since).order_by(CASE.c.opened_at.desc()).limit(10_000)
    return list((await connection.execute(query)).scalars())


async def cases_open(connection: AsyncConnection, now: float) -> tuple[int, int]:
    """How many cases are open, and how many of them are overdue."""
    open_ = select(func.count()).select_from(CASE).where(CASE.c.state == "open")
    late = open_.where(CASE.c.due_at < now)
    return int((await connection.execute(open_)).scalar_one()), int((await connection.execute(late)).scalar_one())


async def _few(connection: AsyncConnection, query: Any, at: Any, most: int) -> Any:
    return await connection.execute(query.order_by(at.desc()).limit(most))


def _step(connection: AsyncConnection, step_s: float) -> Any:
    return _number(connection, TRAFFIC.c.at / step_s)


def _number(connection: AsyncConnection, steps: Any) -> Any:
    # a cast cuts off in SQLite, and rounds in PostgreSQL
    return cast(steps if connection.dialect.name == "sqlite" else func.floor(steps), BigInteger)
