"""What people do about subjects: done, approved by a second person, undone, done again, and shown.

A deed is written down before anything is done, then done in the store, then confirmed. Whatever ends in between leaves a row that is
`intended` (or `undoing`), and `reconcile` finishes it: each effect can be done twice, and is then done once.

    written: intended ── store ── confirmed: in_force, proposed or done ── undo written: undoing ── store ── confirmed: undone
        a later deed on the same target makes it `replaced`, until that one is undone; time makes it `expired`
"""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from ratelimit.core.masked import name_of, text_of
from ratelimit.core.principal import Principal
from ratelimit.ledger import actions, subjects
from ratelimit.ledger.actions import STANDING, ActionRow
from ratelimit.review.approval import Approval
from ratelimit.review.deed import ActionView, Deed, Done
from ratelimit.review.doing import Doing
from ratelimit.review.effect import without
from ratelimit.review.reconcile import Reconcile
from ratelimit.review.undoing import Undoing, is_own, why_not

_OF_PROGRAMS: Final = ("plan", "labels", "known_normal", "since")


class Actions:
    """All of it; raises CaseError in its kinds, and LedgerAwayError."""

    def __init__(self, doing: Doing) -> None:
        self.doing: Final = doing
        self._undoing, self._approval = Undoing(doing), Approval(doing)
        self.reconcile: Final = Reconcile(doing, self._undoing)

    async def act(self, principal: Principal, case: int | None, deed: Deed, *, bulk: str | None = None) -> Done:
        """Do a deed on a case, or on a target that it names."""
        return await self.doing.act(principal, case, deed, bulk=bulk)

    async def undo(self, principal: Principal, id: int, reason: str = "", *, appeal: bool = False) -> Done:
        """Undo one; `appeal`: by the word of whoever decided one."""
        return await self._undoing.undo(principal, id, reason, appeal=appeal)

    async def redo(self, principal: Principal, id: int, key: str) -> Done:
        """Undo an undo: the same as a new deed."""
        return await self._undoing.redo(principal, id, key)

    async def approve(self, principal: Principal, id: int) -> Done:
        """Be the second person."""
        return await self._approval.approve(principal, id)

    async def refuse(self, principal: Principal, id: int, reason: str) -> Done:
        """Be the second person, and against it."""
        return await self._approval.refuse(principal, id, reason)

    async def in_force(self, principal: Principal, case: int) -> list[ActionView]:
        """What stands about the anchor of a case, latest first."""
        now = self.doing.wall()
        return [
            view for view in await self.of_case(principal, case) if view.state in STANDING and view.until is not None and view.until > now
        ]

    async def of_case(self, principal: Principal, case: int) -> list[ActionView]:
        """What was done in a case and about its anchor, latest first; of one that is decided blindly, what they did themselves."""
        async with self.doing.ledger.read() as connection:
            anchor = await actions.anchor(connection, case)
            rows = await actions.of_case(connection, case, anchor)
            if await actions.is_blind(connection, case):
                rows = [row for row in rows if is_own(principal, row)]
        return await self._views(principal, rows)

    async def of_subject(self, principal: Principal, subject: int) -> list[ActionView]:
        """What was done about a subject, latest first."""
        async with self.doing.ledger.read() as connection:
            rows = await actions.of_subject(connection, subject)
        return await self._views(principal, rows)

    async def get(self, principal: Principal, id: int) -> ActionView | None:
        """One."""
        async with self.doing.ledger.read() as connection:
            row = await actions.find(connection, id)
        return (await self._views(principal, [row]))[0] if row is not None else None

    async def waiting(self, principal: Principal) -> list[ActionView]:
        """What waits for a second person, first to last."""
        async with self.doing.ledger.read() as connection:
            rows = await actions.waiting(connection)
        return await self._views(principal, rows)

    async def _views(self, principal: Principal, rows: Iterable[ActionRow]) -> list[ActionView]:
        rows = list(rows)
        async with self.doing.ledger.read() as connection:
            whom = await subjects.named(connection, [row.target for row in rows])
        now = self.doing.wall()
        whole = principal.may("analyst")
        shown = {id: one.shown if whole or one.shown is None else name_of(one.kind, one.shown) for id, one in whom.items()}
        found = [view_of(row, shown.get(row.target), why_not(principal, row, now), now) for row in rows]
        return found if whole else list(map(_in_part, found))


def _in_part(it: ActionView) -> ActionView:
    """Without the emails and addresses that people wrote."""
    detail = {name: text_of(said) if isinstance(said, str) else said for name, said in it.detail.items() if name != "deed"}
    return replace(it, reason=text_of(it.reason), undone_why=text_of(it.undone_why) if it.undone_why is not None else None, detail=detail)


def view_of(row: ActionRow, shown: str | None, why: str, now: float) -> ActionView:
    """A row as people see it; `why` not to be undone."""
    ended = row.state in {"in_force", "proposed"} and row.until is not None and row.until <= now
    return ActionView(
        id=row.id,
        then=row.then,
        state="expired" if ended else row.state,
        case=row.case_number,
        target=str(row.target),
        target_kind=row.target_kind,
        shown=shown,
        by=row.by_login,
        at=row.at,
        until=row.until,
        wanted_until=row.wanted_until,
        reason=row.reason,
        detail=without(row.detail, *_OF_PROGRAMS),
        needs_second=row.needs_second,
        second_by=row.second_by,
        undone_at=row.undone_at,
        undone_why=row.undone_why,
        undone_by=row.undone_by,
        label=row.label,
        override=row.override,
        bulk=row.bulk,
        may_undo=not why,
        why_not=why,
    )
