"""Writes into the audit what people do about what the store alone has: holds, webhooks and facts that were given up.

It is written once it is done. While the ledger is away it is done all the same, since people must not wait for a database to let a customer
spend what they paid for; the log has it then. Times are seconds since the epoch.
"""

from collections.abc import Callable
from typing import Any, Final

import structlog

from ratelimit.core.message import Entity
from ratelimit.core.principal import Principal
from ratelimit.core.standing import Hold
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.subjects import Subjects
from ratelimit.review import audit

HOLD_ENDED: Final = "hold.ended"  # kinds of entries in the audit
WEBHOOK_RETRIED: Final = "webhook.retried"
FACT_RETRIED: Final = "stripe_fact.retried"
FACT_DROPPED: Final = "stripe_fact.dropped"

_log = structlog.get_logger()


class Witness:
    """`wall` gives the time."""

    def __init__(self, ledger: Ledger, subjects: Subjects, wall: Callable[[], float]) -> None:
        self._ledger, self._subjects, self._wall = ledger, subjects, wall

    async def hold_ended(self, by: Principal, hold: Hold) -> None:
        """Tokens that were held are not any more; who the deployment's token says that it was stands beside the token."""
        said: dict[str, Any] = {"purchase": hold.purchase, "state": ["held", hold.state], "held": hold.held, "reason": hold.reason}
        await self._note(by, HOLD_ENDED, said if hold.by == by.login else {**said, "by": hold.by}, hold.account)

    async def note(self, by: Principal, kind: str, id: str) -> None:
        """Something that was given up is tried again, or dropped."""
        await self._note(by, kind, {"id": id})

    async def _note(self, by: Principal, kind: str, said: dict[str, Any], account: str | None = None) -> None:
        try:
            async with self._ledger.write() as connection:
                subject, now = None, self._wall()
                if account is not None:
                    subject = (await self._subjects.ids(connection, [Entity("account", account)], now))["account", account]
                await audit.append(connection, by.login, kind, said, at=now, subject=subject)
        except LedgerAwayError:
            about = said.get("purchase", said.get("id"))
            _log.warning("what was done is not in the audit: the ledger is away", kind=kind, about=about, by=said.get("by", by.login))
