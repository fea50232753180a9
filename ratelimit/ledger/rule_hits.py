"""Purchases and requests that a rule met as it was asked in sidecars, in force or in shadow. Times are seconds since the epoch.

A rule is named as decisions name it: a candidate with its version behind an @.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import String, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.tables.action import APPEAL
from ratelimit.ledger.tables.purchase import PURCHASE
from ratelimit.ledger.tables.record import RECORD
from ratelimit.ledger.tables.subject import SUBJECT

MOST: Final = 5_000  # rows that are looked at; beyond them counts are of these
_ESCAPE: Final = "\\"


class Hit(Struct, frozen=True, kw_only=True):
    """A purchase that a rule met. `enforced`: it is the rule that decided; else it was in shadow, or another was first.

    `shown` is the account as people see it, hostile text; None once it may not be shown any more.
    """

    id: str
    attempt: int
    record: str
    at: float
    account: int
    shown: str | None
    amount_minor: int
    currency: str | None
    decision: str
    action: str
    rule: str | None
    reason: str
    hold_ratio: float
    outcome: str
    refunded: bool
    disputed: bool
    warned: bool
    label: str
    signal_version: int | None
    signals: bytes | None
    enforced: bool


class Counted(Struct, frozen=True):
    """Purchases that a rule decided, and what is known of them."""

    count: int
    fraud: int
    good: int


class Appeals(Struct, frozen=True):
    """Appeals against what a rule decided: how many were decided, and how many of these overturned it."""

    decided: int
    overturned: int


async def hits(connection: AsyncConnection, named: str, since: float, until: float) -> list[Hit]:
    """Purchases that it met from `since` on, latest first."""
    finding = f'%"{_escaped(named)}"%'
    met = or_(PURCHASE.c.rule == named, cast(PURCHASE.c.shadow, String).like(finding, escape=_ESCAPE))
    rows = (
        select(PURCHASE, SUBJECT.c.shown)
        .outerjoin(SUBJECT, SUBJECT.c.id == PURCHASE.c.account)
        .where(PURCHASE.c.at >= since, PURCHASE.c.at < until, met)
        .order_by(PURCHASE.c.at.desc())
        .limit(MOST)
    )
    return [_hit(row, named) for row in await connection.execute(rows)]


async def of_records(connection: AsyncConnection, records: Sequence[str]) -> list[Hit]:
    """Purchases by the ids of their decisions, latest first."""
    rows = (
        select(PURCHASE, SUBJECT.c.shown)
        .outerjoin(SUBJECT, SUBJECT.c.id == PURCHASE.c.account)
        .where(PURCHASE.c.record.in_(list(records)))
        .order_by(PURCHASE.c.at.desc())
    )
    return [_hit(row, "") for row in await connection.execute(rows)]


async def counts(connection: AsyncConnection, since: float) -> dict[str, Counted]:
    """By rule, what each decided about purchases from then on."""
    fraud, good = (func.sum(case((PURCHASE.c.label == verdict, 1), else_=0)) for verdict in ("fraud", "good"))
    rows = (
        select(PURCHASE.c.rule, func.count().label("met"), fraud.label("fraud"), good.label("good"))
        .where(PURCHASE.c.at >= since, PURCHASE.c.rule.is_not(None))
        .group_by(PURCHASE.c.rule)
    )
    return {row.rule: Counted(row.met, int(row.fraud or 0), int(row.good or 0)) for row in await connection.execute(rows)}


async def shadow_counts(connection: AsyncConnection, since: float) -> dict[str, int]:
    """By rule, how many purchases each met in shadow from then on."""
    found = cast(PURCHASE.c.shadow, String)
    rows = select(PURCHASE.c.shadow).where(PURCHASE.c.at >= since, PURCHASE.c.shadow.is_not(None), found.not_in(("[]", "null")))
    counted: dict[str, int] = {}
    for findings in (await connection.execute(rows)).scalars():
        for finding in findings or ():
            counted[finding["limit"]] = counted.get(finding["limit"], 0) + 1
    return counted


async def request_counts(connection: AsyncConnection, since: float) -> dict[str, int]:
    """By rule, how many requests each refused from then on."""
    rows = (
        select(RECORD.c.limit_name, func.sum(RECORD.c.weight).label("met"))
        .where(RECORD.c.at >= since, RECORD.c.reason.in_(("rule_matched", "rule_throttled")), RECORD.c.limit_name.like("rule:%"))
        .group_by(RECORD.c.limit_name)
    )
    found: dict[str, int] = {}
    for row in await connection.execute(rows):
        name = row.limit_name.split(":")[1]
        found[name] = found.get(name, 0) + int(row.met)
    return found


async def appeals(connection: AsyncConnection) -> dict[str, Appeals]:
    """By rule, appeals against it that were decided, whichever version it was and whatever it decided about."""
    count = func.count().label("count")
    rows = (
        select(APPEAL.c.decided_first_by, APPEAL.c.state, count)
        .where(APPEAL.c.state != "open", APPEAL.c.decided_first_by.is_not(None))
        .group_by(APPEAL.c.decided_first_by, APPEAL.c.state)
    )
    found: dict[str, Appeals] = {}
    for row in await connection.execute(rows):
        name = row.decided_first_by.removeprefix("rule:").partition(":")[0].partition("@")[0]
        of_it, met = found.get(name, Appeals(0, 0)), int(row._mapping["count"])
        found[name] = Appeals(of_it.decided + met, of_it.overturned + (met if row.state == "overturned" else 0))
    return found


async def trusted_hit(connection: AsyncConnection, named: str, since: float, settled_before: float) -> int:
    """Accounts that it hit from `since` on, and that had paid without a dispute before `settled_before` and were never fraud."""
    earlier = PURCHASE.alias("earlier")
    of_requests = or_(RECORD.c.limit_name == f"rule:{named}", RECORD.c.limit_name.like(f"rule:{_escaped(named)}:%", escape=_ESCAPE))
    purchases = select(PURCHASE.c.account).where(PURCHASE.c.at >= since, PURCHASE.c.rule == named, PURCHASE.c.decision != "allow")
    requests = select(RECORD.c.account).where(
        RECORD.c.at >= since, RECORD.c.decision != "allow", of_requests, RECORD.c.account.is_not(None)
    )
    hit = purchases.union(requests).subquery()
    paid = (
        select(earlier.c.account)
        .where(
            earlier.c.account.in_(select(hit.c.account)),
            earlier.c.at < settled_before,
            earlier.c.outcome == "succeeded",
            earlier.c.disputed.is_(False),
            earlier.c.warned.is_(False),
            earlier.c.label != "fraud",
        )
        .distinct()
        .subquery()
    )
    frauds = select(PURCHASE.c.account).where(PURCHASE.c.account.in_(select(paid.c.account)), PURCHASE.c.label == "fraud")
    rows = select(func.count()).select_from(paid).where(paid.c.account.not_in(frauds))
    return int((await connection.execute(rows)).scalar_one())


def _hit(row: Any, named: str) -> Hit:
    of_row = {name: getattr(row, name) for name in Hit.__struct_fields__ if name != "enforced"}
    return Hit(**of_row, enforced=row.rule == named and row.decision != "allow")


def _escaped(text: str) -> str:
    return text.replace(_ESCAPE, _ESCAPE * 2).replace("%", r"\%").replace("_", r"\_")
