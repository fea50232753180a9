"""Opens a case where a card, a device or a mailbox comes again that an account had used before it was confirmed as fraud and erased.

It is for a person to look at: nothing is refused for it, and who shares the thing may be somebody else. A case is opened once for an
account and a thing. A handler of the ledger's intake, after the purchases are written. Times are seconds since the epoch.
"""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.message import Bought, Entity, Flagged
from ratelimit.core.retention import OPTIONAL, Retention, cut
from ratelimit.ledger import bans
from ratelimit.ledger.bans import Ban
from ratelimit.ledger.subjects import Subjects
from ratelimit.review.opening import Opener

_THINGS: Final = {"card": "Card", "device": "Device", "email": "Mailbox"}
WORD: Final = "banned before"


class BanIntake:
    """`retained` gives how long bans stay, and what is looked at: of what is not kept no ban is looked for either."""

    def __init__(self, subjects: Subjects, retained: Callable[[], Retention]) -> None:
        self._subjects, self._retained = subjects, retained

    async def __call__(self, connection: AsyncConnection, messages: Sequence[Bought], now: float) -> None:
        """Open the cases, in the caller's transaction."""
        retention = self._retained()
        met = {one.record: [entity for entity in one.entities if _is_kept(entity, retention)] for one in messages}
        every = {(entity.kind, entity.value): entity for entities in met.values() for entity in entities}
        banned = await bans.found(connection, self._subjects, every.values(), cut(retention.bans, now))
        banned = {name: ban for name, ban in banned.items() if not await bans.lifted(connection, self._subjects, name, ban)}
        if not banned:
            return
        opener = Opener(connection, now)
        for message in messages:
            for entity in met[message.record]:
                if (ban := banned.get((entity.kind, entity.value))) is not None:
                    await self._open(opener, message, ban, now)
        await opener.finish()

    async def _open(self, opener: Opener, message: Bought, ban: Ban, now: float) -> None:
        account = next(entity for entity in message.entities if entity.kind == "account")
        anchor = (await self._subjects.ids(opener.connection, [account], now))["account", account.value]
        flag = Flagged(
            id=uuid4().hex,
            anchor=account,
            kind="banned",
            source=f"banned:{ban.id}:{ban.confirmed_at:.0f}:{anchor}",  # an id may come again once its ban is lifted
            reasons=(f"{_THINGS[ban.kind]} of an account that was confirmed as fraud and erased",),
            at=message.at,
            purchase=message.purchase,
            attempt=message.attempt,
            word=WORD,
            about="purchase",
            currency=message.currency,
        )
        await opener.open(flag, anchor)


def _is_kept(entity: Entity, retention: Retention) -> bool:
    return entity.kind in bans.KINDS and (entity.kind not in OPTIONAL or entity.kind in retention.keep)
