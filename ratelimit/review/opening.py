"""Opens cases: what sidecars and desks flagged comes here from the stream, and waits for a person from then on.

An anchor has one open case, which takes in what comes later; an appeal and a second review stand beside it. Each source counts once, also
after its case was closed. One that was closed less than REOPEN_S ago is opened again where nothing new is said; what somebody called normal
opens none. Cases of the model have waited for their turn, see review/daily.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.case import CaseKind, CaseReason, merged, parts, reasons_key
from ratelimit.core.flag_words import reasons_of
from ratelimit.core.message import Entity, Flagged
from ratelimit.core.priority import due_at, expected_loss_minor, priority_of
from ratelimit.ledger import campaigns, case_query, opening
from ratelimit.ledger.links import blast_radius
from ratelimit.ledger.stake import Stake, stake_of
from ratelimit.ledger.subjects import clean
from ratelimit.review.audit import Event, append_all

REOPEN_S: Final = 7 * 86_400.0
WAITED: Final = frozenset({"model", "audit"})  # which are due from when they were opened: they may have waited for their turn
_MOST_WORD: Final = 120
_MOST_TEXT: Final = 500


class Opener:
    """Writes cases in the caller's transaction. `events` of the audit are gathered, and written at the end by `finish`."""

    def __init__(self, connection: AsyncConnection, now: float) -> None:
        self.events: list[Event] = []
        self.opened: list[int] = []  # numbers of those that are new, or open again
        self.connection, self._now = connection, now

    async def open(self, flag: Flagged, anchor: int, *, blind: bool = False, **more: Any) -> int:
        """The number of the case that it opened or went to; opening.NONE: none, since it is known to be normal."""
        known = await opening.known(self.connection, flag.source)
        if known is not None:
            return known
        reasons = reasons_of(flag)
        number = await self._place(flag, anchor, reasons, {**more, "blind": blind})
        row = {
            "reference": flag.id,
            "case_number": number,
            "source": clean(flag.source, 255),
            "kind": flag.kind,
            "text": clean("; ".join(flag.reasons) or flag.word, _MOST_TEXT),
            "at": flag.at,
            "purchase": clean(flag.purchase, 255) if flag.purchase is not None else None,
            "attempt": flag.attempt,
        }
        await opening.insert_opening(self.connection, row)
        return number

    async def finish(self) -> None:
        """Write the audit, for which everybody waits: last."""
        await append_all(self.connection, self.events)

    async def _place(self, flag: Flagged, anchor: int, reasons: tuple[CaseReason, ...], more: dict[str, Any]) -> int:
        if flag.kind in opening.APART:
            return await self._insert(flag, anchor, reasons, more) or opening.NONE
        if await opening.is_known_normal(self.connection, anchor, reasons_key(reasons), self._now) and flag.kind != "early_fraud_warning":
            self._note("case.silenced", flag, anchor, None)
            return opening.NONE
        while True:
            row = await opening.open_case(self.connection, anchor)
            if row is not None:
                return await self._add(row, flag, reasons)
            closed = await opening.closed_since(self.connection, anchor, self._now - REOPEN_S)
            if closed is not None and parts(reasons) <= parts(case_query.reasons_of(closed.reasons)):
                return await self._reopen(closed, flag, reasons)
            if (number := await self._insert(flag, anchor, reasons, more)) is not None:
                return number

    async def _insert(self, flag: Flagged, anchor: int, reasons: tuple[CaseReason, ...], more: dict[str, Any]) -> int | None:
        stake = await stake_of(self.connection, anchor, flag.anchor.kind, self._now)
        values = {
            **self._urgency(flag, stake, flag.kind),
            "anchor": anchor,
            "opened_at": flag.at,
            "opened_by": flag.kind,
            "opened_word": clean(word_of(flag), _MOST_WORD),
            "blast_radius": await blast_radius(self.connection, anchor),
            "risk": flag.risk,
            "beside": await opening.beside_of(self.connection, anchor, flag.anchor.kind, stake.accounts),
            "plan": clean(flag.plan, 64) if flag.plan else await opening.plan_of(self.connection, anchor, flag.anchor.kind),
            **_said(reasons),
            **more,
        }
        number = await opening.insert_case(self.connection, values)
        if number is not None:
            self._note("case.opened", flag, anchor, number, blind=bool(more.get("blind")))
            self.opened.append(number)
            if flag.kind not in opening.APART:
                await self._join(number, anchor)
        return number

    async def _add(self, row: Any, flag: Flagged, reasons: tuple[CaseReason, ...]) -> int:
        stake = await stake_of(self.connection, row.anchor, flag.anchor.kind, self._now)
        urgency = self._urgency(flag, stake, flag.kind)
        urgency["priority"] = min(urgency["priority"], row.priority)
        urgency["due_at"] = min(urgency["due_at"], row.due_at)
        urgency["expected_loss_minor"] = max(urgency["expected_loss_minor"], row.expected_loss_minor)
        said = _said((*case_query.reasons_of(row.reasons), *reasons))
        risk = max((one for one in (row.risk, flag.risk) if one is not None), default=None)
        await case_query.touch(self.connection, row.number, risk=risk, **{**urgency, **said, "more": row.more + said["more"]})
        self._note("case.added", flag, row.anchor, row.number, blind=row.blind)
        return int(row.number)

    async def _reopen(self, row: Any, flag: Flagged, reasons: tuple[CaseReason, ...]) -> int:
        stake = await stake_of(self.connection, row.anchor, flag.anchor.kind, self._now)
        said = _said((*case_query.reasons_of(row.reasons), *reasons))
        again = {"state": "open", "reopened": row.reopened + 1, "closed_at": None, "closed_by": None, "verdict": None, "why": None}
        again |= {"snoozed_until": None, "announced": False, "blind": False}
        await case_query.touch(self.connection, row.number, **{**self._urgency(flag, stake, flag.kind), **said, **again})
        self._note("case.reopened", flag, row.anchor, row.number)
        self.opened.append(row.number)
        if row.campaign is None:
            await self._join(row.number, row.anchor)
        return int(row.number)

    async def _join(self, number: int, anchor: int) -> None:
        campaign = await campaigns.join(self.connection, number, anchor, self._now)
        if campaign is not None:
            self.events.append(Event(at=self._now, actor="links", kind="case.joined", content={"campaign": campaign}, case=number))

    def _urgency(self, flag: Flagged, stake: Stake, kind: CaseKind) -> dict[str, Any]:
        loss = expected_loss_minor(kind, stake.at_risk_minor, flag.p_fraud)
        priority = priority_of(kind, loss)
        return {
            "priority": priority,
            "expected_loss_minor": loss,
            "at_risk_minor": stake.at_risk_minor,
            "currency": stake.currency,
            "money": stake.money,
            "due_at": due_at(kind, priority, max(flag.at, self._now) if kind in WAITED else flag.at, flag.due_at),
        }

    def _note(self, kind: str, flag: Flagged, anchor: int, number: int | None, *, blind: bool = False) -> None:
        said = {"reference": flag.id, "opened_by": "model" if blind else flag.kind, "word": "" if blind else word_of(flag)}
        actor = "model" if blind or flag.kind in {"model", "audit"} else ACTORS.get(flag.kind, flag.kind)
        self.events.append(Event(at=self._now, actor=actor, kind=kind, content=said, case=number, subject=anchor))


ACTORS: Final[dict[str, str]] = {
    "early_fraud_warning": "stripe",
    "rule": "rules",
    "banned": "bans",
}  # who is said to have opened it, where no person did


def key_of(entity: Entity) -> tuple[str, str]:
    """By which Subjects tells ids."""
    return entity.kind, entity.value


def word_of(flag: Flagged) -> str:
    """What opened it, in a few words."""
    if flag.word or flag.risk is None:
        return flag.word
    return f"risk {flag.risk:.4f}"


def _said(reasons: Sequence[CaseReason]) -> dict[str, Any]:
    kept, more = merged(reasons, ())
    return {"reasons": msgspec.to_builtins(kept), "reasons_key": reasons_key(kept), "more": more}
