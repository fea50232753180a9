"""Who has a case open: its page says so while it is open, gives it back when it is left, and is told when somebody was faster."""

from contextlib import suppress

from aiohttp import web
from msgspec import Struct

from ratelimit.console.case import CASE, whom_of
from ratelimit.console.case_head import Lock, lock_of
from ratelimit.console.render import Console, Toast
from ratelimit.console.settled import SETTLED
from ratelimit.core.case import shown
from ratelimit.core.principal import Principal
from ratelimit.review.case_error import CaseError, ConflictError, LockedError
from ratelimit.review.cases import Cases
from ratelimit.web.case_problem import as_problems
from ratelimit.web.reply import Reply, lines
from ratelimit.web.route import PRINCIPAL, Route


class HeldView(Struct, frozen=True):
    """The lock of a case at a version of it, and whose it is if nobody has it open."""

    lock: Lock | None
    assignee: str
    version: int
    state: str


class LockView(Struct, frozen=True):
    """The line on the page. `changed`: the case is not as the page shows it any more."""

    desk: HeldView
    base: str
    now: float
    changed: bool


class CaseLocks:
    """Answers pages that are open."""

    def __init__(self, console: Console, cases: Cases) -> None:
        self._console, self._cases = console, cases

    def routes(self) -> list[Route]:
        """What is answered, and where."""
        return [
            Route("GET", f"{CASE}/lock", self.watch, role="viewer", page=True, by_itself=True),
            Route("POST", f"{CASE}/heartbeat", self.heartbeat, role="analyst", page=True, by_itself=True),
            Route("POST", f"{CASE}/release", self.release, role="analyst", page=True),
            Route("POST", f"{CASE}/take-over", self.take_over, role="analyst", page=True),
        ]

    async def watch(self, request: web.Request) -> Reply:
        """Whoever only looks sees who has it open."""
        return await self._line(request, whom_of(request).case or 0)

    async def heartbeat(self, request: web.Request) -> Reply:
        """The page is still open; where the case was given back it is taken again."""
        number = whom_of(request).case or 0
        with suppress(LockedError, ConflictError):  # somebody took it over, or it was closed: the line says so
            await self._beat(number, request[PRINCIPAL])
        return await self._line(request, number)

    async def release(self, request: web.Request) -> Reply:
        """Whoever had it open has left."""
        with suppress(CaseError):  # nobody waits for the answer
            await self._cases.release(whom_of(request).case or 0, request[PRINCIPAL])
        return Reply(204, lines({"Cache-Control": "no-store"}))

    async def take_over(self, request: web.Request) -> Reply:
        """Take it from somebody who has it open, which the audit says."""
        number = whom_of(request).case or 0
        with as_problems():
            await self._cases.take(number, request[PRINCIPAL], over=True)
        if request.headers.get("HX-Request") != "true":
            return Reply(303, lines({"Location": f"/cases/{number}", "Cache-Control": "no-store"}))
        toast = Toast(f"{shown(number)} is yours now.", "", "lock")
        return await self._console.part(request, "part.html", None, toast=toast, headers=SETTLED)

    async def _beat(self, number: int, who: Principal) -> None:
        try:
            await self._cases.beat(number, who)
        except LockedError:
            raise
        except ConflictError:
            await self._cases.take(number, who)

    async def _line(self, request: web.Request, number: int) -> Reply:
        with as_problems():
            row = (await self._cases.get(number)).row
        lock = lock_of(row, request[PRINCIPAL], self._console.now())
        seen = (request.query.get("version"), request.query.get("by", ""))
        changed = seen[0] is not None and seen != (str(row.version), str(row.locked_by.id) if lock is not None and row.locked_by else "")
        held = HeldView(lock, row.assignee.name if row.assignee is not None else "", row.version, row.state)
        view = LockView(held, f"/cases/{number}", self._console.now(), changed)
        return await self._console.part(request, "case/lock_part.html", view)
