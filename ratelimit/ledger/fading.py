"""Addresses of usage that are older than they may be: their network stays, and that two rows of one month had the same one.

Instead of the address a row names a subject that stands for it for that month. Such a subject is found by a hash with a key of the month;
the key is destroyed once no row of that month can come any more, and from then on nobody can tell what it stood for.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from secrets import randbits, token_bytes
from typing import Any, Final

from sqlalchemy import Table, bindparam, case, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.address import format_address, parse_address
from ratelimit.core.address_facts import NETWORK_BITS, network_of
from ratelimit.core.retention import DAY_S
from ratelimit.ledger.many import Insert, Look
from ratelimit.ledger.subjects import NO_KEY
from ratelimit.ledger.tables.privacy import RETENTION_MARK
from ratelimit.ledger.tables.purchase import LIFE
from ratelimit.ledger.tables.record import RECORD
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.ledger.upsert import inserting

LATE_S: Final = DAY_S  # rows that come later than this find their address faded by the next run that starts from the beginning
TABLES: Final = (RECORD, LIFE)
_OTHERS: Final = ("subject", "risk_subject")  # columns that may name the address as well
_MONTH: Final = "month:%Y-%m"
_NETWORK_UNKNOWN: Final = "an address"


async def began(connection: AsyncConnection, table: Table) -> float:
    """Up to when all was done before."""
    query = select(RETENTION_MARK.c.at).where(RETENTION_MARK.c.name == f"faded:{table.name}")
    found: float | None = (await connection.execute(query)).scalar()
    return found if found is not None else 0.0


async def find(connection: AsyncConnection, table: Table, since: float, before: float, most: int) -> list[Any]:
    """Rows of that time which name a whole address, by time: key, time, the subject and its value."""
    key = next(iter(table.primary_key.columns)).label("key")
    query = select(key, table.c.at, SUBJECT.c.id.label("address"), SUBJECT.c.value).join(SUBJECT, SUBJECT.c.id == table.c.address)
    due = query.where(table.c.at >= since, table.c.at < before, SUBJECT.c.value.is_not(None)).order_by(table.c.at).limit(most)
    return list(await connection.execute(due))


async def fade(connection: AsyncConnection, table: Table, rows: Sequence[Any]) -> None:
    """Let these rows name a network instead; in a write transaction."""
    secrets = {month: await _secret(connection, month, at) for month, at in {_month(row.at): row.at for row in rows}.items()}
    digests = [blake2b(row.value.encode(), key=secrets[_month(row.at)], digest_size=16, person=b"rl faded").digest() for row in rows]
    stand_ins = await _stand_ins(connection, dict(zip(digests, rows, strict=True)))
    values = [{"its_key": row.key, "whole": row.address, "stand_in": stand_ins[digest]} for row, digest in zip(rows, digests, strict=True)]
    await connection.execute(_UPDATES[table.name], values)


async def settle(connection: AsyncConnection, table: Table, before: float) -> None:
    """All up to then is done; what comes late is looked at for another day."""
    await _put(connection, {"name": f"faded:{table.name}", "at": before - LATE_S, "secret": None})


async def destroy_keys(connection: AsyncConnection, before: float) -> int:
    """Destroy the keys of months of which every row is older than that; how many."""
    months = [_month(at) for at in (before, before - LATE_S)]
    old = RETENTION_MARK.c.name.like("month:%"), RETENTION_MARK.c.name < min(months)
    return int((await connection.execute(delete(RETENTION_MARK).where(*old))).rowcount)


async def _stand_ins(connection: AsyncConnection, wanted: Mapping[bytes, Any]) -> dict[bytes, int]:
    """The subjects that stand for these addresses, by digest; each with a row that names it."""
    found = await _known(connection, wanted)
    missing = {digest: row for digest, row in wanted.items() if digest not in found}
    if missing:
        new = [(randbits(63) or 1, "ip", digest, NO_KEY, shown(row.value), row.at, row.at) for digest, row in missing.items()]
        await _INSERT(connection, new)
        found |= await _known(connection, missing)
    return found


async def _known(connection: AsyncConnection, digests: Iterable[bytes]) -> dict[bytes, int]:
    return {bytes(row.digest): row.id for row in await _LOOK(connection, [("ip", digest) for digest in digests])}


async def _secret(connection: AsyncConnection, month: str, at: float) -> bytes:
    await connection.execute(
        inserting(connection, RETENTION_MARK).values(name=month, at=at, secret=token_bytes(32)).on_conflict_do_nothing()
    )
    found = (await connection.execute(select(RETENTION_MARK.c.secret).where(RETENTION_MARK.c.name == month))).scalar_one()
    return bytes(found)


async def _put(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    statement = inserting(connection, RETENTION_MARK).values(values)
    await connection.execute(statement.on_conflict_do_update(index_elements=[RETENTION_MARK.c.name], set_={"at": values["at"]}))


def shown(address: str) -> str:
    """The network of an address, as text."""
    packed = parse_address(address.partition("/")[0])
    return _NETWORK_UNKNOWN if packed is None else format_address(network_of(packed), NETWORK_BITS[len(packed)])


def _month(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime(_MONTH)


def _update(table: Table) -> Any:
    key = next(iter(table.primary_key.columns))
    whole: Any = bindparam("whole")
    stand_in: Any = bindparam("stand_in")
    others = {name: case((table.c[name] == whole, stand_in), else_=table.c[name]) for name in _OTHERS if name in table.c}
    return update(table).where(key == bindparam("its_key")).values(address=stand_in, **others)


_LOOK: Final = Look(SUBJECT, ("digest", "id"), ("kind", "digest"))
_INSERT: Final = Insert(SUBJECT, ("id", "kind", "digest", "key_id", "shown", "first_at", "last_at"))
_UPDATES: Final = {table.name: _update(table) for table in TABLES}
