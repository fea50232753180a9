"""The signals that decisions about one account rested on, by name, to be handed out: numbers that a model or a rule looked at.

Of requests the newest alone: a hundred thousand vectors would say the same a hundred thousand times.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core import purchase_signals, signals
from ratelimit.ledger.erasure import Owned
from ratelimit.ledger.records import values_of
from ratelimit.ledger.tables.purchase import PURCHASE
from ratelimit.ledger.tables.record import RECORD

MOST: Final = 1_000  # of each
_REQUEST_NAMES: Final = tuple(one.name for one in signals.SIGNALS)


async def weighed(connection: AsyncConnection, it: Owned) -> list[dict[str, Any]]:
    """Decisions by id, the newest first, with the signals of that time; those of another version of signals say how many there were."""
    of_it = or_(RECORD.c.account.in_(it.ids), RECORD.c.api_key.in_(it.ids))
    asked = select(RECORD.c.id, RECORD.c.at, RECORD.c.signals).where(of_it, RECORD.c.signals.is_not(None))
    bought = select(PURCHASE.c.record.label("id"), PURCHASE.c.at, PURCHASE.c.signals).where(
        PURCHASE.c.account == it.account, PURCHASE.c.signals.is_not(None)
    )
    found = []
    for query, at, names, dtype in (
        (asked, RECORD.c.at, _REQUEST_NAMES, "<f4"),
        (bought, PURCHASE.c.at, purchase_signals.NAMES, "<f8"),
    ):
        for row in await connection.execute(query.order_by(at.desc()).limit(MOST)):
            found.append({"decision": row.id, "at": row.at, "signals": _named(values_of(row.signals, dtype), names)})
    return found


def _named(values: Sequence[float | None], names: Sequence[str]) -> dict[str, float] | list[float | None]:
    if len(values) != len(names):
        return list(values)
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}
