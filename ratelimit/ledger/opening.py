"""How cases come into the ledger: found by anchor, opened, added to. An anchor has one open case, however many are at it at once."""

from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.case_query import rank
from ratelimit.ledger.tables.action import KNOWN_NORMAL
from ratelimit.ledger.tables.case import CASE, LONE, OPENING
from ratelimit.ledger.tables.purchase import PURCHASE
from ratelimit.ledger.tables.record import RECORD
from ratelimit.ledger.upsert import inserting

APART: Final = ("appeal", "quality")  # which stand beside an open case of the same anchor
NONE: Final = 0  # the case of what opened none


async def known(connection: AsyncConnection, source: str) -> int | None:
    """The case that a source went to; NONE: it was silenced, None: it is new."""
    found: int | None = (await connection.execute(select(OPENING.c.case_number).where(OPENING.c.source == source))).scalar()
    return found


async def open_case(connection: AsyncConnection, anchor: int) -> Any:
    """The open case of an anchor, locked until the transaction ends; None if there is none."""
    query = select(CASE).where(CASE.c.anchor == anchor, CASE.c.state == "open", CASE.c.opened_by.not_in(APART)).with_for_update()
    return (await connection.execute(query)).first()


async def closed_since(connection: AsyncConnection, anchor: int, since: float) -> Any:
    """The case of an anchor that was closed last, if that was after `since`; locked."""
    query = select(CASE).where(CASE.c.anchor == anchor, CASE.c.state == "closed", CASE.c.closed_at >= since)
    query = query.where(CASE.c.opened_by.not_in(APART))
    return (await connection.execute(query.order_by(CASE.c.closed_at.desc()).limit(1).with_for_update())).first()


async def insert_case(connection: AsyncConnection, values: dict[str, Any]) -> int | None:
    """Open a case and say its number; None: the anchor has got one meanwhile."""
    values = {**values, "state": "open", "rank": rank(values["priority"], values["at_risk_minor"])}
    row = inserting(connection, CASE).values(values).on_conflict_do_nothing(index_elements=[CASE.c.anchor], index_where=LONE)
    found: int | None = (await connection.execute(row.returning(CASE.c.number))).scalar()
    return found


async def insert_opening(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Write down what opened a case, or was silenced; False: it was there."""
    row = inserting(connection, OPENING).values(values).on_conflict_do_nothing().returning(OPENING.c.reference)
    return (await connection.execute(row)).scalar() is not None


async def is_known_normal(connection: AsyncConnection, subject: int, key: str, now: float) -> bool:
    """Whether somebody said that these reasons are normal for it."""
    mark = KNOWN_NORMAL.c
    query = select(mark.id).where(mark.subject == subject, mark.until > now, mark.reasons_key == key, mark.ended_at.is_(None))
    return (await connection.execute(query.limit(1))).first() is not None


async def beside_of(connection: AsyncConnection, anchor: int, kind: str, accounts: tuple[int, ...]) -> int | None:
    """What people see under it: an account's email, a key's account."""
    if kind == "account":
        query = select(PURCHASE.c.email).where(PURCHASE.c.account == anchor, PURCHASE.c.email.is_not(None))
        found: int | None = (await connection.execute(query.order_by(PURCHASE.c.at.desc()).limit(1))).scalar()
        return found
    return accounts[0] if kind == "api_key" and accounts else None


async def plan_of(connection: AsyncConnection, anchor: int, kind: str) -> str | None:
    """The plan by which it asked last."""
    column = {"account": RECORD.c.account, "api_key": RECORD.c.api_key}.get(kind)
    if column is None:
        return None
    query = select(RECORD.c.plan).where(column == anchor).order_by(RECORD.c.at.desc()).limit(1)
    found: str | None = (await connection.execute(query)).scalar()
    return found
