"""What automation may: tokens by their digest. Times are seconds since the epoch."""

from typing import Any

from msgspec import Struct
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.principal import Role, Scope
from ratelimit.ledger.tables.person import API_TOKEN


class TokenRow(Struct, frozen=True, kw_only=True):
    """A token. `made_by` is a person's id, `until` None: it does not end by itself."""

    id: int
    name: str
    role: Role
    scopes: tuple[Scope, ...]
    made_at: float
    made_by: int
    until: float | None
    used_at: float | None
    revoked_at: float | None


async def add(connection: AsyncConnection, token: TokenRow, digest: bytes) -> int:
    """Add a token, whose id is given by the database and said."""
    values = {
        "name": token.name,
        "role": token.role,
        "scopes": list(token.scopes),
        "made_at": token.made_at,
        "made_by": token.made_by,
        "until": token.until,
        "digest": digest,
    }
    return int((await connection.execute(insert(API_TOKEN).values(values).returning(API_TOKEN.c.id))).scalar_one())


async def by_digest(connection: AsyncConnection, digest: bytes) -> TokenRow | None:
    """The token of that digest, whatever became of it."""
    row = (await connection.execute(select(API_TOKEN).where(API_TOKEN.c.digest == digest))).first()
    return None if row is None else _token(row)


async def by_id(connection: AsyncConnection, id: int) -> TokenRow | None:
    """The token of that id, whatever became of it."""
    row = (await connection.execute(select(API_TOKEN).where(API_TOKEN.c.id == id))).first()
    return None if row is None else _token(row)


async def person_behind(connection: AsyncConnection, actor: int) -> int:
    """The person who did something, or who made the token that did; `actor` is below 0 for a token."""
    row = await by_id(connection, -actor) if actor < 0 else None
    return actor if row is None else row.made_by


async def all_tokens(connection: AsyncConnection) -> list[TokenRow]:
    """All, latest first."""
    return [_token(row) for row in await connection.execute(select(API_TOKEN).order_by(API_TOKEN.c.id.desc()))]


async def revoke(connection: AsyncConnection, id: int, now: float) -> TokenRow | None:
    """Let one not work any more, and say which it was; None if there is none that does."""
    which = update(API_TOKEN).where(API_TOKEN.c.id == id, API_TOKEN.c.revoked_at.is_(None)).values(revoked_at=now).returning(API_TOKEN)
    row = (await connection.execute(which)).first()
    return None if row is None else _token(row)


async def used(connection: AsyncConnection, id: int, now: float) -> None:
    """Say that it was used."""
    await connection.execute(update(API_TOKEN).where(API_TOKEN.c.id == id).values(used_at=now))


def _token(row: Any) -> TokenRow:
    values = row._asdict()
    del values["digest"]
    return TokenRow(**{**values, "scopes": tuple(values["scopes"])})
