"""Finds what an analyst types: subjects by a part of their name or by their network, purchases, cases. All by an index."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.address import mask, parse_address
from ratelimit.ledger import part
from ratelimit.ledger.cases import SubjectRef
from ratelimit.ledger.tables.case import CASE
from ratelimit.ledger.tables.part import PART
from ratelimit.ledger.tables.purchase import PURCHASE
from ratelimit.ledger.tables.record import RECORD
from ratelimit.ledger.tables.subject import SUBJECT

_CANDIDATES: Final = 500  # of which the best are shown
_LEAST_BITS: Final = 8  # of a network that is looked for
_GROUP: Final = 16  # bits between two colons
_COLUMNS: Final = [SUBJECT.c[name] for name in SubjectRef.__struct_fields__]


class CaseHit(Struct, frozen=True):
    """A case, and whom it is about."""

    number: int
    anchor: int
    state: str
    priority: int
    opened_at: float


class PurchaseHit(Struct, frozen=True):
    """An attempt of a purchase."""

    id: str
    record: str
    at: float
    amount_minor: int
    currency: str | None
    account: int


async def subjects_having(connection: AsyncConnection, text: str, most: int) -> list[SubjectRef]:
    """Those in whose name a text is: first whose name begins with it, then who was here last."""
    if not (ids := await part.having(connection, text, _CANDIDATES)):
        return []
    begins = SUBJECT.c.shown.istartswith(text, autoescape=True)
    query = select(*_COLUMNS).where(SUBJECT.c.id.in_(ids)).order_by(begins.desc().nulls_last(), SUBJECT.c.last_at.desc())
    return [SubjectRef(*row) for row in await connection.execute(query.limit(most))]


async def subjects_in(connection: AsyncConnection, network: str, most: int) -> list[SubjectRef]:
    """Addresses and networks inside a network such as 198.51.100.0/22, which is as core/address writes it."""
    address, _, prefix = network.partition("/")
    packed, bits = parse_address(address), int(prefix)
    if packed is None or bits < _LEAST_BITS:
        return []
    starts = or_(false(), *(part.begins(one) for one in _starts(packed, bits)))
    query = select(*_COLUMNS).join(PART, PART.c.subject == SUBJECT.c.id).where(starts, SUBJECT.c.kind.in_(("ip", "network")))
    found = {row.id: SubjectRef(*row) for row in await connection.execute(query.limit(_CANDIDATES))}
    return [one for one in found.values() if _is_in(one.shown, packed, bits)][:most]


async def cases_about(connection: AsyncConnection, subjects: Sequence[int], most: int, number: int | None = None) -> list[CaseHit]:
    """The latest cases about these, open ones first; before them the one with that number."""
    about = await _cases(connection, CASE.c.anchor.in_(subjects), most) if subjects else []
    this = await _cases(connection, CASE.c.number == number, 1) if number is not None else []
    return [*this, *(one for one in about if one.number != number)][:most]


async def purchases(connection: AsyncConnection, id: str) -> list[PurchaseHit]:
    """The latest attempt of the purchase with that id."""
    return await _purchases(connection, _purchase().where(PURCHASE.c.id == id).order_by(PURCHASE.c.attempt.desc()), 1)


async def paid_with(connection: AsyncConnection, last4: str, most: int) -> list[PurchaseHit]:
    """The latest attempts with a card that ends so."""
    return await _purchases(connection, _purchase().where(PURCHASE.c.last4 == last4).order_by(PURCHASE.c.at.desc()), most)


async def is_record(connection: AsyncConnection, id: str) -> bool:
    """Whether a decision on a request or a purchase has that id."""
    for query in (select(RECORD.c.id).where(RECORD.c.id == id), select(PURCHASE.c.record).where(PURCHASE.c.record == id)):
        if (await connection.execute(query)).first() is not None:
            return True
    return False


def _purchase() -> Select[Any]:
    return select(*(PURCHASE.c[name] for name in PurchaseHit.__struct_fields__))


async def _purchases(connection: AsyncConnection, query: Select[Any], most: int) -> list[PurchaseHit]:
    return [PurchaseHit(*row) for row in await connection.execute(query.limit(most))]


async def _cases(connection: AsyncConnection, test: ColumnElement[bool], most: int) -> list[CaseHit]:
    query = select(*(CASE.c[name] for name in CaseHit.__struct_fields__)).where(test)
    rows = await connection.execute(query.order_by(CASE.c.state.desc(), CASE.c.opened_at.desc()).limit(most))
    return [CaseHit(*row) for row in rows]


def _starts(packed: bytes, bits: int) -> Iterator[str]:
    """How the texts of addresses in a network begin; of IPv6 some that are outside as well."""
    if len(packed) == 4:
        octets = -(-bits // 8)
        first, rest = int.from_bytes(packed[:octets]), 8 * octets - bits
        for one in range(first, first + (1 << rest)):
            yield ".".join(map(str, one.to_bytes(octets))) + "." * (octets < 4)
        return
    groups = [f"{int.from_bytes(packed[place : place + 2]):x}" for place in range(0, bits // _GROUP * 2, 2)]
    if not groups:
        first = int.from_bytes(packed[:2])
        yield from (f"{one:x}:" for one in range(first, first + (1 << (_GROUP - bits))))
    whole = groups[: groups.index("0")] if "0" in groups else groups  # what is zero may be left out of the text
    if whole:
        yield ":".join(whole) + ":"
    elif not any(packed[:2]):
        yield from ("0:", "::")


def _is_in(shown: str | None, network: bytes, bits: int) -> bool:
    address, _, prefix = (shown or "").partition("/")
    packed = parse_address(address)
    wide = prefix.isdigit() and int(prefix) < bits
    return packed is not None and not wide and len(packed) == len(network) and mask(packed, bits) == network
