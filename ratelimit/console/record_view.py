"""The page of one decision, as templates see it. Pure."""

from typing import Final

from msgspec import Struct

from ratelimit.console.case_evidence import Place
from ratelimit.console.case_why import SignalLine, signal_line
from ratelimit.console.subject_name import KINDS, name_of
from ratelimit.console.wording import money
from ratelimit.core.decision import ShadowFinding
from ratelimit.core.principal import Role
from ratelimit.review.decision_record import Replayed

_WHY: Final = {
    "ok": "Nothing stood against it",
    "allow_listed": "Its caller is on a list that allows",
    "override_allow": "A person allows its caller",
    "rate_exceeded": "It went over the limit",
    "quota_exhausted": "The quota is used up",
    "concurrency_exceeded": "Too many at once",
    "override_throttle": "A person slows its caller down",
    "rule_throttled": "A rule slows its caller down",
    "risk_throttled": "The model finds its caller unusual, and the policy slows such down",
    "cost_exceeds_capacity": "It costs more than the limit ever holds",
    "store_unavailable": "The store was away, and the limit's policy says what to do then",
    "deny_listed": "Its caller is on a list that blocks",
    "override_block": "A person blocks its caller",
    "rule_matched": "A rule blocks it",
    "risk_blocked": "The model finds its caller unusual, and the policy blocks such",
}
_SAME: Final = 5e-7  # how much two computations of one risk may differ


class SubjectLine(Struct, frozen=True):
    """Somebody who took part in it. `name` is hostile text."""

    word: str
    kind: str
    id: int
    name: str
    where: str = ""
    risky: bool = False


class OutcomeLine(Struct, frozen=True):
    """What a payment service told of it later."""

    at: float
    words: str
    amount: str


class RecordView(Struct, frozen=True, kw_only=True):
    """The page. `path`, `user_agent`, `referrer` and names are hostile. `same`: the risk computed anew is that of then."""

    id: str
    at: float
    decision: str
    why: str
    reason: str
    what: str
    limit: str
    numbers: tuple[tuple[str, str], ...]
    method: str
    path: str
    user_agent: str
    referrer: str
    subjects: tuple[SubjectLine, ...]
    policy: str
    model: str
    signals_version: int | None
    risk: float | None
    again: float | None
    same: bool | None
    there: bool
    signals: tuple[SignalLine, ...]
    shadow: tuple[ShadowFinding, ...]
    outcomes: tuple[OutcomeLine, ...]
    cases: tuple[tuple[int, str], ...]
    fresh: bool
    purchase: str


def record_view(it: Replayed, role: Role, where: Place) -> RecordView:
    """The page of a decision for somebody of that role."""
    row = it.request or it.purchase or it.fresh
    assert row is not None, "found"  # noqa: S101
    request, bought, fresh = it.request, it.purchase, it.fresh
    again = it.again
    return RecordView(
        id=it.id,
        at=fresh.time if fresh is not None else row.at,  # type: ignore[union-attr]  # the others have it
        decision="hold" if bought is not None and bought.decision == "throttle" and bought.held else row.decision,
        why=_WHY.get(row.reason, ""),
        reason=row.reason,
        what="A purchase" if bought is not None else "A request",
        limit=(
            bought.rule if bought is not None else request.limit_name if request is not None else fresh.limit if fresh is not None else ""
        )
        or "",
        numbers=_numbers(it),
        method="" if bought is not None else row.method,  # type: ignore[union-attr]
        path="" if bought is not None else row.path,  # type: ignore[union-attr]
        user_agent=(request.user_agent if request is not None else bought.user_agent if bought is not None else "") or "",
        referrer=(request.referrer or "") if request is not None else "",
        subjects=_subjects(it, role, where),
        policy=row.policy or "",
        model=row.model or "",
        signals_version=row.signal_version,
        risk=row.risk,
        again=again.risk if again is not None else None,
        same=None if again is None or again.risk is None or row.risk is None else abs(again.risk - row.risk) < _SAME,
        there=again is not None and again.there,
        signals=tuple(signal_line(one) for one in again.signals) if again is not None else (),
        shadow=tuple(row.shadow),
        outcomes=tuple(
            OutcomeLine(one.at, one.kind.replace("_", " "), money(one.amount_minor, "EUR") if one.amount_minor is not None else "")
            for one in it.outcomes
        ),
        cases=tuple((one.number, one.state) for one in it.cases),
        fresh=fresh is not None,
        purchase=bought.id if bought is not None else "",
    )


def _numbers(it: Replayed) -> tuple[tuple[str, str], ...]:
    if it.purchase is not None:
        row = it.purchase
        found = [("Amount", money(row.amount_minor, row.currency or "EUR")), ("Tokens", f"{row.tokens:,}")]
        found += [("Held", f"{row.held:,}")] if row.held else []
        found += [("Card", f"•{row.last4}")] if row.last4 else []
        found += [("Attempt", str(row.attempt))] if row.attempt > 1 else []
        return tuple(found)
    one = it.request or it.fresh
    assert one is not None, "found"  # noqa: S101
    found = [("Cost", f"{one.cost:,}")]
    found += [("Left", f"{one.remaining:,}")] if one.remaining is not None else []
    found += [("Retry after", f"{one.retry_after:,.3g} s")] if one.retry_after is not None else []
    found += [("Plan", one.plan)] if one.plan else []
    return tuple(found)


def _subjects(it: Replayed, role: Role, where: Place) -> tuple[SubjectLine, ...]:
    row, bought = it.request, it.purchase
    ids = [] if row is None else [("Account", row.account), ("Key", row.api_key), ("Address", row.address)]
    ids += (
        []
        if bought is None
        else [
            ("Account", bought.account),
            ("Card", bought.card),
            ("Address", bought.address),
            ("Device", bought.device),
            ("Email", bought.email),
        ]
    )
    risky = row.risk_subject if row is not None else None
    found = []
    for word, id in ids:
        if id is not None and (one := it.names.get(id)) is not None:
            place = where(one.shown) if one.kind == "ip" and one.shown is not None else ""
            found.append(SubjectLine(word, one.kind, one.id, name_of(one.kind, one.shown, role), place, one.id == risky))
    return tuple(found)


def kind_word(kind: str) -> str:
    """A kind in a sentence."""
    return KINDS.get(kind, kind)
