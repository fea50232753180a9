"""Counts of decisions grow coarse with age: ten seconds of each process are an hour of all together after a week."""

from collections import defaultdict
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.many import Insert
from ratelimit.ledger.tables.record import TRAFFIC

FINE_S: Final = 7 * 86_400.0  # for so long the ten seconds stay
HOUR_S: Final = 3_600.0
ALL: Final = ""  # in the place of the process
_TABLE: Final = TRAFFIC.c
_ADD: Final = Insert(
    TRAFFIC,
    ("at", "sidecar", "decision", "reason", "count", "latency_us"),
    """(at, sidecar, decision, reason) DO UPDATE SET
        "count" = traffic."count" + excluded."count",
        latency_us = CASE
            WHEN traffic.latency_us IS NULL OR excluded.latency_us > traffic.latency_us THEN excluded.latency_us ELSE traffic.latency_us
        END
    """,
)


async def find(connection: AsyncConnection, since: float, before: float, most: int) -> list[float]:
    """Of rows from `since` on, in hours that are over before that time, when their ten seconds began: the first ones, one of each row."""
    query = select(_TABLE.at).where(_TABLE.at >= since, _TABLE.at < before // HOUR_S * HOUR_S, _TABLE.sidecar != ALL)
    return list((await connection.execute(query.order_by(_TABLE.at).limit(most))).scalars())


async def roll_up(connection: AsyncConnection, first: float, last: float) -> None:
    """Add what stands there from the first to the last of these moments to its hours, in a write transaction."""
    taken = delete(TRAFFIC).where(_TABLE.at >= first, _TABLE.at <= last, _TABLE.sidecar != ALL)
    counts: dict[tuple[float, str, str], int] = defaultdict(int)
    latencies: dict[tuple[float, str, str], list[float]] = defaultdict(list)
    for at, decision, reason, count, latency_us in await connection.execute(
        taken.returning(_TABLE.at, _TABLE.decision, _TABLE.reason, _TABLE["count"], _TABLE.latency_us)
    ):
        key = at // HOUR_S * HOUR_S, decision, reason
        counts[key] += count
        latencies[key] += [latency_us] if latency_us is not None else []
    rows = [(key[0], ALL, *key[1:], count, max(latencies[key], default=None)) for key, count in sorted(counts.items())]
    await _ADD(connection, rows)
