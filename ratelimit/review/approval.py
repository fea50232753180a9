"""The second person: an account is blocked for longer than 72 h only if somebody else agrees. Until then the block is of 72 h."""

from typing import Final

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.principal import Principal
from ratelimit.ledger import actions, subjects
from ratelimit.ledger.actions import ActionRow
from ratelimit.ledger.subjects import Subject, clean
from ratelimit.review import audit
from ratelimit.review.case_error import ConflictError, ForbiddenError, NotFoundError
from ratelimit.review.deed import Done
from ratelimit.review.deed_check import check_role
from ratelimit.review.doing import Doing, done
from ratelimit.review.effect import plan_of, stored
from ratelimit.review.second import why_not_second

APPROVED: Final = "approved"  # kinds of entries in the audit
REFUSED: Final = "refused"
_MOST_WHY: Final = 500


class Approval:
    """What waits for a second person, and their word."""

    def __init__(self, doing: Doing) -> None:
        self._doing = doing

    async def approve(self, principal: Principal, id: int) -> Done:
        """Let it last as long as was wanted; raises CaseError in its kinds."""
        async with self._doing.ledger.write() as connection:
            row, subject = await self._waiting(connection, principal, id)
            now = self._doing.wall()
            plan = plan_of(row)
            assert plan.word is not None, "only a block waits"  # noqa: S101
            detail = {**row.detail, "plan": stored(replace(plan, word=replace(plan.word, until=row.wanted_until)))}
            changes = {"state": "intended", "until": row.wanted_until, "second_by": principal.login, "second_at": now, "detail": detail}
            await actions.change(connection, id, "proposed", **changes)
            said = {"action": id, "by": row.by_login, "until": row.wanted_until}
            await audit.append(connection, principal.login, APPROVED, said, at=now, case=row.case_number, subject=row.target)
        row = replace(row, until=row.wanted_until, state="intended", second_by=principal.login, second_at=now, detail=detail)
        return done(await self._doing.carry_out(row, subject), None)

    async def refuse(self, principal: Principal, id: int, reason: str) -> Done:
        """Let it end after the 72 h."""
        async with self._doing.ledger.write() as connection:
            row, _ = await self._waiting(connection, principal, id)
            now, reason = self._doing.wall(), clean(reason, _MOST_WHY)
            detail = {**row.detail, "refused": reason}
            changes = {"state": "in_force", "second_by": principal.login, "second_at": now, "detail": detail, "wanted_until": None}
            await actions.change(connection, id, "proposed", **changes)
            said = {"action": id, "by": row.by_login, "reason": reason}
            await audit.append(connection, principal.login, REFUSED, said, at=now, case=row.case_number, subject=row.target)
        return done(replace(row, state="in_force", second_by=principal.login, wanted_until=None), None)

    async def _waiting(self, connection: AsyncConnection, principal: Principal, id: int) -> tuple[ActionRow, Subject]:
        check_role(principal)
        row = await actions.find(connection, id, lock=True)
        if row is None:
            raise NotFoundError(f"there is no action {id}")
        why_not = await why_not_second(connection, principal, row.by, self._doing.wall())
        if why_not:
            raise ForbiddenError(f"nothing was approved: {why_not}")
        if row.state != "proposed" or (row.until is not None and row.until <= self._doing.wall()):
            by = f" by {row.second_by}" if row.second_by else ""
            raise ConflictError(f"nothing was approved: it waits for nobody any more, it is {row.state.replace('_', ' ')}{by}")
        found = (await subjects.named(connection, [row.target])).get(row.target)
        if found is None:
            raise ConflictError("nothing was approved: whom it is about was erased")
        return row, found
