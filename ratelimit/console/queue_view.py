"""The queue as its page shows it: rows, tabs, filters, and the addresses that they lead to. Pure; the time comes in."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ratelimit.console.queue_query import QUEUE, address, parts
from ratelimit.console.subject_name import KINDS, name_of, named
from ratelimit.console.wording import due, duration, money_short
from ratelimit.core.case import CaseKind, CaseReason, shown
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import SORTS, CaseRow, Money, QueueFilter, QueuePage, Sort, Tab

SOON_S: Final = 3_600.0
MOST_REASONS: Final = 3
_DAY: Final = 86_400.0

_TABS: Final[tuple[tuple[Tab, str], ...]] = (
    ("unassigned", "Unassigned"),
    ("mine", "Mine"),
    ("others", "Others"),
    ("snoozed", "Snoozed"),
    ("escalated", "Escalated"),
    ("appeals", "Appeals"),
    ("quality", "Quality"),
    ("campaigns", "Campaigns"),
    ("closed", "Closed"),
)
OPENED_BY: Final[dict[CaseKind, str]] = {
    "early_fraud_warning": "early fraud warning",
    "rule": "a rule",
    "model": "risk",
    "appeal": "an appeal",
    "audit": "the audit",
    "quality": "second review",
    "person": "a person",
}
WITHIN: Final = (("3600", "1 h"), ("86400", "24 h"), ("604800", "7 days"), ("2592000", "30 days"))
SORTED: Final[dict[Sort, str]] = {
    "priority": "by priority, then money at risk",
    "due": "what is due first",
    "money": "most money at risk first",
    "opened": "latest first",
    "blast": "most good accounts hit first",
}
_RISING: Final[frozenset[Sort]] = frozenset({"priority", "due"})
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


class Link(Struct, frozen=True):
    """A tab, a head that sorts, or a saved view. `current` is where one is; `count` None: none is shown."""

    words: str
    href: str
    current: bool = False
    count: int | None = None


class Chip(Struct, frozen=True):
    """One filter in force; `off` is the address without it."""

    name: str
    value: str
    off: str


class Line(Struct, frozen=True, kw_only=True):
    """One row. `name` and `owner` are hostile text. `decision` is that of the last action, "" for none; `acted` says it in a word."""

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
    open_for: str
    assignee: str
    mine: bool
    reading: bool
    decision: str
    acted: str
    acted_by: str
    acted_until: float | None
    blind: bool


class QueueView(Struct, frozen=True, kw_only=True):
    """The page. `may_act`: whoever looks may do more than look."""

    tabs: tuple[Link, ...]
    chips: tuple[Chip, ...]
    sorts: dict[Sort, Link]
    rising: bool
    sort: Sort
    lines: tuple[Line, ...]
    found: int
    open: int
    overdue: int
    due_soon: int
    at_risk: str
    sorted: str
    wanted: QueueFilter
    fields: dict[str, str]
    following: str | None
    first: str | None
    csv: str
    refresh: str
    views: tuple[Link, ...]
    view_name: str
    may_act: bool
    next_due: str


def queue_view(page: QueuePage, wanted: QueueFilter, who: Principal, now: float, views: Sequence[tuple[str, str]] = ()) -> QueueView:
    """The page of what was asked for; `views` are names and queries of the views that this person saved."""
    lines = tuple(line(row, wanted, who, now) for row in page.rows)
    saved = _views(wanted, views)
    return QueueView(
        tabs=_tabs(page, wanted),
        chips=_chips(wanted),
        sorts={sort: Link(SORTED[sort], address(wanted, sort=sort), sort == wanted.sort) for sort in SORTS},
        rising=wanted.sort in _RISING,
        sort=wanted.sort,
        lines=lines,
        found=page.found,
        open=page.totals.open,
        overdue=page.totals.overdue,
        due_soon=page.totals.due_soon,
        at_risk=sum_of(page.totals.at_risk),
        sorted=SORTED[wanted.sort],
        wanted=wanted,
        fields=dict(parts(wanted)),
        following=address(wanted, after=page.following) if page.following is not None else None,
        first=address(wanted) if wanted.after is not None else None,
        csv=address(wanted, f"{QUEUE}.csv"),
        refresh=address(wanted, f"{QUEUE}/rows", after=wanted.after),
        views=saved,
        view_name=next((one.words for one in saved if one.current), "Custom" if _is_filtered(wanted) else "Default"),
        may_act=who.may("analyst"),
        next_due=_next_due(page, now),
    )


def line(row: CaseRow, wanted: QueueFilter, who: Principal, now: float) -> Line:
    """One row for whoever looks."""
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
        currency=row.currency or "EUR",
        money_words=row.money,
        good=row.blast_radius,
        due=due(left) if left is not None else "",
        late=left is not None and left < 0,
        soon=left is not None and left < SOON_S,
        open_for=duration(now - row.opened_at),
        assignee=person.name if person is not None else "",
        mine=person is not None and person.id == who.id,
        reading=reader is not None,
        decision=decision,
        acted=acted,
        acted_by=row.acted_by or "",
        acted_until=row.acted_until,
        blind=row.blind,
    )


def cause(row: CaseRow) -> str:
    """What opened it, in a few words: `rule login-spray`, `risk 0.9994`, `early fraud warning`."""
    if row.opened_by == "model":
        return f"risk {row.risk:.4f}" if row.risk is not None else "risk"
    if row.opened_by == "rule" and row.opened_word:
        return f"rule {row.opened_word}"
    return row.opened_word or OPENED_BY[row.opened_by]


def sum_of(sums: Sequence[Money]) -> str:
    """Money in a sentence; of several currencies each."""
    return " and ".join(money_short(one.minor, one.currency or "EUR") for one in sums) or money_short(0)


def _acted(row: CaseRow) -> tuple[str, str]:
    if row.acted is None:
        return "", "Snoozed once" if row.woke_at is not None else "No action yet"
    return ACTED.get(row.acted, ("", row.acted))


def _owner_more(row: CaseRow, now: float) -> str:
    """Plan and age, after the owner's name if there is one."""
    age = now - row.anchor.first_at
    said = [row.plan or "", duration(age) if row.anchor.first_at and age > _DAY else ""]
    return ", ".join(part for part in said if part)


