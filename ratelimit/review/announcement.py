"""Tells the site that cases are open: the webhook `case.opened`, at least once for each time that one was opened.

It says no more than ids: the case, who it is about where that is an account or a key, and the references and purchases behind it.
"""

import asyncio
from typing import Any, Final

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.case import shown
from ratelimit.core.webhook import Message, message_of
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.tables.case import CASE, OPENING
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.webhook_queue import WebhookQueue

OPENED: Final = "case.opened"
LOOK_S: Final = 1.0
_AT_ONCE: Final = 100
_MOST_BEHIND: Final = 20  # references and purchases that are told
_NAMED: Final = frozenset({"account", "api_key"})  # whose ids the site gave itself

_log = structlog.get_logger()


class Announcer:
    """`webhooks` None: there is nobody to tell."""

    def __init__(self, ledger: Ledger, webhooks: WebhookQueue | None) -> None:
        self._ledger, self._webhooks = ledger, webhooks

    async def run(self) -> None:
        """Tell for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                while await self.look() == _AT_ONCE:
                    pass
            except (LedgerAwayError, StoreAwayError) as error:
                _log.debug("cases are told later", why=str(error))

    async def look(self) -> int:
        """Tell of some that nobody was told of, and say how many; raises LedgerAwayError and StoreAwayError, and then they come again."""
        async with self._ledger.read() as connection:
            query = select(CASE).where(~CASE.c.announced).order_by(CASE.c.number).limit(_AT_ONCE)
            rows = (await connection.execute(query)).all()
            messages = [await _message(connection, row) for row in rows] if self._webhooks is not None else []
        for message in messages:
            if self._webhooks is not None:
                await self._webhooks.add(message)
        if rows:
            async with self._ledger.write() as connection:
                for row in rows:
                    same = (CASE.c.number == row.number) & (CASE.c.reopened == row.reopened)
                    await connection.execute(update(CASE).where(same).values(announced=True))
        return len(rows)


async def _message(connection: AsyncConnection, row: Any) -> Message:
    anchor = (await connection.execute(select(SUBJECT.c.kind, SUBJECT.c.value).where(SUBJECT.c.id == row.anchor))).first()
    behind = select(OPENING.c.reference, OPENING.c.purchase).where(OPENING.c.case_number == row.number).order_by(OPENING.c.at.desc())
    found = (await connection.execute(behind.limit(_MOST_BEHIND))).all()
    said = {
        "case": shown(row.number),
        "opened_by": "model" if row.blind else row.opened_by,
        "priority": row.priority,
        "due_at": row.due_at,
        "reopened": row.reopened,
        "anchor": {"kind": anchor.kind, "id": anchor.value if anchor.kind in _NAMED else None} if anchor is not None else None,
        "references": [one.reference for one in found],
        "purchases": sorted({one.purchase for one in found if one.purchase is not None}),
    }
    return message_of(OPENED, row.opened_at, said, row.number, row.reopened)
