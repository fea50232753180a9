"""One row of the queue as people see it, on the queue's page and on a campaign's. Pure; the time comes in."""

from typing import Final

from msgspec import Struct

from ratelimit.console.queue_query import address
from ratelimit.console.subject_name import name_of, named
from ratelimit.console.wording import due, duration
from ratelimit.core.case import CaseKind, CaseReason, shown
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import CaseRow, QueueFilter
from ratelimit.web.case_mask import masked_for

SOON_S: Final = 3_600.0
MOST_REASONS: Final = 3
_DAY: Final = 86_400.0

OPENED_BY: Final[dict[CaseKind, str]] = {
    "early_fraud_warning": "early fraud warning",
    "rule": "a rule",
    "model": "risk",
    "appeal": "an appeal",
    "audit": "the audit",
    "quality": "second review",
    "person": "a person",
    "banned": "a ban",
}
ACTED: Final = {
    "block": ("block", "Blocked"),
    "throttle": ("throttle", "Throttled"),
    "bucket": ("throttle", "Throttled"),
    "allow": ("allow", "Allowed"),
    "hold": ("hold", "Tokens held"),
    "release": ("allow", "Hold released"),
    "revoke": ("block", "Held tokens revoked"),
    "rotate_key": ("", "New key asked for"),
    "refund": ("", "Refund asked for"),
    "report_fraud": ("", "Reported as fraud"),
    "label": ("", "Labelled"),
    "known_normal": ("", "Known to be normal"),
}


class Line(Struct, frozen=True, kw_only=True):
    """One row. `name` and `owner` are hostile text. `decision` is that of the last action, "" for none; `acted` says it in a word.

    `snoozed_until` is when it comes back, None where it is not put off.
    """

    number: int
    id: str
    href: str
    version: int
    priority: int
    kind: str
    name: str
    owner: str
    owner_more: str
    cause: str
    reasons: tuple[CaseReason, ...]
    more: int
    at_risk_minor: int
    currency: str
    money_words: str
    good: int
    due: str
    late: bool
    soon: bool
    snoozed_until: float | None
    open_for: str
    assignee: str
    mine: bool
    reading: bool
    decision: str
    acted: str
    acted_by: str
    acted_until: float | None
    blind: bool
    campaign: int | None = None


def line(row: CaseRow, wanted: QueueFilter, who: Principal, now: float, usual: str = "EUR") -> Line:
    """One row for whoever looks; `usual` is the currency of a row that has none."""
    row = masked_for(who, row)
    left = row.due_at - now if row.due_at is not None else None
    decision, acted = _acted(row)
    reader = row.locked_by if row.locked_by is not None and (row.locked_until or 0) > now else None
    person = reader or row.assignee
    return Line(
        number=row.number,
        id=shown(row.number),
        href=address(wanted, f"/cases/{row.number}"),
        version=row.version,
        priority=row.priority,
        kind=row.anchor.kind,
        name=named(row.anchor, who.role),
        owner=name_of(row.beside.kind, row.beside.shown, who.role) if row.beside is not None else "",
        owner_more=_owner_more(row, now),
        cause=cause(row),
        reasons=row.reasons[:MOST_REASONS],
        more=row.more + max(0, len(row.reasons) - MOST_REASONS),
        at_risk_minor=row.at_risk_minor,
        currency=row.currency or usual,
        money_words=row.money,
        good=row.blast_radius,
        due=due(left) if left is not None else "",
        late=left is not None and left < 0,
        soon=left is not None and left < SOON_S,
        snoozed_until=row.snoozed_until if row.snoozed_until is not None and row.snoozed_until > now else None,
        open_for=duration(now - row.opened_at),
        assignee=person.name if person is not None else "",
        mine=person is not None and person.id == who.id,
        reading=reader is not None,
        decision=decision,
        acted=acted,
        acted_by=row.acted_by or "",
        acted_until=row.acted_until,
        blind=row.blind,
        campaign=row.campaign,
    )


def cause(row: CaseRow) -> str:
    """What opened it, in a few words: `rule login-spray`, `risk 0.9994`, `early fraud warning`."""
    if row.opened_by == "model":
        return f"risk {row.risk:.4f}" if row.risk is not None else "risk"
    if row.opened_by == "rule" and row.opened_word:
        return f"rule {row.opened_word}"
    return row.opened_word or OPENED_BY[row.opened_by]


def _acted(row: CaseRow) -> tuple[str, str]:
    if row.acted is None:
        return "", "Snoozed once" if row.woke_at is not None else "No action yet"
    return ACTED.get(row.acted, ("", row.acted.replace("_", " ").capitalize()))


def _owner_more(row: CaseRow, now: float) -> str:
    """Plan and age, after the owner's name if there is one."""
    age = now - row.anchor.first_at
    said = [row.plan or "", duration(age) if row.anchor.first_at and age > _DAY else ""]
    return ", ".join(part for part in said if part)
