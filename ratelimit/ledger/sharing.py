"""How many others were flagged for the same: of the latest cases those of another subject of that kind with a reason at least as far out.

The reasons of LOOKED_AT cases are read as text and only those taken apart that name what is looked for, which takes some milliseconds. What
a blind reviewer may not be told is not counted, nor are appeals and second reviews, which repeat a case.
"""

from collections.abc import Collection, Iterable, Sequence
from math import trunc
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct
from sqlalchemy import Text, and_, case, cast, not_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.case import CaseReason
from ratelimit.ledger.case_query import rows_of
from ratelimit.ledger.cases import MOST_ROWS, CaseRow
from ratelimit.ledger.tables.case import CASE
from ratelimit.ledger.tables.subject import SUBJECT

LOOKED_AT: Final = 500  # cases, some weeks of a busy site
_APART: Final = ("appeal", "quality")
_WARNING: Final = "early_fraud_warning"
_DECODER: Final = msgspec.json.Decoder(tuple[CaseReason, ...])


class Said(Struct, frozen=True):
    """What a reason says: by which name, and how far out at least; None: it is no number."""

    name: str
    far: float | None = None


class _Case(NamedTuple):
    number: int
    anchor: int
    kind: str
    text: str

    def says(self, wanted: Collection[Said]) -> set[Said]:
        """Those of what is wanted that it says as well."""
        if not any(msgspec.json.encode(one.name).decode() in self.text for one in wanted):
            return set()
        mine = [said(reason) for reason in _DECODER.decode(self.text)]
        return {one for one in wanted if any(_is_as_far(other, one) for other in mine)}


def said(reason: CaseReason) -> Said:
    """What to look for in others; how far is cut to two digits, as an address has it."""
    far = trunc(reason.signed * 100) / 100 if reason.signed is not None and reason.signal is not None else None
    return Said(_WARNING if reason.kind == _WARNING else reason.source, far)


async def shared_by(connection: AsyncConnection, subject: int, kind: str, reasons: Iterable[CaseReason]) -> dict[Said, int]:
    """By what is said, how many other subjects of that kind share it."""
    wanted = {said(one): set[int]() for one in reasons}
    for other in await _latest(connection) if wanted else ():
        if other.kind == kind and other.anchor != subject:
            for one in other.says(wanted):
                wanted[one].add(other.anchor)
    return {one: len(anchors) for one, anchors in wanted.items()}


async def cases_sharing(connection: AsyncConnection, what: Said, subject: int, now: float) -> list[CaseRow]:
    """The cases of other subjects of that kind that share it: what is open first, the most urgent before; then the latest."""
    kind = (await connection.execute(select(SUBJECT.c.kind).where(SUBJECT.c.id == subject))).scalar()
    others = [one for one in await _latest(connection) if one.kind == kind and one.anchor != subject]
    numbers = [one.number for one in others if one.says({what})][:MOST_ROWS]
    order = (CASE.c.state == "closed", case((CASE.c.state == "open", CASE.c.rank), else_=-CASE.c.number))
    found = (await connection.execute(select(CASE).where(CASE.c.number.in_(numbers)).order_by(*order))).all()
    return await rows_of(connection, found, now)


async def _latest(connection: AsyncConnection) -> Sequence[_Case]:
    told = and_(CASE.c.opened_by.not_in(_APART), not_(and_(CASE.c.blind, CASE.c.state == "open")))
    latest = select(CASE.c.number, CASE.c.anchor, cast(CASE.c.reasons, Text).label("text")).where(told)
    some = latest.order_by(CASE.c.number.desc()).limit(LOOKED_AT).subquery()
    query = select(some.c.number, some.c.anchor, SUBJECT.c.kind, some.c.text).join(SUBJECT, SUBJECT.c.id == some.c.anchor)
    return [_Case(*row) for row in await connection.execute(query)]


def _is_as_far(mine: Said, what: Said) -> bool:
    if mine.name != what.name:
        return False
    if what.far is None or mine.far is None:
        return what.far is None
    return mine.far >= what.far if what.far >= 0 else mine.far <= what.far
