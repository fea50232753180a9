"""Who is who: callers and what they share, found by a keyed digest and called by a random id in all other tables.

Two keys may be in use while one is exchanged for the other. What is found by the old one gets its digest by the new one on the way.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from secrets import randbits
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.message import Entity
from ratelimit.core.standing import Target, TargetKind
from ratelimit.ledger.many import AT_ONCE, Insert, Look
from ratelimit.ledger.tables.subject import SUBJECT

SEEN_EVERY_S: Final = 60.0  # `last_at` is as exact as this: to write it each time would cost as much as the rows themselves
LONGEST: Final = 600  # characters of a value
_ID_BITS: Final = 63
_KEY_ID_BYTES: Final = 2
NO_KEY: Final = 0  # stands in rows that no key of ours finds: what addresses of a past month have become


class Subject(Struct, frozen=True):
    """A row. `value` is what a word about it names it by, `shown` how people see it; None once they may not be kept any more.

    `good` and `fraud` count accounts of good standing, and confirmed ones, that share it; of an account they are 0 or 1.
    """

    id: int
    kind: TargetKind
    value: str | None
    shown: str | None
    first_at: float
    last_at: float
    good: int
    fraud: int

    @property
    def target(self) -> Target | None:
        """Whom a word would be about."""
        return Target(self.kind, self.value) if self.value is not None else None


class _Key:
    """One of RATELIMIT_LEDGER_KEY."""

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key, digest_size=16, person=b"rl subject")
        self._banning = blake2b(key=key, digest_size=16, person=b"rl ban")  # another function of the key: no row tells of which value it is
        check = blake2b(b"check", key=key, digest_size=_KEY_ID_BYTES, person=b"rl ledger key").digest()
        self.id: Final = int.from_bytes(check, signed=True)

    def digest(self, kind: str, value: str) -> bytes:
        """The digest of a value of that kind."""
        return _digest(self._keyed, kind, value)

    def ban_digest(self, kind: str, value: str) -> bytes:
        """The same for what is left of those that are gone."""
        return _digest(self._banning, kind, value)


def _digest(keyed: blake2b, kind: str, value: str) -> bytes:
    keyed = keyed.copy()
    keyed.update(kind.encode() + b"\0" + value.encode("utf-8", "backslashreplace"))
    return keyed.digest()


async def may_be_by(connection: AsyncConnection, keys: Sequence[bytes]) -> bool:
    """Whether one of these keys is among those that the ledger was written with, or nobody is in it yet."""
    ids = [_Key(key).id for key in keys]
    known = await connection.execute(select(SUBJECT.c.id).where(SUBJECT.c.key_id.in_(ids)).limit(1))
    if known.first() is not None:
        return True
    by_another = await connection.execute(select(SUBJECT.c.id).where(SUBJECT.c.key_id != NO_KEY).limit(1))
    return by_another.first() is None


class Subjects:
    """Finds subjects by `keys`, of which the first is the one to write with."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = [_Key(key) for key in keys]

    def digest(self, kind: str, value: str) -> bytes:
        """By which a value is found, with the key that is written with."""
        return self._keys[0].digest(kind, value)

    def ban_digests(self, kind: str, value: str) -> list[bytes]:
        """By which it is known that something was banned: with each key, first the one that is written with."""
        return [key.ban_digest(kind, value) for key in self._keys]

    async def ids(self, connection: AsyncConnection, entities: Iterable[Entity], now: float) -> dict[tuple[str, str], int]:
        """The ids of these by kind and value; who is not there yet gets one. For a write transaction."""
        wanted: dict[tuple[str, str], Entity] = {(one.kind, one.value): one for one in entities}
        found = await self._found(connection, wanted, now)
        missing = [one for key, one in wanted.items() if key not in found]
        while missing:
            await self._insert(connection, missing, now)
            found |= await self._found(connection, {(one.kind, one.value): one for one in missing}, now)
            missing = [one for one in missing if (one.kind, one.value) not in found]
        return found

    async def find(self, connection: AsyncConnection, kind: str, value: str) -> int | None:
        """The id of one, None if there is none."""
        digests = [key.digest(kind, value) for key in self._keys]
        query = select(SUBJECT.c.id).where(SUBJECT.c.kind == kind, SUBJECT.c.digest.in_(digests))
        found: int | None = (await connection.execute(query)).scalar()
        return found

    async def _insert(self, connection: AsyncConnection, entities: Sequence[Entity], now: float) -> None:
        key = self._keys[0]
        rows = [
            (
                randbits(_ID_BITS) or 1,
                one.kind,
                key.digest(one.kind, one.value),
                key.id,
                clean(one.value, LONGEST),
                clean(one.shown or one.value, LONGEST),
                now,
                now,
            )
            for one in entities
        ]
        await _INSERT(connection, rows)

    async def _found(self, connection: AsyncConnection, wanted: dict[tuple[str, str], Entity], now: float) -> dict[tuple[str, str], int]:
        of_digest = {(kind, key.digest(kind, value)): (kind, value) for key in self._keys for kind, value in wanted}
        found: dict[tuple[str, str], int] = {}
        changed: list[dict[str, Any]] = []
        for row in await _LOOK(connection, of_digest):
            name = of_digest[row.kind, bytes(row.digest)]
            found[name] = row.id
            if (change := self._change(row, wanted[name], now)) is not None:
                changed.append(change)
        if changed:
            await connection.execute(_CHANGE, changed)
        return found

    def _change(self, row: Any, entity: Entity, now: float) -> dict[str, Any] | None:
        """What is to be written of one that is there; None: nothing."""
        key = self._keys[0]
        stays = row.key_id == key.id and row.value is not None and now < row.last_at + SEEN_EVERY_S
        if stays and (entity.shown is None or row.shown == entity.shown):
            return None
        shown = clean(entity.shown or entity.value, LONGEST)
        return {
            "its_id": row.id,
            "digest": key.digest(entity.kind, entity.value),
            "key_id": key.id,
            "value": clean(entity.value, LONGEST),
            "shown": shown if entity.shown is not None or row.shown is None else row.shown,
            "last_at": max(now, row.last_at),
        }


async def named(connection: AsyncConnection, ids: Iterable[int]) -> dict[int, Subject]:
    """Those of these ids that are there; who was erased is not."""
    wanted = sorted(set(ids))
    found: dict[int, Subject] = {}
    for start in range(0, len(wanted), AT_ONCE):
        query = select(*_SHOWN).where(SUBJECT.c.id.in_(wanted[start : start + AT_ONCE]))
        for row in await connection.execute(query):
            found[row.id] = Subject(*row)
    return found


def clean(text: str, most: int | None = LONGEST) -> str:
    """Text that both databases take: PostgreSQL has no NUL in texts, and neither knows half a surrogate pair."""
    return text[:most].encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")[:most]


_SHOWN: Final = [SUBJECT.c[name] for name in Subject.__struct_fields__]
_LOOK: Final = Look(SUBJECT, ("id", "kind", "digest", "key_id", "value", "shown", "last_at"), ("kind", "digest"))
_INSERT: Final = Insert(SUBJECT, ("id", "kind", "digest", "key_id", "value", "shown", "first_at", "last_at"))
_CHANGE: Final = (
    update(SUBJECT)
    .where(SUBJECT.c.id == bindparam("its_id"))
    .values({name: bindparam(name) for name in ("digest", "key_id", "value", "shown", "last_at")})
)
