"""What is left of an account that a person confirmed as fraud, once its data are gone: digests of its card, device and mailbox.

Erasing a name must not be a way to begin again with the same stolen card. So of what such an account paid with, and no customer of good
standing shares, a digest stays: under a key of its own, without the account, the case or any word, for as long as the policy says after the
fraud was confirmed. What is met again opens a case for a person, and decides nothing. Times are seconds since the epoch.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from sqlalchemy import and_, case, delete, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.message import Entity
from ratelimit.core.retention import DAY_S, Retention, cut
from ratelimit.ledger.reputation import PEOPLE
from ratelimit.ledger.subjects import Subjects
from ratelimit.ledger.tables.action import LABEL
from ratelimit.ledger.tables.privacy import BAN
from ratelimit.ledger.tables.purchase import LINK
from ratelimit.ledger.tables.subject import SUBJECT
from ratelimit.ledger.upsert import inserting

KINDS: Final = ("card", "device", "email")  # what is one hand's own; addresses change hands
LAPSING_S: Final = 7 * DAY_S  # before data lapse: a process that was away for less misses none
_CONFIRMED: Final = and_(
    LABEL.c.verdict == "fraud",
    LABEL.c.source.in_(PEOPLE),
    LABEL.c.target_kind.in_(("account", "purchase")),
    LABEL.c.superseded_by.is_(None),
)


class Ban(Struct, frozen=True):
    """A digest that was met, and of what kind of thing it is."""

    id: int
    kind: str
    digest: bytes
    confirmed_at: float


async def note(connection: AsyncConnection, subjects: Subjects, account: int, since: float) -> int:
    """Keep digests of what an account used, if a person has confirmed it as fraud since then; how many. Again changes nothing."""
    query = select(LABEL.c.known_at).where(LABEL.c.target == account, LABEL.c.known_at >= since, _CONFIRMED)
    confirmed_at = (await connection.execute(query.order_by(LABEL.c.known_at.desc()).limit(1))).scalar()
    if confirmed_at is None:
        return 0
    of_link = and_(SUBJECT.c.id == LINK.c.entity, SUBJECT.c.kind.in_(KINDS), SUBJECT.c.value.is_not(None), SUBJECT.c.good == 0)
    used = select(SUBJECT.c.kind, SUBJECT.c.value).join(LINK, of_link).where(LINK.c.subject == account).distinct()
    rows = [
        {"kind": kind, "digest": subjects.ban_digests(kind, value)[0], "confirmed_at": confirmed_at}
        for kind, value in await connection.execute(used)
    ]
    if rows:
        statement = inserting(connection, BAN)
        new = statement.excluded.confirmed_at
        later = case((BAN.c.confirmed_at > new, BAN.c.confirmed_at), else_=new)
        await connection.execute(
            statement.on_conflict_do_update(index_elements=[BAN.c.kind, BAN.c.digest], set_={"confirmed_at": later}), rows
        )
    return len(rows)


async def found(connection: AsyncConnection, subjects: Subjects, entities: Iterable[Entity], since: float) -> dict[tuple[str, str], Ban]:
    """Which of these were banned, confirmed since then, by kind and value."""
    names: dict[tuple[str, bytes], tuple[str, str]] = {
        (one.kind, digest): (one.kind, one.value)
        for one in entities
        if one.kind in KINDS
        for digest in subjects.ban_digests(one.kind, one.value)
    }
    if not names:
        return {}
    query = select(BAN).where(BAN.c.kind.in_(KINDS), BAN.c.digest.in_([digest for _, digest in names]), BAN.c.confirmed_at >= since)
    rows = [Ban(row.id, row.kind, bytes(row.digest), row.confirmed_at) for row in await connection.execute(query)]
    return {names[one.kind, one.digest]: one for one in rows if (one.kind, one.digest) in names}


async def lifted(connection: AsyncConnection, subjects: Subjects, name: tuple[str, str], ban: Ban) -> bool:
    """Whether customers of good standing use the thing by now; then its ban is deleted, for it is one hand's no more."""
    subject = await subjects.find(connection, *name)
    used = select(SUBJECT.c.id).where(SUBJECT.c.id == subject, SUBJECT.c.good > 0)
    if subject is None or (await connection.execute(used)).first() is None:
        return False
    await connection.execute(delete(BAN).where(BAN.c.id == ban.id))
    return True


async def lapsing(connection: AsyncConnection, retention: Retention, now: float) -> list[int]:
    """Accounts that were confirmed and of which something will lapse before their ban does."""
    purchases, cases = (cut(span, now) + LAPSING_S for span in (retention.purchases, retention.cases))
    used = exists().where(LINK.c.subject == LABEL.c.target, LINK.c.last_at < purchases)
    query = select(LABEL.c.target).where(LABEL.c.known_at >= cut(retention.bans, now), _CONFIRMED, or_(LABEL.c.known_at < cases, used))
    return [id for id in (await connection.execute(query.distinct())).scalars() if id is not None]
