"""Takes an account out of the ledger: what is its own goes, what others share loses the link to it, counts stay.

Purchases stay as what books must hold (amount, time, outcome, last four) under an id that is nobody's any more; what else is known of them
goes. Large tables are gone through in pieces, each a transaction of its own, and the name goes last: until then it can be done again.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Table, and_, delete, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.tables.action import ACTION, APPEAL, KNOWN_NORMAL, LABEL
from ratelimit.ledger.tables.audit import AUDIT
from ratelimit.ledger.tables.case import CAMPAIGN, CANDIDATE, CASE, OPENING
from ratelimit.ledger.tables.privacy import PRIVACY_REQUEST, RESTRICTION
from ratelimit.ledger.tables.purchase import LIFE, LINK, PURCHASE
from ratelimit.ledger.tables.record import RECORD
from ratelimit.ledger.tables.subject import SUBJECT

PIECE: Final = 1_000  # rows of one transaction, some ms
_AT_ONCE: Final = 500  # ids of one statement
_ENTITIES: Final = (PURCHASE.c.address, PURCHASE.c.card, PURCHASE.c.device, PURCHASE.c.email, PURCHASE.c.email_domain)
ERASED: Final = "erased"
_BARE: Final = (  # what books do not need of a purchase
    *("address", "card", "device", "email", "email_domain", "user_agent", "card_country", "brand", "funding", "billing_country"),
    *("ip_country", "balance"),
)


class Owned(Struct, frozen=True, kw_only=True):
    """Whom an account is: its own id, those of keys that are its own, and of what it used that others may use as well.

    `value` and `keys` are the account and its keys as words name them, `digest` that of the account.
    """

    account: int
    value: str
    digest: bytes
    key_ids: tuple[int, ...]
    keys: tuple[str, ...]
    used: tuple[int, ...]
    purchases: tuple[str, ...]
    cases: tuple[int, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        """The account and its keys."""
        return self.account, *self.key_ids


async def owned(connection: AsyncConnection, account: int) -> Owned | None:
    """What belongs to an account; None: it is not there."""
    it = (await connection.execute(select(SUBJECT.c.value, SUBJECT.c.digest).where(SUBJECT.c.id == account))).first()
    if it is None:
        return None
    keys = await own_keys(connection, account)
    ids = (account, *keys)
    used = set(await _all(connection, select(LINK.c.entity).where(LINK.c.subject.in_(ids))))
    for column, whose in (
        (RECORD.c.address, _of(RECORD, ids)),
        (LIFE.c.address, _of(LIFE, ids)),
        *((it, _bought(account)) for it in _ENTITIES),
    ):
        used.update(await _all(connection, select(column).where(whose).distinct()))
    purchases = await _all(connection, select(PURCHASE.c.id).where(PURCHASE.c.account == account).distinct())
    cases = await _all(connection, select(CASE.c.number).where(CASE.c.anchor.in_(ids)))
    return Owned(
        account=account,
        value=it.value or "",
        digest=bytes(it.digest),
        key_ids=tuple(keys),
        keys=tuple(value for value in keys.values() if value),
        used=tuple(sorted(used - {None, *ids})),
        purchases=tuple(purchases),
        cases=tuple(cases),
    )


async def delete_piece(connection: AsyncConnection, ids: Sequence[int]) -> int:
    """Delete some of their requests and logins; how many, 0: all are gone."""
    gone = 0
    for table in (RECORD, LIFE):
        some = select(table.c.id).where(_of(table, ids)).limit(PIECE)
        gone += (await connection.execute(delete(table).where(table.c.id.in_(some)))).rowcount
    return gone


async def erase(connection: AsyncConnection, it: Owned) -> int:
    """The rest, once `delete_piece` has nothing to do: texts, links and names; how many names."""
    await connection.execute(delete(LINK).where(or_(LINK.c.subject.in_(it.ids), LINK.c.entity.in_(it.ids))))
    await connection.execute(delete(KNOWN_NORMAL).where(KNOWN_NORMAL.c.subject.in_(it.ids)))
    await connection.execute(delete(CANDIDATE).where(CANDIDATE.c.anchor.in_(it.ids)))
    await connection.execute(delete(RESTRICTION).where(RESTRICTION.c.subject.in_(it.ids)))
    bare = dict.fromkeys(_BARE, null())
    await connection.execute(update(PURCHASE).where(PURCHASE.c.account == it.account).values(**bare))
    await _blank_texts(connection, it)
    asked = {"subject": None, "verified_by": ERASED, "detail": null()}
    await connection.execute(update(PRIVACY_REQUEST).where(PRIVACY_REQUEST.c.subject == it.account).values(**asked))
    names = [*it.ids, *[one for one in it.used if not await _is_shared(connection, one)]]
    for some in _pieces(names):
        await connection.execute(delete(SUBJECT).where(SUBJECT.c.id.in_(some)))
    return len(names)


async def told_in(connection: AsyncConnection, cases: Sequence[int]) -> list[int]:
    """The audit's entries of these cases."""
    return [seq for some in _pieces(cases) for seq in await _all(connection, select(AUDIT.c.seq).where(AUDIT.c.case_number.in_(some)))]


