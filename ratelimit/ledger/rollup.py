"""Counts of decisions grow coarse with age: ten seconds of each process are an hour of all together after a week."""

from typing import Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.tables.record import TRAFFIC

FINE_S: Final = 7 * 86_400.0  # for so long the ten seconds stay
HOUR_S: Final = 3_600.0
ALL: Final = ""  # in the place of the process
_TABLE: Final = TRAFFIC.c


async def next_hour(connection: AsyncConnection, since: float, before: float) -> float | None:
    """When the first hour from `since` on begins that is over before that time and stands there in pieces; None: there is none."""
    pieces = select(func.min(_TABLE.at)).where(_TABLE.at >= since, _TABLE.at < before // HOUR_S * HOUR_S, _TABLE.sidecar != ALL)
    first: float | None = (await connection.execute(pieces)).scalar()
    return None if first is None else first // HOUR_S * HOUR_S


async def roll_up(connection: AsyncConnection, hour: float) -> int:
    """Put an hour together, in a write transaction; how many rows became fewer."""
    is_in_it = _TABLE.at >= hour, _TABLE.at < hour + HOUR_S
    total, latency = func.sum(_TABLE["count"]).label("total"), func.max(_TABLE.latency_us).label("latency")
    query = select(_TABLE.decision, _TABLE.reason, total, latency).where(*is_in_it).group_by(_TABLE.decision, _TABLE.reason)
    sums = list(await connection.execute(query))
    gone = (await connection.execute(delete(TRAFFIC).where(*is_in_it))).rowcount
    rows = [
        {"at": hour, "sidecar": ALL, "decision": row.decision, "reason": row.reason, "count": int(row.total), "latency_us": row.latency}
        for row in sums
    ]
    await connection.execute(insert(TRAFFIC), rows)
    return int(gone) - len(rows)
