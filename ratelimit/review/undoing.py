"""Undoes deeds: what stood before stands again until when it would have stood, the label is superseded, the case is open again.

Who may, the first row that applies:

| deed | who | may |
|---|---|---|
| refund, report_fraud | anybody | no: the site did it, and was told once |
| undone, replaced, expired or failed | anybody | no: nothing of it stands |
| any | an appeal that overturns it | yes |
| any | an admin | yes, at any time |
| one's own | an analyst | for 24 h |
| somebody else's | an analyst | no: an admin may, or an appeal |
| any | a viewer | no |

An undo is undone by doing the deed again, as a new one that ends when the old one would have.
"""

from typing import Final

import msgspec
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.deed import ActionState
from ratelimit.core.principal import Principal
from ratelimit.ledger import acted, actions, known_normal, subjects
from ratelimit.ledger.acted import CaseHead
from ratelimit.ledger.actions import ActionRow
from ratelimit.ledger.subjects import Subject, clean
from ratelimit.review import audit, closing, label
from ratelimit.review.case_error import ConflictError, ForbiddenError, NotFoundError
from ratelimit.review.closing import REOPENED
from ratelimit.review.deed import DONE, FINAL, UNDO_S, Deed, Done
from ratelimit.review.deed_check import SCOPE, DeedError, check_role
from ratelimit.review.doing import Doing, done
from ratelimit.review.lock import actor_id
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.standings import FullError

UNDONE: Final = "undone"  # the kind of its entry in the audit
MOST_WHY: Final = 500
_OPEN_STATES: Final[tuple[ActionState, ...]] = ("intended", "in_force", "proposed", "done")
_OVER: Final = {
    "undone": "it was undone before",
    "undoing": "it is being undone",
    "replaced": "a later one took its place; undo that first",
    "expired": "it has ended by itself",
    "failed": "it was never in force",
}


def why_not(principal: Principal, row: ActionRow, now: float, *, appeal: bool = False) -> str:
    """Why a deed may not be undone by them, in words; "" it may."""
    if row.then in FINAL:
        return f"the site was told to do it ({DONE[row.then].lower()}), and has done it"
    if row.state in _OVER:
        return _OVER[row.state]
    if row.until is not None and row.until <= now:
        return _OVER["expired"]
    if appeal or principal.may("admin", SCOPE):
        return ""
    if not principal.may("analyst", SCOPE):
        return "you may look and not act"
    if not is_own(principal, row):
        return f"it is {row.by_login}'s; an admin can undo it, or an appeal"
    return "" if now - row.at <= UNDO_S else "it is older than 24 h; an admin can undo it, or an appeal"


def is_own(principal: Principal, row: ActionRow) -> bool:
    """Whether it was they who did it."""
    return (actor_id(principal), principal.login) == (row.by, row.by_login)


class Undoing:
    """Undoes what `doing` does, and does it again."""

    def __init__(self, doing: Doing) -> None:
        self._doing = doing

    async def undo(self, principal: Principal, id: int, reason: str = "", *, appeal: bool = False) -> Done:
        """Undo one; what the store cannot be told now is `undoing`. Raises CaseError in its kinds."""
        check_role(principal)
        reason = clean(reason)
        if len(reason) > MOST_WHY:
            raise DeedError("$.reason", f"has {len(reason)} characters; expected at most {MOST_WHY}")
        async with self._doing.ledger.write() as connection:
            row, case = await _locked(connection, id)
            why = why_not(principal, row, self._doing.wall(), appeal=appeal)
            if why:
                kind = ForbiddenError if row.state in _OPEN_STATES and row.then not in FINAL else ConflictError
                raise kind(f"nothing was undone: {why}")
            row, version = await self._write(connection, row, case, principal, reason)
            subject = (await subjects.named(connection, [row.target])).get(row.target)
        return done(await self.finish(row, subject), version)

    async def redo(self, principal: Principal, id: int, key: str) -> Done:
        """Do again what was undone, until when it would have ended, as a deed of whoever asks."""
        async with self._doing.ledger.read() as connection:
            row = await actions.find(connection, id)
        if row is None:
            raise NotFoundError(f"there is no action {id}")
        if row.state != "undone":
            raise ConflictError("nothing was done again: it was not undone")
        until = row.wanted_until or row.until
        if until is not None and until <= self._doing.wall():
            raise ConflictError("nothing was done again: it would have ended by now")
        deed = msgspec.convert({**row.detail["deed"], "key": key, "target": str(row.target)}, Deed)
        return await self._doing.act(principal, row.case_number, deed, until=until)

    async def finish(self, row: ActionRow, subject: Subject | None) -> ActionRow:
        """Do in the store what an undo is, and confirm it; the row as it is then."""
        if subject is not None and subject.target is not None:
            try:
                await self._doing.effects.revert(row, subject.target)
            except StoreAwayError:
                return row
            except FullError as error:
                raise ConflictError(f"what stood before does not stand again: {error}") from None
        async with self._doing.ledger.write() as connection:
            await actions.change(connection, row.id, "undoing", state="undone")
            for before in row.before.get("actions", ()):
                await _stand_again(connection, before, self._doing.wall())
        return replace(row, state="undone")

    async def _write(
        self, connection: AsyncConnection, row: ActionRow, case: CaseHead | None, principal: Principal, reason: str
    ) -> tuple[ActionRow, int | None]:
        now = self._doing.wall()
        changes = {"undone_at": now, "undone_by": principal.login, "undone_why": reason}
        await actions.change(connection, row.id, row.state, state="undoing", **changes)
        for id in (row.label, *row.detail.get("labels", ())):
            if id is not None:
                await label.take_back(connection, id)
        if "known_normal" in row.detail:
            await known_normal.end(connection, int(row.detail["known_normal"]), now)
        version, reopened = await _unmark(connection, row, case, principal, now)
        said = {"action": row.id, "then": row.then, "by": row.by_login, "reason": reason, "reopened": reopened}
        said = {name: value for name, value in said.items() if value not in {"", False}}
        await audit.append(connection, principal.login, UNDONE, said, at=now, case=row.case_number, subject=row.target)
        return replace(row, state="undoing", undone_at=now, undone_by=principal.login, undone_why=reason), version


async def _locked(connection: AsyncConnection, id: int) -> tuple[ActionRow, CaseHead | None]:
    """The row and its case, for this transaction alone. Locked in the order in which deeds lock: case, subject, row."""
    row = await actions.find(connection, id)
    if row is None:
        raise NotFoundError(f"there is no action {id}")
    case = await acted.head(connection, row.case_number) if row.case_number is not None else None
    await acted.lock(connection, row.target)
    return await actions.find(connection, id, lock=True) or row, case


async def _unmark(
    connection: AsyncConnection, row: ActionRow, found: CaseHead | None, principal: Principal, now: float
) -> tuple[int | None, bool]:
    """The case shows that it was undone; if the deed had closed it, it is open again, unless its anchor has another by now."""
    if found is None:
        return None, False
    reopens = bool(row.detail["deed"].get("close")) and await closing.may_reopen(connection, found)
    marks: dict[str, object] = {"acted": "undone", "acted_by": principal.login, "acted_at": now, "acted_until": None}
    return await acted.mark(connection, found, **marks, **(REOPENED if reopens else {})), reopens


async def _stand_again(connection: AsyncConnection, id: int, now: float) -> None:
    row = await actions.find(connection, id)
    if row is not None:
        ended = row.until is not None and row.until <= now
        state: ActionState = "expired" if ended else "proposed" if row.needs_second and row.second_by is None else "in_force"
        await actions.change(connection, id, "replaced", state=state)
