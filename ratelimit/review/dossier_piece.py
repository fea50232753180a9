"""Pieces of a dossier that are read by queries of their own: what the model saw, how the customer stands, cases alike, people, privacy."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.privacy import NO_MODEL
from ratelimit.core.retention import Retention
from ratelimit.core.signals import KINDS
from ratelimit.ledger import case_query, evidence, purchases, records
from ratelimit.ledger.alike import AlikeRow, alike
from ratelimit.ledger.cases import CaseView, Note, PersonRef, SubjectRef
from ratelimit.ledger.evidence import Seen
from ratelimit.ledger.privacy import of_subject
from ratelimit.ledger.tables.person import PERSON
from ratelimit.ledger.tables.privacy import RESTRICTION
from ratelimit.review.deed import ActionView
from ratelimit.review.dossier import Alike, Customer, Linked, Privacy
from ratelimit.review.weighing import Vector

_OPEN: Final = frozenset({"asked", "approved"})
_LINKING: Final = ("card", "device")  # of what is kept only once it was turned on
_WORDS: Final = {
    "fraud": "Confirmed fraud",
    "abuse": "Confirmed abuse",
    "good": "False alarm",
    "victim": "Its owner was the victim",
    "unclear": "Nothing was clear",
}


class Whose(NamedTuple):
    """Whom a page is about, by its own rows and by those of its account."""

    subject: SubjectRef
    account: SubjectRef | None
    seen: Seen
    payer: Seen


def whose_of(subject: SubjectRef, account: SubjectRef | None) -> Whose:
    """The subject and the account that its rows are looked for by."""
    seen = Seen(subject.kind, subject.id)
    return Whose(subject, account, seen, Seen("account", account.id) if account is not None else seen)


async def vector_of(connection: AsyncConnection, found: CaseView | None, whose: Whose) -> tuple[Vector | None, str | None]:
    """What the model saw: of the purchase that the case is about, else at the latest decision on a request; and the plan."""
    told = [one for one in found.openings if one.purchase is not None] if found is not None else []
    if found is not None and told and not any(reason.signal and reason.about == "request" for reason in found.row.reasons):
        attempts = await purchases.find(connection, told[-1].purchase or "")
        row = next((one for one in attempts if one.attempt == told[-1].attempt), attempts[-1] if attempts else None)
        if row is not None and row.signals is not None:
            return of_purchase(row), None
    for subject in (whose.subject, whose.account):  # of a key that was never looked at by itself what was seen of its account
        reference = await evidence.latest_with_signals(connection, subject.id) if subject is not None else None
        record = await records.find(connection, reference) if reference is not None else None
        if record is not None and subject is not None:
            return of_request(record, subject.kind), record.plan
    return None, None


def of_request(row: records.RecordRow, kind: str) -> Vector | None:
    """What the model saw of a subject of that kind."""
    if kind not in KINDS or row.signals is None:
        return None
    return Vector(kind, row.values, row.model, row.signal_version, row.risk, row.id, row.at, row.plan)


def of_purchase(row: purchases.PurchaseRow) -> Vector:
    """What the model saw of a purchase."""
    return Vector("purchase", row.values, row.model, row.signal_version, row.risk, row.record, row.at, currency=row.currency)


async def customer_of(
    connection: AsyncConnection, whose: Whose, linked: Sequence[Linked], bought: Iterable[evidence.BoughtRow]
) -> Customer:
    """How the customer stands, and since when it is known."""
    keys = sum(one.many for one in linked if one.kind == "api_key")
    first = (whose.account or whose.subject).first_at
    since = min((first, *(one.first_at for one in linked), *(row.at for row in bought)))
    found = await evidence.paid(connection, whose.account.id) if whose.account is not None else None
    if found is None:
        return Customer(keys=keys, since=since)
    return Customer(
        purchases=found.purchases, paid_minor=found.minor, currency=found.currency, disputed=found.disputed, keys=keys, since=since
    )


async def alike_of(connection: AsyncConnection, found: CaseView | None, whose: Whose) -> tuple[Alike, ...]:
    """Cases that have something in common with this one, or with this subject."""
    mine = [whose.subject.id, *([whose.account.id] if whose.account is not None and whose.account.id != whose.subject.id else [])]
    rows = await alike(connection, found.row.number if found is not None else 0, mine)
    names = await case_query.subjects_of(connection, [one for row in rows for one in (row.anchor, row.by)])
    return tuple(_like(row, names) for row in rows)


def _like(row: AlikeRow, names: Mapping[int, SubjectRef]) -> Alike:
    why = f"shares {_KIND.get(names[row.by].kind, 'something')}" if row.by is not None else "the same campaign or reasons"
    words = ", ".join(part for part in (_WORDS.get(row.verdict or "", ""), why) if part)
    return Alike(
        number=row.number,
        anchor=names[row.anchor],
        priority=row.priority,
        state=row.state,
        at=row.closed_at or row.opened_at,
        verdict=row.verdict,
        words=words[:1].upper() + words[1:],
    )


_KIND: Final = {"ip": "an address", "card": "a card", "device": "a device", "email": "a mailbox", "api_key": "a key"}


async def people_in(connection: AsyncConnection, views: Iterable[ActionView], notes: Iterable[Note]) -> dict[str, PersonRef]:
    """Who did and wrote what is shown, and who is named, by login."""
    logins = {*(view.by for view in views), *(note.by for note in notes), *(login for note in notes for login in note.mentions)}
    if not logins:
        return {}
    query = select(PERSON.c.id, PERSON.c.login, PERSON.c.name).where(PERSON.c.login.in_(sorted(logins)))
    return {row.login: PersonRef(row.id, row.login, row.name, case_query.initials(row.name)) for row in await connection.execute(query)}


async def privacy_of(connection: AsyncConnection, whose: Whose, keep: Retention, now: float) -> Privacy:
    """How long what is about it is kept, and what it has asked for."""
    kept = await evidence.kept_until(connection, whose.seen)
    about = (whose.account or whose.subject).id
    restricted = select(RESTRICTION.c.kind).where(RESTRICTION.c.subject == about, RESTRICTION.c.kind.in_(NO_MODEL)).limit(1)
    asked = [one for one in await of_subject(connection, about) if one.state in _OPEN]
    erase = any(one.kind == "erase" for one in asked)
    return Privacy(
        addresses_until=kept[1] + keep.addresses.seconds if kept is not None else None,
        records_until=kept[1] + keep.records.seconds if kept is not None else None,
        share_left=max(0.0, 1 - (now - kept[1]) / keep.addresses.seconds) if kept is not None else 0.0,
        restricted=(await connection.execute(restricted)).first() is not None,
        unlinked=tuple(kind for kind in _LINKING if kind not in keep.keep),
        asked="erasure asked for" if erase else f"{asked[0].kind} asked for" if asked else "",
    )
