"""The head of a case's page: who it is about, how they stand, and what may be done with the case. Pure."""

from typing import Final

from msgspec import Struct

from ratelimit.console import wording
from ratelimit.console.subject_name import named
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import CaseRow, SubjectRef
from ratelimit.review.dossier import Customer, Dossier
from ratelimit.review.lock import actor_id

_SOON_S: Final = 3_600.0
_OPENED: Final = {
    "early_fraud_warning": "card issuer's warning",
    "rule": "rule",
    "model": "risk",
    "appeal": "appeal",
    "audit": "risk",
    "quality": "risk",
    "person": "by hand",
    "banned": "banned before",
}


class Head(Struct, frozen=True, kw_only=True):
    """Who it is. `name` and `owner` are hostile text; `summary` are sentences on how the customer stands."""

    kind: str
    name: str
    subject: int
    owner: str = ""
    owner_id: int | None = None
    plan: str = ""
    summary: tuple[str, ...] = ()


class Lock(Struct, frozen=True):
    """Who has it open. `mine`: whoever looks."""

    mine: bool
    name: str
    until: float
    by: int = 0


class Desk(Struct, frozen=True, kw_only=True):
    """The case's own line: what may be done with it, by whoever looks, at this version of it."""

    number: int
    version: int
    priority: int
    state: str
    opened_at: float
    opened_by: str
    due_at: float | None
    soon: bool
    lock: Lock | None
    escalated: bool
    snoozed_until: float | None
    assignee: str
    place: str
    before: int | None
    after: int | None
    campaign: int | None
    reopened: int
    verdict: str
    why: str
    closed_at: float | None
    closed_by: str


def head_of(it: Dossier, principal: Principal) -> Head:
    """Who it is, for one who looks."""
    beside = it.account if it.account is not None and it.account.id != it.subject.id else None
    return Head(
        kind=it.subject.kind,
        name=named(it.subject, principal.role),
        subject=it.subject.id,
        owner=named(beside, principal.role) if beside is not None else "",
        owner_id=beside.id if beside is not None else None,
        plan=it.plan or "",
        summary=_summary(it.subject, it.account, it.customer, it.now),
    )


def _summary(subject: SubjectRef, account: SubjectRef | None, customer: Customer, now: float) -> tuple[str, ...]:
    word = "Customer" if account is not None else "Known"
    said = [f"{word} for {wording.duration(now - min(subject.first_at, customer.since or subject.first_at))}"]
    if customer.purchases:
        paid = wording.money(customer.paid_minor, customer.currency or "EUR")
        disputed = f"{customer.disputed} disputed" if customer.disputed else "none disputed"
        said.append(f"{wording.several(customer.purchases, 'purchase')}, {paid}, {disputed}")
    if customer.keys:
        said.append(wording.several(customer.keys, "other key" if subject.kind == "api_key" else "key"))
    return tuple(said)


def lock_of(row: CaseRow, who: Principal, now: float) -> Lock | None:
    """Who has it open, as somebody sees it."""
    if row.locked_by is None or row.locked_until is None or row.locked_until <= now:
        return None
    return Lock(row.locked_by.id == actor_id(who), row.locked_by.name, row.locked_until, row.locked_by.id)


def desk_of(it: Dossier, principal: Principal) -> Desk:
    """The case's own line, for one who looks."""
    case = it.case
    assert case is not None, "asked for where there is one"  # noqa: S101
    row, place = case.row, it.place
    return Desk(
        number=row.number,
        version=row.version,
        priority=row.priority,
        state=row.state,
        opened_at=row.opened_at,
        opened_by=_OPENED.get(row.opened_by, row.opened_by),
        due_at=row.due_at,
        soon=row.due_at is not None and row.due_at - it.now < _SOON_S,
        lock=lock_of(row, principal, it.now),
        escalated=row.escalated,
        snoozed_until=row.snoozed_until if row.snoozed_until is not None and row.snoozed_until > it.now else None,
        assignee=row.assignee.name if row.assignee is not None else "",
        place=f"{place.at:,} of {place.of:,}" if place is not None and place.at else "",
        before=place.before if place is not None else None,
        after=place.after if place is not None else None,
        campaign=row.campaign,
        reopened=row.reopened,
        verdict=case.verdict or "",
        why=case.why or "",
        closed_at=case.closed_at,
        closed_by=case.closed_by.name if case.closed_by is not None else "",
    )
