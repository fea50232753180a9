"""What a deed comes to: the word, the holds and the messages that it is, made from what stands now. Times are seconds since the epoch."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from ratelimit.core.hold import REVOKED_KEPT_S
from ratelimit.core.override import BucketAsked, OverrideAsked, OverrideError
from ratelimit.core.principal import Principal
from ratelimit.core.standing import Hold, Standing, Target
from ratelimit.ledger.purchases import PurchaseRow
from ratelimit.review.balance import Balance
from ratelimit.review.case_error import ConflictError
from ratelimit.review.deed import ALONE_S, WORDS, Deed
from ratelimit.review.deed_check import DeedError
from ratelimit.review.effect import Before, Plan, Told, nameless
from ratelimit.service.overrides import Overrides

THROTTLE: Final = BucketAsked(capacity=10, refill="10/min")  # where a throttle says nothing else
TYPES: Final = {"rotate_key": "key.rotate", "refund": "purchase.refund", "report_fraud": "fraud.report"}


class Facts(NamedTuple):
    """What was looked up before: what stands, the purchase that is named, what is left, and what is known of its hold."""

    words: Sequence[Standing]
    purchase: PurchaseRow | None
    balance: Balance | None
    holds: dict[str, Hold]
    now: float


class Planned(NamedTuple):
    """What is to be done, and until when it lasts; `wanted_until` is when it would end once a second person has approved."""

    plan: Plan
    before: Before
    until: float | None
    wanted_until: float | None


def planned(  # noqa: PLR0913  all that it is made of
    deed: Deed,
    target: Target,
    principal: Principal,
    facts: Facts,
    overrides: Overrides,
    *,
    until: float,
    second: bool,
    case: int | None,
    id: str,
) -> Planned:
    """The plan of a deed that was checked; raises DeedError and ConflictError."""
    now = facts.now
    told = _told(deed, principal, facts, case)
    if deed.then in WORDS:
        wanted = until if second else None
        until = min(until, now + ALONE_S) if second else until
        word = replace(word_of(deed, target, principal, overrides), id=id, made_at=now, until=until)
        before = Before(words=tuple(nameless(one) for one in facts.words))
        return Planned(Plan(word=nameless(word), told=told), before, until, wanted)
    if deed.then == "hold":
        return Planned(_hold(deed, principal, facts, until), Before(), until, None)
    if deed.then in {"release", "revoke"}:
        return Planned(_ended(deed, principal, facts), Before(), None, None)
    return Planned(Plan(told=told), Before(), None, None)


def word_of(deed: Deed, target: Target, principal: Principal, overrides: Overrides) -> Standing:
    """What is to stand, without an id and an end; raises DeedError."""
    of_requests = target.kind in {"api_key", "ip", "account", "network"}
    bucket = (deed.bucket or THROTTLE) if deed.then == "throttle" and of_requests else None
    asked = OverrideAsked(
        target=str(target)[:600], then=WORDS[deed.then], reason=deed.why or "allowed", author=principal.login, bucket=bucket
    )
    try:
        return overrides.word_about(target, asked)
    except OverrideError as error:
        raise DeedError(error.path, str(error).partition(": ")[2]) from None


def _hold(deed: Deed, principal: Principal, facts: Facts, until: float) -> Plan:
    """Of what is left of each purchase, or of the one that is named, its share; of what is held already no less is."""
    balance = facts.balance
    lefts = [one for one in balance.lefts if deed.purchase in {None, one.purchase.id}] if balance is not None else []
    holds, ended = [], []
    for left in lefts:
        row, known = left.purchase, facts.holds.get(left.purchase.id)
        held = round(left.tokens * deed.share)
        if not held or (known is not None and known.state == "revoked"):
            continue
        hold = Hold(row.id, "", known.tokens if known else row.tokens, held, until, known.made_at if known else row.at)
        hold = replace(hold, reason=deed.why, by=principal.login)
        holds.append(hold)
        ended.append(_nameless(known) if known else replace(hold, state="released"))
    if not holds or balance is None:
        raise ConflictError("nothing was held: no tokens are left of it, as far as is known; look at its purchases")
    return Plan(holds=tuple(holds), ended=tuple(ended), left=balance.tokens)


def _ended(deed: Deed, principal: Principal, facts: Facts) -> Plan:
    known = facts.holds.get(deed.purchase or "")
    if known is None or not known.held:
        raise ConflictError(f"nothing was done: nothing of purchase {deed.purchase} is held; it may have lapsed")
    if known.state != "held":
        raise ConflictError(f"nothing was done: the hold is {known.state} already, by {known.by or 'time'}")
    after = replace(_nameless(known), by=principal.login, reason=deed.why or "released")
    if deed.then == "revoke":
        after = replace(after, state="revoked", lapses_at=facts.now + REVOKED_KEPT_S)
    else:
        after = replace(after, state="released")
    left = max(known.tokens, facts.balance.tokens if facts.balance is not None else 0)  # should nothing be counted when it is undone
    return Plan(holds=(after,), ended=(_nameless(known),), left=left)


def _told(deed: Deed, principal: Principal, facts: Facts, case: int | None) -> tuple[Told, ...]:
    kind = TYPES.get(deed.then)
    if kind is None:
        return ()
    said: dict[str, Any] = {"reason": deed.why, "by": principal.login, "case": f"C-{case}" if case is not None else None}
    if deed.then == "rotate_key":
        return (Told(kind, said, "api_key"),)
    row = facts.purchase
    assert row is not None, "whoever calls has looked it up"  # noqa: S101
    said |= {"purchase": row.id, "attempt": row.attempt, "amount": row.amount_minor, "currency": row.currency}
    return (Told(kind, said, "account"),)


def _nameless(hold: Hold) -> Hold:
    return replace(hold, account="")
