"""The page of a case, and of a subject without one, as templates see it. Pure: made of a dossier for one who looks, at one instant."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from ratelimit.console import wording
from ratelimit.console.case_events import Event, events, marks
from ratelimit.console.case_evidence import PAGE, Evidence, Filter, Place, Teller, totals
from ratelimit.console.case_head import Desk, Head, desk_of, head_of, lock_of
from ratelimit.console.case_links import Links, links
from ratelimit.console.case_query import Wanted
from ratelimit.console.case_strip import Strip, decision_of, done_words, strip
from ratelimit.console.case_why import Why, why
from ratelimit.console.subject_name import KINDS, named
from ratelimit.console.timeline import Timeline, timeline
from ratelimit.core.masked import text_of
from ratelimit.core.principal import Principal
from ratelimit.ledger.evidence import MOST_REFUSED, BoughtRow, LifeRow, RequestRow
from ratelimit.review.deed import ActionView
from ratelimit.review.dossier import ADDRESS_STEPS, SPANS_S, STEPS, Alike, Dossier, Privacy
from ratelimit.review.dossier_force import NOTHING
from ratelimit.web.case_mask import masked_for

_BECAME: Final = {"replaced": "Replaced by a later one", "proposed": "Waits for a second person", "failed": "Not done"}


class PastLine(Struct, frozen=True):
    """A past decision. `words` tell what became of it; `case` where it was made."""

    decision: str
    title: str
    by: str
    at: float
    words: str
    case: int | None
    standing: bool


class NoteLine(Struct, frozen=True):
    """A note; `text` None: it was erased."""

    name: str
    at: float
    text: str | None
    mine: bool


class AlikeLine(Struct, frozen=True):
    """Another case like this."""

    number: int
    priority: int
    name: str
    state: str
    at: float
    words: str


class SpanView(Struct, frozen=True):
    """For how long the timeline is, and the steps of its lanes in words."""

    name: str
    step: str
    address_step: str


class CasePage(Struct, frozen=True, kw_only=True):
    """All of the page. `may_act` False: `readonly` says why; then there are no action keys."""

    now: float
    base: str
    back: str
    head: Head
    desk: Desk | None
    blind: bool
    may_act: bool
    readonly: Literal["", "role", "locked", "closed"]
    strip: Strip
    why: Why
    evidence: Evidence
    timeline: Timeline
    span: SpanView
    numbers: tuple[tuple[float, str, float], ...]
    events: tuple[Event, ...]
    links: Links
    past: tuple[PastLine, ...]
    notes: tuple[NoteLine, ...]
    alike: tuple[AlikeLine, ...]
    privacy: Privacy


def case_page(it: Dossier, principal: Principal, zone: tzinfo, wanted: Wanted, where: Place) -> CasePage:
    """The page for one who looks."""
    it = it if it.case is None else replace(it, case=masked_for(principal, it.case))
    row = it.case.row if it.case is not None else None
    blind = row is not None and row.blind and row.state == "open"
    it = blinded(it, principal) if blind else it
    readonly = _readonly(it, principal)
    base = f"/cases/{row.number}" if row is not None else f"/subjects/{it.subject.id}"
    span_s = SPANS_S[it.span]
    drawn = timeline(now=it.now, zone=zone, bins=it.bins, addresses=it.addresses, marks=marks(it), span_s=span_s)
    return CasePage(
        now=it.now,
        base=base,
        back=wanted.back,
        head=head_of(it, principal),
        desk=desk_of(it, principal) if row is not None else None,
        blind=blind,
        may_act=not readonly,
        readonly=readonly,
        strip=strip(it.in_force, it.now, may_act=not readonly, me=principal.login, name=_person(it, it.in_force.by)),
        why=why(it.weighing, it.subject, row.reasons if row is not None else (), it.shared, blind=blind),
        evidence=evidence(it, principal, base, wanted.evidence, where),
        timeline=drawn,
        span=SpanView(it.span, wording.duration(span_s / STEPS), wording.duration(span_s / ADDRESS_STEPS)),
        numbers=tuple((it.now - span_s + one.step * span_s / STEPS, one.decision, one.count) for one in it.bins),
        events=tuple(replace(one, text=text_of(one.text, principal.role)) for one in events(it)),
        links=links(it.linked, principal.role, wanted.hops),
        past=_past(it),
        notes=tuple(
            NoteLine(_person(it, note.by), note.at, text_of(note.text or "", principal.role) or None, note.by == principal.login)
            for note in it.notes
        ),
        alike=tuple(_alike(one, principal) for one in it.alike),
        privacy=it.privacy,
    )


def blinded(it: Dossier, principal: Principal) -> Dossier:
    """What a blind reviewer may know: the evidence and what is shared, and nothing of what others or the model made of it."""
    page = replace(it.page, requests=tuple(replace(row, risk=None) for row in it.page.requests))
    return replace(
        it,
        in_force=NOTHING,
        weighing=replace(it.weighing, risk=None, record=None),
        page=page,
        refusals=(),
        actions=(),
        alike=(),
        notes=tuple(note for note in it.notes if note.by == principal.login),
    )


def evidence(it: Dossier, principal: Principal, base: str, wanted: Filter, where: Place) -> Evidence:
    """One tab of the evidence. The dossier has a row more than a page, if another page follows."""
    teller = Teller(it.names, principal.role, it.usual, where)
    bought = max(it.customer.purchases, len(it.purchases))  # rows are attempts, of which some were refused
    counts = (int(sum(it.decided.values())), bought, len(it.lives))
    tabs = tuple(zip(("requests", "purchases", "logins"), ("Requests", "Purchases", "Logins"), counts, strict=True))
    of: Mapping[str, Sequence[RequestRow | BoughtRow | LifeRow]]
    of = {"requests": it.page.requests, "purchases": it.page.purchases, "logins": it.page.lives}
    tab = wanted.tab or it.tab
    rows = of[tab]
    more = _following(rows[PAGE - 1]) if len(rows) > PAGE else ""
    return Evidence(
        base=base,
        tab=tab,
        tabs=tabs,  # type: ignore[arg-type]  # zip keeps no literals
        requests=tuple(map(teller.request, it.page.requests[:PAGE])) if tab == "requests" else (),
        purchases=tuple(map(teller.purchase, it.page.purchases[:PAGE])) if tab == "purchases" else (),
        logins=tuple(map(teller.life, it.page.lives[:PAGE])) if tab == "logins" else (),
        more=more,
        summary=totals(it.decided, min(PAGE, len(rows))) if tab == "requests" else "",
        wanted=wanted,
        named=teller.address(wanted.address),
    )


def _following(row: RequestRow | BoughtRow | LifeRow) -> str:
    return f"{row.at!r},{row.record if isinstance(row, BoughtRow) else row.id}"


def _readonly(it: Dossier, principal: Principal) -> Literal["", "role", "locked", "closed"]:
    if not principal.may("analyst"):
        return "role"
    if it.case is None:
        return ""
    row = it.case.row
    if row.state == "closed":
        return "closed"
    lock = lock_of(row, principal, it.now)
    return "locked" if lock is not None and not lock.mine else ""


def _past(it: Dossier) -> tuple[PastLine, ...]:
    found = []
    for action in it.actions:
        standing = action.state in {"in_force", "proposed"} and (action.until is None or action.until > it.now)
        title = done_words(action) + (f" {wording.duration(action.until - action.at)}" if action.until is not None else "")
        found.append(
            PastLine(decision_of(action.then), title, _person(it, action.by), action.at, _became(action, it.now), action.case, standing)
        )
    many = sum(one.count for one in it.refusals) >= MOST_REFUSED
    for refused in it.refusals:
        title = "Refused" if refused.decision == "block" else "Rate limited" if refused.reason == "rate_exceeded" else "Throttled"
        what = (
            f"limit {refused.limit_name}" if refused.reason == "rate_exceeded" and refused.limit_name else refused.reason.replace("_", " ")
        )
        found.append(
            PastLine(
                refused.decision,
                title,
                f"{what}, {'at least ' if many else ''}{wording.several(refused.count, 'time')}",
                refused.last_at,
                "",
                None,
                False,
            )
        )
    return tuple(sorted(found, key=lambda line: line.at, reverse=True))


def _became(action: ActionView, now: float) -> str:
    if action.state == "undone":
        return f"Taken back: {action.undone_why}" if action.undone_why else "Taken back"
    if action.state in _BECAME:
        return _BECAME[action.state]
    if action.until is not None and action.until <= now:
        return "Ran out"
    return "In force" if action.state == "in_force" else ""


def _alike(one: Alike, principal: Principal) -> AlikeLine:
    return AlikeLine(one.number, one.priority, named(one.anchor, principal.role), one.state, one.at, one.words)


def _person(it: Dossier, login: str) -> str:
    found = it.people.get(login)
    return found.name if found is not None else login


def title_of(page: CasePage) -> str:
    """The page's title: no hostile text goes there."""
    return f"C-{page.desk.number}" if page.desk is not None else f"One {KINDS.get(page.head.kind, page.head.kind)}"