async def _blank_texts(connection: AsyncConnection, it: Owned) -> None:
    await connection.execute(update(LABEL).where(LABEL.c.target.in_(it.ids)).values(told=None))
    done = {"reason": ERASED, "before": {}, "detail": {}, "undone_why": null()}
    await connection.execute(update(ACTION).where(ACTION.c.target.in_(it.ids)).values(**done))
    for some in _pieces(it.cases):
        await connection.execute(update(ACTION).where(ACTION.c.case_number.in_(some)).values(**done))
        bare: dict[str, object] = {"opened_word": "", "reasons": [], "why": None, "beside": None, "plan": None}
        await connection.execute(update(CASE).where(CASE.c.number.in_(some)).values(**bare))
        await connection.execute(update(OPENING).where(OPENING.c.case_number.in_(some)).values(text=""))
        await connection.execute(update(APPEAL).where(APPEAL.c.case_number.in_(some)).values(text="", why=None, decision={}))


async def own_keys(connection: AsyncConnection, account: int) -> dict[int, str | None]:
    """Keys that it used and no other account did."""
    mine = select(LINK.c.entity).where(LINK.c.subject == account)
    known = select(LIFE.c.api_key).where(LIFE.c.account == account)
    query = select(SUBJECT.c.id, SUBJECT.c.value).where(SUBJECT.c.kind == "api_key", or_(SUBJECT.c.id.in_(mine), SUBJECT.c.id.in_(known)))
    found = {row.id: row.value for row in await connection.execute(query)}
    others = select(LINK.c.entity).where(LINK.c.entity.in_(list(found)), LINK.c.subject != account)
    for id in await _all(connection, others):
        found.pop(id, None)
    return found


async def _is_shared(connection: AsyncConnection, entity: int) -> bool:
    """Whether anybody is left who is known to have used it; requests of nobody in particular do not count."""
    named = or_(RECORD.c.account.is_not(None), RECORD.c.api_key.is_not(None))
    places: list[Any] = [
        select(LINK.c.subject).where(LINK.c.entity == entity),
        select(RECORD.c.id).where(and_(RECORD.c.address == entity, named)),
        select(LIFE.c.id).where(LIFE.c.address == entity, LIFE.c.account.is_not(None)),
        select(CASE.c.number).where(CASE.c.anchor == entity),
        select(CAMPAIGN.c.number).where(CAMPAIGN.c.entity == entity),
        *(select(PURCHASE.c.id).where(column == entity) for column in _ENTITIES),
    ]
    for query in places:
        if (await connection.execute(query.limit(1))).first() is not None:
            return True
    return False


def _of(table: Table, ids: Sequence[int]) -> Any:
    return or_(table.c.account.in_(ids), table.c.api_key.in_(ids))


def _bought(account: int) -> Any:
    return PURCHASE.c.account == account


async def _all(connection: AsyncConnection, query: Any) -> list[Any]:
    return list((await connection.execute(query)).scalars())


def _pieces(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