def _tabs(page: QueuePage, wanted: QueueFilter) -> tuple[Link, ...]:
    plain, counts = QueueFilter(sort=wanted.sort, most=wanted.most), page.totals.tabs
    return tuple(Link(words, address(plain, tab=tab), tab == wanted.tab, counts.get(tab)) for tab, words in _TABS)


def _chips(wanted: QueueFilter) -> tuple[Chip, ...]:
    within = dict(WITHIN)
    said = {
        "subject": ("Subject", KINDS.get(wanted.subject or "", wanted.subject)),
        "opened_by": ("Opened by", OPENED_BY.get(wanted.opened_by, "") if wanted.opened_by else ""),
        "priority": ("Priority", f"P{wanted.priority}"),
        "within_s": ("Opened", f"within {within.get(f'{wanted.within_s:g}', duration(wanted.within_s)) if wanted.within_s else ''}"),
        "assignee": ("Assignee", f"number {wanted.assignee}"),
        "text": ("Says", wanted.text),
    }
    empty = QueueFilter()
    return tuple(
        Chip(name, str(value), address(wanted, **{field: getattr(empty, field)}))
        for field, (name, value) in said.items()
        if getattr(wanted, field) != getattr(empty, field)
    )


def _is_filtered(wanted: QueueFilter) -> bool:
    return bool(parts(wanted).keys() - {"tab", "after"})


def _views(wanted: QueueFilter, saved: Sequence[tuple[str, str]]) -> tuple[Link, ...]:
    here = address(wanted)
    usual = (
        ("Default", QUEUE),
        ("Due first", f"{QUEUE}?sort=due"),
        ("Most money", f"{QUEUE}?sort=money"),
        ("Issuer's warnings", f"{QUEUE}?opened_by=early_fraud_warning"),
        ("Shared by many", f"{QUEUE}?sort=blast"),
    )
    own = tuple((name, f"{QUEUE}?{query}" if query else QUEUE) for name, query in saved)
    return tuple(Link(name, href, href == here) for name, href in (*usual, *own))


def _next_due(page: QueuePage, now: float) -> str:
    dues = [row.due_at for row in page.rows if row.due_at is not None and row.due_at > now]
    return duration(min(dues) - now) if dues else ""
