"""Rows of cases as pages and calls see them. Times are seconds since the epoch, money is in minor units of its currency."""

from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct

from ratelimit.core.case import CaseKind, CaseReason, CaseState, CaseVerdict
from ratelimit.core.standing import TargetKind

Tab = Literal["unassigned", "mine", "others", "snoozed", "escalated", "appeals", "quality", "campaigns", "closed"]
Sort = Literal["priority", "due", "money", "opened", "blast"]

TABS: Final[tuple[Tab, ...]] = get_args(Tab)
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)
MOST_ROWS: Final = 200


class PersonRef(Struct, frozen=True):
    """A person of the console. `initials` are for marks."""

    id: int
    login: str
    name: str
    initials: str


class SubjectRef(Struct, frozen=True):
    """Whom or what a row is about. `shown` is hostile text, as the caller sent it; None once it may not be shown any more."""

    id: int
    kind: TargetKind
    shown: str | None
    first_at: float
    good: int = 0
    fraud: int = 0


class CaseRow(Struct, frozen=True, kw_only=True):
    """A row of the queue. `beside` is what stands under the anchor: an account's email, a key's account.

    `opened_by` and `opened_word` are what a person may know: a blind case says `model` and nothing more, and has no `risk`. `money` is
    what the `at_risk_minor` consist of, in a few words. `version` is the one to send along with a change. `acted` is the last action: a
    verb of core/standing or of review/deed.
    """

    number: int
    anchor: SubjectRef
    state: CaseState
    opened_at: float
    opened_by: CaseKind
    opened_word: str
    priority: int
    at_risk_minor: int
    currency: str | None
    blast_radius: int
    reasons: tuple[CaseReason, ...]
    version: int
    risk: float | None = None
    more: int = 0
    beside: SubjectRef | None = None
    plan: str | None = None
    money: str = ""
    expected_loss_minor: int = 0
    due_at: float | None = None
    assignee: PersonRef | None = None
    locked_by: PersonRef | None = None
    locked_until: float | None = None
    snoozed_until: float | None = None
    snoozed_by: PersonRef | None = None
    woke_at: float | None = None
    escalated: bool = False
    campaign: int | None = None
    blind: bool = False
    reopened: int = 0
    acted: str | None = None
    acted_by: str | None = None
    acted_at: float | None = None
    acted_until: float | None = None


class OpeningRow(Struct, frozen=True):
    """What opened a case, or was added to it. `reference` is what the purchase's answer told."""

    reference: str
    kind: CaseKind
    text: str
    at: float
    purchase: str | None
    attempt: int


class CaseView(Struct, frozen=True, kw_only=True):
    """One case whole. `closed_by`, `verdict` and `why` are the word of whoever closed it; `work_s` for how long people had it open."""

    row: CaseRow
    openings: tuple[OpeningRow, ...]
    closed_at: float | None = None
    closed_by: PersonRef | None = None
    verdict: CaseVerdict | None = None
    why: str | None = None
    work_s: float = 0.0
    second_of: int | None = None  # told once it is closed


class Note(Struct, frozen=True):
    """A person's note. `text` None: it was erased."""

    seq: int
    at: float
    by: str
    text: str | None
    mentions: tuple[str, ...] = ()


class QueueFilter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of the queue is asked for, all of it in a page's URL. `within_s`: opened so lately. `after` is `QueuePage.following`."""

    tab: Tab = "unassigned"
    subject: TargetKind | None = None
    opened_by: CaseKind | None = None
    priority: Annotated[int, Meta(ge=1, le=4)] | None = None
    within_s: Annotated[float, Meta(gt=0)] | None = None
    assignee: Annotated[int, Meta(ge=-(2**53), le=2**53)] | None = None
    campaign: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    text: Annotated[str, Meta(max_length=200)] = ""
    sort: Sort = "priority"
    after: Annotated[str, Meta(max_length=200)] | None = None
    most: Annotated[int, Meta(ge=1, le=MOST_ROWS)] = 50


class Money(Struct, frozen=True):
    """A sum in one currency."""

    minor: int
    currency: str | None


class QueueTotals(Struct, frozen=True, kw_only=True):
    """Of all open cases, whatever the filter. `due_soon`: within the hour. `tabs`: how many are in each."""

    open: int
    overdue: int
    due_soon: int
    at_risk: tuple[Money, ...]
    tabs: dict[Tab, int]


class QueuePage(Struct, frozen=True, kw_only=True):
    """`found` is how many there are in all of what was asked for; `following` is None on the last page."""

    rows: tuple[CaseRow, ...]
    found: int
    totals: QueueTotals
    following: str | None = None


class Place(Struct, frozen=True):
    """Where a case stands in the queue: `at` of `of`, from 1, and its neighbours. `at` 0: it is not in it any more."""

    at: int
    of: int
    before: int | None
    after: int | None


class CampaignRow(Struct, frozen=True, kw_only=True):
    """Cases that share an exclusive `entity`. Of the `open` ones `snoozed` are put off, and stand in no list but theirs."""

    number: int
    entity: SubjectRef
    state: CaseState
    opened_at: float
    cases: int
    open: int
    at_risk: tuple[Money, ...]
    priority: int
    version: int
    closed_at: float | None = None
    snoozed: int = 0
