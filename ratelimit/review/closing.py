"""Closes a case with a verdict, which is a label of its anchor and of the purchases that it is about, and opens it again.

Both are steps of a deed, in its write transaction. That the verdict becomes a fact about each purchase is one of the deed's effects.
"""

from typing import Final

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.message import LabelSource
from ratelimit.ledger import acted, purchases
from ratelimit.ledger.acted import CaseHead
from ratelimit.ledger.labels import LabelRow
from ratelimit.ledger.tables.case import CASE
from ratelimit.review import label
from ratelimit.review.label import OF_SUBJECTS
from ratelimit.review.lock import freed

_CALM: Final[dict[str, object]] = {"snoozed_until": None, "snoozed_by": None, "escalated": False}


class Verdict(Struct, frozen=True, kw_only=True):
    """A person's word. `source` is analyst, appeal or audit."""

    verdict: str
    why: str
    by: int
    by_login: str
    at: float
    source: LabelSource = "analyst"


class Labelled(Struct, frozen=True):
    """What a verdict has labelled: `label` of the anchor, None where its kind has none, and attempts of purchases."""

    label: int | None
    purchase_labels: tuple[int, ...]
    purchases: tuple[tuple[str, int], ...]


async def label_case(connection: AsyncConnection, found: CaseHead, kind: str, word: Verdict) -> Labelled:
    """Label what a case is about; `kind` is that of its anchor. A second review says how good the first was, and labels nothing."""
    if found.opened_by == "quality":
        return Labelled(None, (), ())
    row = _row(found, kind, word)
    main = await label.say(connection, row) if kind in OF_SUBJECTS else None
    about = await acted.purchases(connection, found.number)
    ids = [await label.say(connection, await _of_purchase(connection, row, *one)) for one in about]
    return Labelled(main, tuple(ids), tuple(about))


def closed(word: Verdict, found: CaseHead) -> dict[str, object]:
    """The columns of a case that is closed so."""
    return {
        **_CALM,
        **freed(found, word.at),
        "state": "closed",
        "closed_at": word.at,
        "closed_by": word.by,
        "verdict": word.verdict,
        "why": word.why,
    }


async def may_reopen(connection: AsyncConnection, found: CaseHead) -> bool:
    """Whether it is closed, and no other case of its anchor was opened since."""
    query = select(CASE.c.number).where(CASE.c.anchor == found.anchor, CASE.c.state == "open", CASE.c.number != found.number).limit(1)
    return found.state == "closed" and (await connection.execute(query)).scalar() is None


REOPENED: Final[dict[str, object]] = {"state": "open", "closed_at": None, "closed_by": None, "verdict": None, "why": None}


def _row(found: CaseHead, kind: str, word: Verdict) -> LabelRow:
    return LabelRow(
        target_kind=kind,
        target=found.anchor,
        verdict=word.verdict,
        source=word.source,
        known_at=word.at,
        by=word.by_login,
        case_number=found.number,
    )


async def _of_purchase(connection: AsyncConnection, row: LabelRow, purchase: str, attempt: int) -> LabelRow:
    attempts = await purchases.find(connection, purchase)
    account = attempts[0].account if attempts else None
    changed = {"target_kind": "purchase", "target": account, "purchase": purchase, "attempt": attempt}
    return LabelRow(**{**{name: getattr(row, name) for name in LabelRow.__struct_fields__}, **changed})
