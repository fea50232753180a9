"""All that stands on the page of a case or of a subject: who it is, what was decided, the evidence, what it shares, what people did.

Structs alone; review/dossiers gathers them. Times are seconds since the epoch, money is in minor units of its currency.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from ratelimit.core.case import CaseReason
from ratelimit.ledger.cases import CaseView, Note, PersonRef, Place, SubjectRef
from ratelimit.ledger.evidence import Bin, BoughtRow, LifeRow, Refused, RequestRow
from ratelimit.ledger.sharing import Said
from ratelimit.review.deed import ActionView

DAY_S: Final = 86_400.0
FLAG_CROSSES: Final = 5  # good accounts that share an entity; of more a flag stops there

Tab = Literal["requests", "purchases", "logins"]
Span = Literal["48h", "30d"]
SPANS_S: Final[Mapping[Span, float]] = {"48h": 48 * 3_600.0, "30d": 30 * DAY_S}
STEPS: Final = 192  # of a timeline, in which its requests are counted: 15 min of 48 h
ADDRESS_STEPS: Final = 48  # in which different addresses are: 1 h of 48 h

Decided = Literal["allow", "throttle", "hold", "block"]


class InForce(Struct, frozen=True, kw_only=True):
    """What stands about the subject now: by an action of a person, or by a rule or the model. `made_by` None: nothing but the limits."""

    decision: Decided
    words: str
    since: float | None = None
    by: str = ""
    until: float | None = None
    action: ActionView | None = None


class Weighing(Struct, frozen=True, kw_only=True):
    """What the model made of it. `against` are signals far out, `in_favour` usual ones, both the most telling first.

    `thresholds` are decisions and the risk above which the policy takes them; `model` is None where what judged is not here any more.
    """

    risk: float | None
    against: tuple[CaseReason, ...]
    in_favour: tuple[CaseReason, ...]
    thresholds: tuple[tuple[str, float], ...] = ()
    model: str | None = None
    signals: int = 0
    version: int | None = None
    record: str | None = None  # the decision that this was known at
    at: float | None = None


class Linked(Struct, frozen=True, kw_only=True):
    """An entity that it shares, or one word for many of a kind: then `many` is how many, and `subject` None."""

    subject: int | None
    kind: str
    shown: str | None
    how: str
    first_at: float
    last_at: float
    count: int
    good: int
    fraud: int
    many: int = 1
    further: tuple["Linked", ...] = ()

    @property
    def shared(self) -> bool:
        """Whether a flag stops here."""
        return self.good > FLAG_CROSSES * self.many


class Alike(Struct, frozen=True, kw_only=True):
    """Another case that has something in common with this one, in `words`."""

    number: int
    anchor: SubjectRef
    priority: int
    state: str
    at: float
    verdict: str | None
    words: str


class Customer(Struct, frozen=True, kw_only=True):
    """How the customer stands, for the line below its name; known `since` then."""

    purchases: int = 0
    paid_minor: int = 0
    currency: str | None = None
    disputed: int = 0
    keys: int = 0
    since: float = 0.0


class Privacy(Struct, frozen=True, kw_only=True):
    """How long what is about it is kept, and what it has asked for. `unlinked` are kinds that link nobody, since they are not kept."""

    addresses_until: float | None
    records_until: float | None
    share_left: float
    restricted: bool = False
    asked: str = ""
    unlinked: tuple[str, ...] = ()


class Page(Struct, frozen=True, kw_only=True):
    """One page of the evidence, and a row more if another follows: of what was asked for, the others are empty."""

    requests: tuple[RequestRow, ...] = ()
    purchases: tuple[BoughtRow, ...] = ()
    lives: tuple[LifeRow, ...] = ()


class Dossier(Struct, frozen=True, kw_only=True):
    """Everything as of `now`. `case` None: it is a subject without one. `names` are all subjects that are named in rows.
    `shared` is by how many others of its kind what speaks against it is shared.

    `bins` and `addresses` count from the beginning of the timeline's span, `purchases` and `lives` are the latest, for it.
    """

    now: float
    subject: SubjectRef
    case: CaseView | None
    account: SubjectRef | None
    plan: str | None
    place: Place | None
    customer: Customer
    in_force: InForce
    weighing: Weighing
    decided: Mapping[str, float]
    tab: Tab
    span: Span
    bins: tuple[Bin, ...]
    addresses: Mapping[int, int]
    page: Page
    purchases: tuple[BoughtRow, ...]
    lives: tuple[LifeRow, ...]
    refusals: tuple[Refused, ...]
    usual: frozenset[int]
    linked: tuple[Linked, ...]
    actions: tuple[ActionView, ...]
    notes: tuple[Note, ...]
    people: Mapping[str, PersonRef]
    alike: tuple[Alike, ...]
    privacy: Privacy
    names: Mapping[int, SubjectRef]
    shared: Mapping[Said, int] = {}
