"""The queue as its page shows it: rows, tabs, filters, and the addresses that they lead to. Pure; the time comes in."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ratelimit.console.queue_line import OPENED_BY, Line, line
from ratelimit.console.queue_query import QUEUE, address, parts
from ratelimit.console.subject_name import KINDS
from ratelimit.console.wording import duration, money_short
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import SORTS, Money, QueueFilter, QueuePage, Sort, Tab
from ratelimit.ledger.views import SavedView

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
WITHIN: Final = (("3600", "1 h"), ("86400", "24 h"), ("604800", "7 days"), ("2592000", "30 days"))
SORTED: Final[dict[Sort, str]] = {
    "priority": "by priority, then money at risk",
    "due": "what is due first",
    "money": "most money at risk first",
    "opened": "latest first",
    "blast": "most good accounts hit first",
}
USUAL_VIEWS: Final = (
    ("Default", QUEUE),
    ("Due first", f"{QUEUE}?sort=due"),
    ("Most money", f"{QUEUE}?sort=money"),
    ("Issuer's warnings", f"{QUEUE}?opened_by=early_fraud_warning"),
    ("Shared by many", f"{QUEUE}?sort=blast"),
)
_RISING: Final[frozenset[Sort]] = frozenset({"priority", "due"})


class Link(Struct, frozen=True):
    """A tab, a head that sorts, or a saved view. `current` is where one is; `count` None: none is shown; `id` is that of one's own view."""

    words: str
    href: str
    current: bool = False
    count: int | None = None
    id: int | None = None


class Chip(Struct, frozen=True):
    """One filter in force; `off` is the address without it."""

    name: str
    value: str
    off: str


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
    query: str
    following: str | None
    first: str | None
    csv: str
    refresh: str
    views: tuple[Link, ...]
    view_name: str
    may_act: bool
    next_due: str


def queue_view(
    page: QueuePage, wanted: QueueFilter, who: Principal, now: float, views: Sequence[SavedView] = (), *, path: str = QUEUE
) -> QueueView:
    """The page of what was asked for; `views` are those that this person saved, `path` is the page that shows it."""
    usual = next((one.currency for one in page.totals.at_risk if one.currency), "EUR")
    lines = tuple(line(row, wanted, who, now, usual) for row in page.rows)
    saved = _views(wanted, views)
    return QueueView(
        tabs=_tabs(page, wanted),
        chips=_chips(wanted),
        sorts={sort: Link(SORTED[sort], address(wanted, path, sort=sort), sort == wanted.sort) for sort in SORTS},
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
        query=address(wanted).partition("?")[2],
        following=address(wanted, path, after=page.following) if page.following is not None else None,
        first=address(wanted, path) if wanted.after is not None else None,
        csv=address(wanted, f"{QUEUE}.csv"),
        refresh=address(wanted, f"{QUEUE}/rows", after=wanted.after),
        views=saved,
        view_name=next((one.words for one in saved if one.current), "Custom" if _is_filtered(wanted) else "Default"),
        may_act=who.may("analyst"),
        next_due=_next_due(page, now),
    )


def sum_of(sums: Sequence[Money]) -> str:
    """Money in a sentence; of several currencies each, and nothing is in none."""
    return " and ".join(money_short(one.minor, one.currency or "EUR") for one in sums) or "0"


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
        "campaign": ("Campaign", f"K-{wanted.campaign}"),
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


def _views(wanted: QueueFilter, saved: Sequence[SavedView]) -> tuple[Link, ...]:
    here = address(wanted)
    usual = tuple(Link(name, href, href == here) for name, href in USUAL_VIEWS)
    own = ((one, f"{QUEUE}?{one.query}" if one.query else QUEUE) for one in saved)
    return (*usual, *(Link(one.name, href, href == here, id=one.id) for one, href in own))


def _next_due(page: QueuePage, now: float) -> str:
    dues = [row.due_at for row in page.rows if row.due_at is not None and row.due_at > now]
    return duration(min(dues) - now) if dues else ""
