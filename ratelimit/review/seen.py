"""Who looked at whose data is in the audit: at most once for each person, case and hour, so that a reload is no entry of its own."""

from collections.abc import Callable
from typing import Final

from ratelimit.core.principal import Principal
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.audit import append

VIEWED: Final = "viewed"
EXPORTED: Final = "exported"
EVERY_S: Final = 3_600.0
_MOST_KEPT: Final = 10_000


class Seen:
    """Remembers what it has written; another process may write the same once more."""

    def __init__(self, ledger: Ledger, wall: Callable[[], float]) -> None:
        self._ledger, self._wall = ledger, wall
        self._latest: dict[tuple[str, int, int | None], float] = {}

    async def saw(self, principal: Principal, subject: int, case: int | None = None) -> None:
        """Somebody looks at what is known of a subject. Raises LedgerAwayError: what cannot be written down is not shown."""
        now, key = self._wall(), (principal.login, subject, case)
        if now - self._latest.get(key, float("-inf")) < EVERY_S:
            return
        await self._write(principal, VIEWED, {}, subject, case, now)
        if len(self._latest) >= _MOST_KEPT:
            self._latest = {key: at for key, at in self._latest.items() if now - at < EVERY_S}
        self._latest[key] = now

    async def took(self, principal: Principal, subject: int, case: int | None, rows: int) -> None:
        """Somebody takes rows of it away as a file; each time is an entry."""
        await self._write(principal, EXPORTED, {"rows": rows}, subject, case, self._wall())

    async def took_list(self, principal: Principal, what: str, rows: int) -> None:
        """Somebody takes rows of many away as a file; `what` is a word of ours, such as `queue`."""
        await self._write(principal, EXPORTED, {"what": what, "rows": rows}, None, None, self._wall())

    async def _write(
        self, principal: Principal, kind: str, said: dict[str, int | str], subject: int | None, case: int | None, now: float
    ) -> None:
        async with self._ledger.write() as connection:
            await append(connection, principal.login, kind, said, at=now, case=case, subject=subject)
