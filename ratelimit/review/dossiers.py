"""Gathers what stands on the page of a case or of a subject, in one look at the ledger, by indexed queries that are bounded."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.case import CaseReason, shown
from ratelimit.core.principal import Principal
from ratelimit.core.retention import Retention
from ratelimit.core.standing import Standing, Target
from ratelimit.ledger import actions, case_query, evidence, queue
from ratelimit.ledger.cases import CaseRow, CaseView, Place, QueueFilter, SubjectRef
from ratelimit.ledger.evidence import Seen
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.sharing import Said, cases_sharing, shared_by
from ratelimit.ledger.subjects import named
from ratelimit.review import work
from ratelimit.review.actions import view_of
from ratelimit.review.by_hand import open_case
from ratelimit.review.case_error import NotFoundError
from ratelimit.review.deed import ActionView
from ratelimit.review.dossier import (
    ADDRESS_STEPS,
    DAY_S,
    SPANS_S,
    STEPS,
    Dossier,
    Linked,
    Page,
    Span,
    Tab,
    Weighing,
)  # fmt: skip
from ratelimit.review.dossier_force import in_force
from ratelimit.review.dossier_links import links_of
from ratelimit.review.dossier_piece import Whose, alike_of, customer_of, people_in, privacy_of, vector_of, whose_of
from ratelimit.review.lock import actor_id
from ratelimit.review.undoing import why_not
from ratelimit.review.weighing import NOTHING, Vector, Weigher

_REFUSALS_S: Final = 30 * 86_400.0
_PAGE: Final = 11  # rows of a page, and one to know that more follow
_BESIDE: Final = 40  # purchases and logins, for the timeline


class Words(Protocol):
    """What people have said that stands."""

    def about(self, target: Target) -> list[Standing]:
        """About this very target."""

    def stands(self, id: str) -> bool:
        """Whether the override with that id does."""


class Look(Struct, frozen=True, kw_only=True):
    """What somebody wants to see: a tab of the evidence, its filters, from where on; how many hops of links; in which queue.

    `tab` and `span` None: what tells most.
    """

    tab: Tab | None = None
    span: Span | None = None
    decision: str | None = None
    address: int | None = None
    before: evidence.Place | None = None
    hops: int = 1
    queue: QueueFilter | None = None


class Kin(NamedTuple):
    """The account that a subject is of, and its keys, the most telling first."""

    account: SubjectRef | None
    keys: tuple[SubjectRef, ...]

    def kind_of(self, id: str) -> str:
        """What is of that id."""
        return "api_key" if any(str(key.id) == id for key in self.keys) else "account"


LOOK: Final = Look()


class Dossiers:
    """On a ledger; `wall` is seconds since the epoch, `words` are those of the store that stand about somebody; `kept` is for how long."""

    def __init__(
        self, ledger: Ledger, weigher: Weigher, words: Words, wall: Callable[[], float], kept: Callable[[], Retention] = Retention
    ) -> None:
        self._ledger, self._weigher, self._words, self._wall, self._kept = ledger, weigher, words, wall, kept

    async def of_case(self, number: int, principal: Principal, look: Look = LOOK) -> Dossier:
        """All about a case; raises NotFoundError."""
        now = self._wall()
        async with self._ledger.read() as connection:
            found = await case_query.get(connection, number, now)
            if found is None:
                raise NotFoundError(f"there is no case {shown(number)}")
            wanted, whole = look.queue or _tab_of(found, principal), principal.role == "viewer"
            place = await queue.place(connection, number, wanted, actor_id(principal), now, whole=whole)
            return await self._gathered(connection, found.row.anchor, found, place, principal, look)

    async def of_subject(self, subject: int, principal: Principal, look: Look = LOOK) -> Dossier:
        """All about a subject, whether or not there is a case; raises NotFoundError."""
        async with self._ledger.read() as connection:
            return await self._gathered(connection, await _known(connection, subject), None, None, principal, look)

    async def requests(self, subject: SubjectRef, look: Look, most: int) -> list[evidence.RequestRow]:
        """The newest requests of it that pass the filters."""
        async with self._ledger.read() as connection:
            seen = Seen(subject.kind, subject.id)
            return await evidence.requests(connection, seen, most, decision=look.decision, address=look.address)

    async def open_case(self, principal: Principal, subject: int, why: str) -> int:
        """The number of a new case about a subject, or of the one that is open; raises CaseError."""
        return await open_case(self._ledger, principal, subject, why, self._wall)

    async def subject(self, id: int) -> SubjectRef:
        """A subject; raises NotFoundError."""
        async with self._ledger.read() as connection:
            return await _known(connection, id)

    async def kin(self, subject: SubjectRef) -> Kin:
        """The account that it is of, and the keys of that."""
        async with self._ledger.read() as connection:
            linked = await links_of(connection, subject)
            keys = [one.subject for one in linked if one.kind == "api_key"]
            known = await case_query.subjects_of(connection, keys)
            return Kin(await _account(connection, subject, linked), tuple(known[one] for one in keys if one is not None))

    async def purchases(self, account: SubjectRef, most: int) -> list[evidence.BoughtRow]:
        """The latest of an account."""
        async with self._ledger.read() as connection:
            return await evidence.bought(connection, Seen("account", account.id), most)

    async def sharing(self, what: Said, subject: int) -> list[CaseRow]:
        """The cases of others of its kind that share what is said of it."""
        async with self._ledger.read() as connection:
            return await cases_sharing(connection, what, subject, self._wall())

    async def names(self, subjects: Iterable[int | None]) -> dict[int, SubjectRef]:
        """Subjects by id."""
        async with self._ledger.read() as connection:
            return await case_query.subjects_of(connection, subjects)

    async def _gathered(
        self,
        connection: AsyncConnection,
        subject: SubjectRef,
        found: CaseView | None,
        place: Place | None,
        principal: Principal,
        look: Look,
    ) -> Dossier:
        now = self._wall()
        linked = await links_of(connection, subject, look.hops)
        whose = whose_of(subject, await _account(connection, subject, linked))
        bought = await evidence.bought(connection, whose.payer, _BESIDE)
        tab = look.tab or _tab(found)
        span = look.span or await _span(connection, whose, bought, now)
        since, steps = now - SPANS_S[span], SPANS_S[span] / STEPS
        bins = await evidence.rhythm(connection, whose.seen, since, steps)
        refusals = await evidence.refusals(connection, whose.seen, now - _REFUSALS_S)
        views = await _views(connection, subject, found, principal, now)
        notes = await work.notes(connection, found.row.number) if found is not None else []
        page = await _page(connection, whose, look, tab)
        others = await alike_of(connection, found, whose)
        people = await people_in(connection, views, notes)
        vector, plan = await vector_of(connection, found, whose)
        words, weighing = await self._standing(connection, subject), await self._weighing(vector)
        return Dossier(
            now=now,
            subject=subject,
            case=found,
            account=whose.account,
            plan=found.row.plan if found is not None else plan,
            place=place,
            customer=await customer_of(connection, whose, linked, bought),
            in_force=in_force(views, words, refusals, weighing.risk, now, self._words.stands),
            weighing=weighing,
            decided=_last_day(bins) if span == "48h" else await evidence.decided(connection, whose.seen, now - DAY_S),
            tab=tab,
            span=span,
            bins=tuple(bins),
            addresses=await evidence.addresses(connection, whose.seen, since, SPANS_S[span] / ADDRESS_STEPS),
            page=page,
            purchases=tuple(bought),
            lives=tuple(await evidence.lives(connection, whose.payer, _BESIDE)),
            refusals=tuple(refusals),
            usual=frozenset(await evidence.usual(connection, whose.payer, now)),
            linked=linked,
            actions=tuple(views),
            notes=tuple(notes),
            people=people,
            alike=others,
            privacy=await privacy_of(connection, whose, self._kept(), now),
            names=await case_query.subjects_of(connection, _addresses(page)),
            shared=await shared_by(connection, subject.id, subject.kind, _against(found, weighing)),
        )

    async def _weighing(self, vector: Vector | None) -> Weighing:
        return await self._weigher.weigh(vector) if vector is not None else NOTHING

    async def _standing(self, connection: AsyncConnection, subject: SubjectRef) -> Sequence[Standing]:
        known = (await named(connection, [subject.id])).get(subject.id)
        return self._words.about(known.target) if known is not None and known.target is not None else ()


async def _known(connection: AsyncConnection, id: int) -> SubjectRef:
    found = (await case_query.subjects_of(connection, [id]))[id]
    if found.shown is None and not found.first_at:
        raise NotFoundError("nothing is known of that subject; it may have been erased")
    return found


async def _account(connection: AsyncConnection, subject: SubjectRef, linked: Iterable[Linked]) -> SubjectRef | None:
    if subject.kind == "account":
        return subject
    owner = next((one.subject for one in linked if one.kind == "account" and one.how == "owns"), None)
    return (await case_query.subjects_of(connection, [owner]))[owner] if owner is not None else None


async def _page(connection: AsyncConnection, whose: Whose, look: Look, tab: Tab) -> Page:
    if tab == "purchases":
        return Page(purchases=tuple(await evidence.bought(connection, whose.payer, _PAGE, before=look.before)))
    if tab == "logins":
        return Page(lives=tuple(await evidence.lives(connection, whose.payer, _PAGE, before=look.before)))
    rows = await evidence.requests(connection, whose.seen, _PAGE, before=look.before, decision=look.decision, address=look.address)
    return Page(requests=tuple(rows))


async def _views(
    connection: AsyncConnection, subject: SubjectRef, found: CaseView | None, principal: Principal, now: float
) -> list[ActionView]:
    if found is not None:
        rows = await actions.of_case(connection, found.row.number, subject.id)
    else:
        rows = await actions.of_subject(connection, subject.id)
    return [view_of(row, None, why_not(principal, row, now), now) for row in rows]


def _against(found: CaseView | None, weighing: Weighing) -> Iterable[CaseReason]:
    return (*(found.row.reasons if found is not None else ()), *weighing.against)


def _tab_of(found: CaseView, principal: Principal) -> QueueFilter:
    row = found.row
    if row.opened_by in {"appeal", "quality"}:
        return QueueFilter(tab="appeals" if row.opened_by == "appeal" else "quality")
    if row.escalated:
        return QueueFilter(tab="escalated")
    if row.assignee is None:
        return QueueFilter(tab="unassigned")
    return QueueFilter(tab="mine" if row.assignee.id == actor_id(principal) else "others")


def _tab(found: CaseView | None) -> Tab:
    """The tab that tells most: of a case that purchases opened, these."""
    about = found is not None and bool(found.openings) and all(one.purchase is not None for one in found.openings)
    return "purchases" if about else "requests"


async def _span(connection: AsyncConnection, whose: Whose, bought: Iterable[evidence.BoughtRow], now: float) -> Span:
    """The shorter one, if anything was asked for or bought in it."""
    since = now - SPANS_S["48h"]
    if any(row.at >= since for row in bought):
        return "48h"
    kept = await evidence.kept_until(connection, whose.seen)
    return "30d" if kept is None or kept[1] < since else "48h"


def _last_day(bins: Iterable[evidence.Bin]) -> dict[str, float]:
    """How many were decided how in the later half of two days."""
    found: dict[str, float] = {}
    for one in bins:
        if one.step >= STEPS / 2:
            found[one.decision] = found.get(one.decision, 0.0) + one.count
    return found


def _addresses(page: Page) -> list[int | None]:
    return [row.address for rows in (page.requests, page.purchases, page.lives) for row in rows]
