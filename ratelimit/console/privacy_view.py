"""The privacy page as it is shown: requests with what may be done about each, what is kept and why, what retention took away."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct

from ratelimit.console.wording import due, several
from ratelimit.core.amendment import Amendment, amendments
from ratelimit.core.inventory import Kept, inventory
from ratelimit.core.principal import Principal
from ratelimit.core.privacy import KINDS, NO_MODEL
from ratelimit.core.retention import Retention, days
from ratelimit.ledger.privacy import RetentionRun
from ratelimit.review.privacy_request import PrivacyView

_WORDS: Final = {"export": "Export", "correct": "Correct", "restrict": "Restrict", "object": "Object", "erase": "Erase"}
_STATES: Final = {"asked": "open", "approved": "being erased", "done": "done", "refused": "refused", "withdrawn": "withdrawn"}
SAID: Final = {
    "asked": "Request entered.",
    "approve": "Erased.",
    "done": "Correction written down.",
    "refuse": "Request refused.",
    "withdraw": "Request withdrawn.",
}
_SPANS: Final = {
    "addresses": "whole addresses of usage; then their networks",
    "records": "decisions on requests",
    "lives": "logins, keys made, sign-ups",
    "purchases": "purchases, what became of them, what they shared",
    "cases": "closed cases, what was done and noted",
    "traffic": "counts of decisions",
    "bans": "digests of what confirmed fraud had used",
}
_SOON_S: Final = 7 * 86_400.0


class Line(Struct, frozen=True, kw_only=True):
    """One request. `account` None: erased; "" : not shown to this role. The flags say which buttons there are."""

    id: int
    name: str
    kind: str
    account: str | None
    asked_at: float
    due: str
    late: bool
    soon: bool
    state: str
    open: bool
    by: str
    verified_by: str
    text: str
    outcome: str
    answer: str
    may_export: bool
    may_approve: bool
    waits_for_other: bool
    may_close: bool
    may_refuse: bool
    may_withdraw: bool


class Span(Struct, frozen=True):
    """How long something is kept, as the policy says."""

    name: str
    words: str
    days: str


class Run(Struct, frozen=True):
    """One run of the retention job."""

    at: float
    removed: int
    what: str


class PrivacyPage(Struct, frozen=True, kw_only=True):
    """The page. `wrong` and `given` are of a form that could not be taken."""

    open: tuple[Line, ...]
    closed: tuple[Line, ...]
    late: int
    kinds: tuple[tuple[str, str], ...]
    inventory: tuple[Kept, ...]
    amendments: tuple[Amendment, ...]
    turned_on: tuple[str, ...]
    spans: tuple[Span, ...]
    runs: tuple[Run, ...]
    may_enter: bool
    wrong: dict[str, str]
    given: dict[str, str]


def privacy_page(  # noqa: PLR0913, PLR0917  what the page is made of
    requests: Sequence[PrivacyView],
    closed: Sequence[PrivacyView],
    runs: Iterable[RetentionRun],
    retention: Retention,
    who: Principal,
    now: float,
    wrong: dict[str, str] | None = None,
    given: dict[str, str] | None = None,
) -> PrivacyPage:
    """The page for one person."""
    lines = tuple(_line(one, who, now) for one in requests)
    return PrivacyPage(
        open=lines,
        closed=tuple(_line(one, who, now) for one in closed),
        late=sum(one.late for one in lines),
        kinds=tuple((kind, _WORDS[kind]) for kind in KINDS),
        inventory=inventory(retention),
        amendments=(*amendments(retention, on=True), *amendments(retention, on=False)),
        turned_on=retention.keep,
        spans=tuple(Span(name, words, days(getattr(retention, name))) for name, words in _SPANS.items()),
        runs=tuple(_run(one) for one in runs),
        may_enter=who.may("analyst"),
        wrong=wrong or {},
        given=given or {},
    )


def _line(it: PrivacyView, who: Principal, now: float) -> Line:
    left, is_open, acts = it.due_at - now, it.state in {"asked", "approved"}, who.may("analyst")
    waits = it.kind == "erase" and it.state == "asked"
    standing = it.kind in NO_MODEL and it.state == "done"
    return Line(
        id=it.id,
        name=f"R-{it.id}",
        kind=_WORDS[it.kind],
        account=it.account if acts or it.account is None else "",
        asked_at=it.asked_at,
        due=due(left),
        late=is_open and left < 0,
        soon=is_open and left < _SOON_S,
        state="in force" if standing else _STATES[it.state],
        open=is_open,
        by=it.by,
        verified_by=it.verified_by if acts else "",
        text=it.text if acts else "",
        outcome=_outcome(it.report) if acts else "",
        answer=it.answer if acts else "",
        may_export=acts and it.kind == "export" and it.state in {"asked", "done"} and it.account is not None,
        may_approve=waits and who.may("admin") and who.id != it.by_id,
        waits_for_other=waits and not (who.may("admin") and who.id != it.by_id),
        may_close=acts and it.kind == "correct" and is_open,
        may_refuse=acts and it.state == "asked",
        may_withdraw=acts and (it.state == "asked" or standing),
    )


def _outcome(report: dict[str, Any] | None) -> str:
    if report is None:
        return ""
    if "text" in report:
        return str(report["text"])
    store: dict[str, int] = report.get("store", {})
    stay = report.get("bans", 0)
    kept = f"; {several(stay, 'digest')} of confirmed fraud {'stays' if stay == 1 else 'stay'}" if stay else ""
    return f"{report.get('rows', 0):,} rows, {report.get('names', 0):,} names, {sum(store.values()):,} things in the store{kept}"


def _run(it: RetentionRun) -> Run:
    removed = {str(name): int(count) for name, count in dict(it.removed).items() if isinstance(count, int | float)}
    what = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in removed.items() if count)
    return Run(it.at, sum(removed.values()), what or "nothing was due")
