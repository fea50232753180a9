"""All that the ledger knows of one account, as rows to be handed out: what it did, what was decided, and why. Of others it says nothing.

Addresses, cards and the like are named as they are shown; analysts are called that, since their names are theirs.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Table, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.message import Entity
from ratelimit.ledger.erasure import Owned
from ratelimit.ledger.subjects import named
from ratelimit.ledger.tables.action import ACTION, APPEAL, KNOWN_NORMAL, LABEL
from ratelimit.ledger.tables.audit import AUDIT, AUDIT_CONTENT
from ratelimit.ledger.tables.case import CANDIDATE, CASE, OPENING
from ratelimit.ledger.tables.purchase import LIFE, LINK, OUTCOME, PURCHASE
from ratelimit.ledger.tables.record import RECORD
from ratelimit.ledger.tables.subject import SUBJECT

_AT_ONCE: Final = 500
NOTED: Final = "case.noted"  # the kind of the entries that are notes
MOST: Final = 100_000  # rows of a kind in one export, the latest; it says where there are more

_RECORDS: Final = (
    "id at decision reason limit_name api_key address method path user_agent referrer plan cost status weight remaining retry_after policy "
    "risk model propensity shadow"
)
_PURCHASES: Final = (
    "id attempt record at kind address card device email amount_minor currency tokens balance last4 exp_month exp_year card_country brand "
    "funding billing_country ip_country user_agent decision action reason rule hold_ratio held lapses_at policy risk p_fraud propensity "
    "model shadow outcome "
    "outcome_at refunded disputed warned label label_at"
)
_OUTCOMES: Final = "purchase attempt kind at known_at amount_minor detail"
_LIVES: Final = "at type api_key address user_agent"
_LABELS: Final = "target_kind purchase attempt verdict source known_at case_number"
_ACTIONS: Final = "then target_kind case_number purchase attempt at until reason state undone_at undone_why"
_CASES: Final = "number opened_at opened_by opened_word reasons risk state closed_at verdict why campaign"
_OPENINGS: Final = "reference case_number kind text at purchase attempt"
_APPEALS: Final = "reference text at state decided_at why"
_NORMAL: Final = "reasons_key at until ended_at"
_CANDIDATES: Final = "kind at expected_loss_minor"
_SUBJECTS: Final = frozenset("api_key address card device email".split())  # columns that hold ids of subjects

Rows = list[dict[str, Any]]


class Used(Struct, frozen=True):
    """A thing that the account used, be it its own or shared."""

    kind: str
    shown: str | None
    how: str
    first_at: float
    last_at: float
    count: int


async def gathered(connection: AsyncConnection, it: Owned) -> dict[str, Rows]:
    """The rows by what they are."""
    whose, latest = or_(RECORD.c.account.in_(it.ids), RECORD.c.api_key.in_(it.ids)), RECORD.c.at.desc()
    lived = or_(LIFE.c.account.in_(it.ids), LIFE.c.api_key.in_(it.ids))
    purchases = select(PURCHASE.c.id).where(PURCHASE.c.account == it.account)
    cases = select(CASE.c.number).where(CASE.c.anchor.in_(it.ids))
    found = {
        "requests": await _rows(connection, RECORD, _RECORDS, whose, latest),
        "purchases": await _rows(connection, PURCHASE, _PURCHASES, PURCHASE.c.account == it.account, PURCHASE.c.at.desc()),
        "payments": await _rows(connection, OUTCOME, _OUTCOMES, OUTCOME.c.purchase.in_(purchases), OUTCOME.c.at.desc()),
        "life": await _rows(connection, LIFE, _LIVES, lived, LIFE.c.at.desc()),
        "labels": await _rows(
            connection, LABEL, _LABELS, or_(LABEL.c.target.in_(it.ids), LABEL.c.purchase.in_(purchases)), LABEL.c.known_at.desc()
        ),
        "actions": await _rows(connection, ACTION, _ACTIONS, ACTION.c.target.in_(it.ids), ACTION.c.at.desc()),
        "cases": await _rows(connection, CASE, _CASES, CASE.c.anchor.in_(it.ids), CASE.c.opened_at.desc()),
        "flags": await _rows(connection, OPENING, _OPENINGS, OPENING.c.case_number.in_(cases), OPENING.c.at.desc()),
        "known_normal": await _rows(connection, KNOWN_NORMAL, _NORMAL, KNOWN_NORMAL.c.subject.in_(it.ids), KNOWN_NORMAL.c.at.desc()),
        "candidates": await _rows(connection, CANDIDATE, _CANDIDATES, CANDIDATE.c.anchor.in_(it.ids), CANDIDATE.c.at.desc()),
        "appeals": await _rows(connection, APPEAL, _APPEALS, APPEAL.c.case_number.in_(cases), APPEAL.c.at.desc()),
    }
    return await _with_names(connection, found)


async def told(connection: AsyncConnection, it: Owned) -> tuple[Rows, Rows]:
    """Notes on its cases, and what else people and programs did about it, when and why; of who did it nothing, since that is theirs."""
    of_it = or_(AUDIT.c.case_number.in_(select(CASE.c.number).where(CASE.c.anchor.in_(it.ids))), AUDIT_CONTENT.c.subject.in_(it.ids))
    query = select(AUDIT.c.at, AUDIT.c.kind, AUDIT.c.case_number, AUDIT_CONTENT.c.content).join(
        AUDIT_CONTENT, AUDIT_CONTENT.c.seq == AUDIT.c.seq, isouter=True
    )
    notes: Rows = []
    history: Rows = []
    for row in await connection.execute(query.where(of_it).order_by(AUDIT.c.seq.desc()).limit(MOST)):
        content = json.loads(row.content) if row.content is not None else {}
        if row.kind == NOTED and content:
            notes.append({"case_number": row.case_number, "at": row.at, "text": content["text"]})
        else:
            history.append({"kind": row.kind, "case_number": row.case_number, "at": row.at, "reason": content.get("reason")})
    return notes, history


async def used(connection: AsyncConnection, ids: Sequence[int]) -> list[Used]:
    """What the account used, and how often."""
    columns = (SUBJECT.c.kind, SUBJECT.c.shown, LINK.c.how, LINK.c.first_at, LINK.c.last_at, LINK.c.count)
    query = select(*columns).join(SUBJECT, SUBJECT.c.id == LINK.c.entity).where(LINK.c.subject.in_(ids))
    return [Used(*row) for row in await connection.execute(query.order_by(LINK.c.last_at.desc()).limit(MOST))]


async def things(connection: AsyncConnection, ids: Sequence[int]) -> list[Entity]:
    """The same by the values that words name them by, each once."""
    query = select(SUBJECT.c.kind, SUBJECT.c.value).join(LINK, SUBJECT.c.id == LINK.c.entity).where(LINK.c.subject.in_(ids))
    return [Entity(*row) for row in await connection.execute(query.where(SUBJECT.c.value.is_not(None)).distinct().limit(MOST))]


async def _rows(connection: AsyncConnection, table: Table, names: str, whose: Any, order: Any) -> Rows:
    query = select(*(table.c[name] for name in names.split())).where(whose).order_by(order).limit(MOST)
    found: Rows = []
    async with connection.stream(query, execution_options={"yield_per": _AT_ONCE}) as result:
        async for some in result.partitions(_AT_ONCE):  # in pieces, between which the loop turns
            found += [dict(row._mapping) for row in some]
    return found


async def _with_names(connection: AsyncConnection, found: dict[str, Rows]) -> dict[str, Rows]:
    rows = [row for some in found.values() for row in some]
    names = await named(connection, _ids(rows))
    for row in rows:
        for column in _SUBJECTS & row.keys():
            it = names.get(row[column])
            row[column] = None if it is None else it.shown
    return found


def _ids(rows: Rows) -> Iterable[int]:
    return {row[column] for row in rows for column in _SUBJECTS & row.keys() if row[column] is not None}
