"""Cases as people work on them. Every call is one transaction; raises what review/case_error has, and LedgerAwayError.

Who may do what is the caller's to check by role; here it is only who has the case open, and who may not look at their own decision again.
"""

from collections.abc import Callable, Collection
from typing import Final

from ratelimit.core.case import shown
from ratelimit.core.principal import Principal
from ratelimit.ledger import campaigns, case_query, queue
from ratelimit.ledger.cases import CampaignRow, CaseView, Note, Place, QueueFilter, QueuePage, QueueTotals, Tab
from ratelimit.ledger.ledger import Ledger
from ratelimit.review import lock, work
from ratelimit.review.audit import AuditEntry, AuditFilter, entries
from ratelimit.review.case_error import CaseError, ConflictError, ForbiddenError, LockedError, NotFoundError

__all__ = ["CaseError", "Cases", "ConflictError", "ForbiddenError", "LockedError", "NotFoundError"]

_MOST_HISTORY: Final = 500


class Cases:
    """On a ledger; `wall` is seconds since the epoch."""

    def __init__(self, ledger: Ledger, wall: Callable[[], float]) -> None:
        self._ledger, self._wall = ledger, wall

    async def number(self, text: str) -> int:
        """The number of the case that is called so: `C-1042`, `1042`, or the reference that a purchase's answer told."""
        async with self._ledger.read() as connection:
            found = await case_query.resolve(connection, text)
        if found is None:
            raise NotFoundError(f"there is no case {text[:64]!r}")
        return found

    async def get(self, number: int) -> CaseView:
        """One case whole."""
        async with self._ledger.read() as connection:
            found = await case_query.get(connection, number, self._wall())
        if found is None:
            raise NotFoundError(f"there is no case {shown(number)}")
        return found

    async def queue(self, wanted: QueueFilter, principal: Principal) -> QueuePage:
        """A page of the queue as this person sees it."""
        async with self._ledger.read() as connection:
            return await queue.page(connection, wanted, lock.actor_id(principal), self._wall(), whole=principal.role == "viewer")

    async def totals(self, principal: Principal) -> QueueTotals:
        """How many cases there are, for the bar."""
        async with self._ledger.read() as connection:
            return await queue.totals(connection, lock.actor_id(principal), self._wall())

    async def place(self, number: int, wanted: QueueFilter, principal: Principal) -> Place:
        """Where a case stands in the queue."""
        async with self._ledger.read() as connection:
            return await queue.place(connection, number, wanted, lock.actor_id(principal), self._wall(), whole=principal.role == "viewer")

    async def take_next(self, principal: Principal, tab: Tab | None = None) -> CaseView | None:
        """The most urgent case that nobody has open, locked; None: nothing waits."""
        now = self._wall()
        async with self._ledger.write() as connection:
            number = await lock.take_next(connection, principal, tab, now)
            return await case_query.get(connection, number, now) if number is not None else None

    async def take(self, number: int, principal: Principal, *, over: bool = False) -> CaseView:
        """Lock one case; `over`: also where somebody else has it open."""
        async with self._ledger.write() as connection:
            await lock.take(connection, principal, number, self._wall(), over=over)
        return await self.get(number)

    async def beat(self, number: int, principal: Principal) -> float:
        """It is still open; until when the lock lasts."""
        now = self._wall()
        async with self._ledger.write() as connection:
            await lock.beat(connection, principal, number, now)
        return now + lock.LOCK_S

    async def release(self, number: int, principal: Principal) -> None:
        """Give it back."""
        async with self._ledger.write() as connection:
            await lock.release(connection, principal, number, self._wall())

    async def assign(self, number: int, principal: Principal, login: str | None, version: int | None = None) -> int:
        """Make it somebody's, or nobody's; the new version."""
        async with self._ledger.write() as connection:
            return await work.assign(connection, principal, number, login, version, self._wall())

    async def snooze(self, number: int, principal: Principal, until: float, version: int | None = None) -> int:
        """Put it off; the new version."""
        async with self._ledger.write() as connection:
            return await work.snooze(connection, principal, number, until, version, self._wall())

    async def wake(self, number: int, principal: Principal, version: int | None = None) -> int:
        """Bring it back; the new version."""
        async with self._ledger.write() as connection:
            return await work.wake(connection, principal, number, version, self._wall())

    async def escalate(self, number: int, principal: Principal, why: str, version: int | None = None, *, back: bool = False) -> int:
        """Pass it on to an admin, or back; the new version."""
        async with self._ledger.write() as connection:
            return await work.escalate(connection, principal, number, why, version, self._wall(), back=back)

    async def note(self, number: int, principal: Principal, text: str) -> int:
        """Write a note; its seq in the audit."""
        async with self._ledger.write() as connection:
            return await work.note(connection, principal, number, text, self._wall())

    async def notes(self, number: int) -> list[Note]:
        """The notes of a case, latest first."""
        async with self._ledger.read() as connection:
            return await work.notes(connection, number)

    async def campaigns(self, most: int = 50, before: int | None = None) -> list[CampaignRow]:
        """Campaigns with open cases, the latest first."""
        async with self._ledger.read() as connection:
            return await campaigns.page(connection, most, self._wall(), before)

    async def campaign(self, number: int) -> CampaignRow:
        """One campaign; its cases are those of the queue with that filter."""
        async with self._ledger.read() as connection:
            found = await campaigns.get(connection, number, self._wall())
        if found is None:
            raise NotFoundError(f"there is no campaign K-{number}")
        return found

    async def cases_of(self, campaign: int, without: Collection[int] = ()) -> list[int]:
        """The numbers of a campaign's open cases, but for the exceptions."""
        async with self._ledger.read() as connection:
            return await campaigns.cases_of(connection, campaign, without)

    async def history(self, number: int) -> list[AuditEntry]:
        """What happened to a case, latest first."""
        async with self._ledger.read() as connection:
            return await entries(connection, AuditFilter(case=number), _MOST_HISTORY)
