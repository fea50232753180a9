"""Writes a deed down, in one transaction: the row with what is to be done, what it replaces, its labels, what the case shows, the audit.

Nothing is done beyond the ledger here. Whoever was faster, on the case or on the deed itself, is found out here too.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.case import shown
from ratelimit.core.principal import Principal
from ratelimit.core.standing import Standing
from ratelimit.ledger import acted, actions, known_normal, subjects
from ratelimit.ledger.acted import CaseHead
from ratelimit.ledger.actions import ActionRow
from ratelimit.ledger.labels import LabelRow
from ratelimit.ledger.subjects import Subject
from ratelimit.review import audit, closing, label
from ratelimit.review.case_error import ConflictError, ForbiddenError, NotFoundError
from ratelimit.review.closing import Labelled, Verdict
from ratelimit.review.deed import DONE, NORMAL_S, SPAN_S, WORDS, Deed
from ratelimit.review.deed_check import check_kind, needs_second
from ratelimit.review.effect import DECIDED, Before, Plan, Told, plan_of, stored
from ratelimit.review.lock import actor_id, is_barred, refuse_others
from ratelimit.review.plan import Facts, planned, word_of
from ratelimit.service.overrides import Overrides

ACTED: Final = "acted"  # the kind of its entry in the audit


class Asked(NamedTuple):
    """A deed that somebody asks for. `key` is unique among all; `told` is where webhooks go, by host; `until` is its end, if told."""

    principal: Principal
    case: int | None
    deed: Deed
    key: str
    bulk: str | None
    told: tuple[str, ...]
    until: float | None = None


class Written(NamedTuple):
    """The row that was written, or was there before by the same key (`repeated`), and the version of the case now."""

    row: ActionRow
    subject: Subject
    version: int | None
    repeated: bool = False


async def write_down(
    connection: AsyncConnection, asked: Asked, subject: Subject, facts: Facts, overrides: Overrides, word_id: str
) -> Written:
    """Write it down; raises NotFoundError, ConflictError, LockedError and DeedError."""
    found = await acted.head(connection, asked.case) if asked.case is not None else None
    await acted.lock(connection, subject.id)  # one after the other: what is done about it, and what comes by the same key
    known = await actions.by_key(connection, asked.key)
    if known is not None:
        return Written(known, subject, None, repeated=True)
    await _check_seen(connection, found, asked, facts.now)
    if found is not None and asked.deed.close and found.opened_by == "appeal":
        raise ConflictError(f"nothing was done: {shown(found.number)} is an appeal; say that it is upheld, or overturned")
    row = await _planned(connection, asked, subject, facts, overrides, word_id)
    labelled = await _label(connection, asked, found, subject, row)
    row = _with_labels(asked, row, found, labelled)
    if asked.deed.then == "known_normal" and found is not None:
        normal = await known_normal.add(connection, found.anchor, found.reasons_key, row.by, row.at, row.at + NORMAL_S)
        row = replace(row, until=row.at + NORMAL_S, detail={**row.detail, "known_normal": normal})
    row = replace(row, id=await actions.add(connection, row))
    version = await _mark(connection, asked, found, row) if found is not None else None
    await audit.append(connection, row.by_login, ACTED, _said(row), at=row.at, case=row.case_number, subject=row.target)
    return Written(row, subject, version)


async def _check_seen(connection: AsyncConnection, found: CaseHead | None, asked: Asked, now: float) -> None:
    """Whether the case is there, as it was seen, and nobody else has it; raises CaseError in its kinds."""
    case, version = asked.case, asked.deed.version
    if case is None:
        return
    if found is None:
        raise NotFoundError(f"there is no case {shown(case)}")
    if await is_barred(connection, asked.principal, found.barred):
        raise ForbiddenError(f"nothing was done: {shown(case)} is about a decision of yours, so somebody else must decide it")
    if version is not None and version != found.version:
        raise ConflictError(f"nothing was done: {shown(case)} has changed since you saw it{_who(found)}; look at it, and ask again")
    if asked.deed.close and version is None and found.state == "closed":
        raise ConflictError(f"nothing was done: {shown(case)} is closed already, as {found.verdict}; look at it, and ask with its version")
    await refuse_others(connection, asked.principal, found, now)


def _who(found: CaseHead) -> str:
    word = next((text for then, text in DONE.items() if then == found.acted), None)
    return f": {word} by {found.acted_by}" if word and found.acted_by else ""


async def _planned(
    connection: AsyncConnection, asked: Asked, subject: Subject, facts: Facts, overrides: Overrides, word_id: str
) -> ActionRow:
    deed, principal = asked.deed, asked.principal
    check_kind(deed, subject.kind)
    target = subject.target
    if target is None:
        raise ConflictError("nothing was done: whom it is about is not known any more; it was erased, or its time is over")
    standing = [row for row in await actions.standing(connection, subject.id, facts.now) if row.then in WORDS and row.override is not None]
    since = blocked_since(standing, facts.words, overrides)
    until = facts.now + SPAN_S[deed.for_] if asked.until is None else asked.until
    blocks = deed.then in WORDS and overrides.locks_out(word_of(deed, target, principal, overrides))
    second = needs_second(subject.kind, since, facts.now, until, blocks=blocks)
    made = planned(deed, target, principal, facts, overrides, until=until, second=second, case=asked.case, id=word_id)
    before = made.before
    if made.plan.word is not None:
        before = await _replace(connection, standing, before)
    return ActionRow(
        key=asked.key,
        case_number=asked.case,
        then=deed.then,
        target_kind=subject.kind,
        target=subject.id,
        purchase=deed.purchase,
        attempt=deed.attempt,
        by=actor_id(principal),
        by_login=principal.login,
        at=facts.now,
        until=made.until,
        reason=deed.why,
        state="intended",
        override=word_id if made.plan.word is not None else None,
        before=stored(before),
        detail=_detail(asked, made.plan, since if blocks else None),
        bulk=asked.bulk,
        needs_second=second,
        wanted_until=made.wanted_until,
    )


def blocked_since(standing: Sequence[ActionRow], words: Sequence[Standing], overrides: Overrides) -> float | None:
    """Since when it is blocked by what stands, whatever that is called; None: it is not."""
    rows = [(row, plan_of(row).word) for row in standing]
    found = [float(row.detail.get("since", row.at)) for row, word in rows if word is not None and overrides.locks_out(word)]
    return min([*found, *(word.made_at for word in words if overrides.locks_out(word))], default=None)


async def _replace(connection: AsyncConnection, standing: list[ActionRow], before: Before) -> Before:
    """Deeds whose word the new one takes the place of; a word that the store has not heard of yet counts as well."""
    known = {word.id for word in before.words}
    unheard = tuple(word for row in standing if (word := plan_of(row).word) is not None and word.id not in known)
    for row in standing:
        await actions.change(connection, row.id, row.state, state="replaced")
    return Before(words=(*before.words, *unheard), actions=tuple(row.id for row in standing))


async def _label(connection: AsyncConnection, asked: Asked, found: CaseHead | None, subject: Subject, row: ActionRow) -> Labelled:
    deed = asked.deed
    if deed.verdict is None:
        return Labelled(None, (), ())
    word = Verdict(verdict=deed.verdict, why=row.reason, by=row.by, by_login=row.by_login, at=row.at, source=_source(found))
    if deed.close and found is not None:
        kind = (await subjects.named(connection, [found.anchor])).get(found.anchor, subject).kind
        return await closing.label_case(connection, found, kind, word)
    if deed.purchase is None and subject.kind not in label.OF_SUBJECTS:
        return Labelled(None, (), ())
    about = "purchase" if deed.purchase is not None else subject.kind
    said = LabelRow(
        target_kind=about,
        target=subject.id,
        purchase=deed.purchase,
        attempt=deed.attempt,
        verdict=deed.verdict,
        source=word.source,
        known_at=row.at,
        by=row.by_login,
        case_number=asked.case,
    )
    id = await label.say(connection, said)
    return Labelled(id, (), ((deed.purchase, deed.attempt),) if deed.purchase is not None else ())


def _source(found: CaseHead | None) -> Any:
    return "audit" if found is not None and found.opened_by == "audit" else "analyst"


def _with_labels(asked: Asked, row: ActionRow, found: CaseHead | None, labelled: Labelled) -> ActionRow:
    plan = replace(plan_of(row), labelled=labelled.purchases, verdict=asked.deed.verdict or "")
    if asked.deed.close and found is not None:
        said = {"case": shown(found.number), "verdict": asked.deed.verdict, "then": asked.deed.then, "by": row.by_login, "until": row.until}
        plan = replace(plan, told=(*plan.told, Told(DECIDED, {**said, "purchases": [purchase for purchase, _ in labelled.purchases]})))
    detail = {**row.detail, "plan": stored(plan), "labels": list(labelled.purchase_labels)}
    return replace(row, label=labelled.label, detail=detail)


async def _mark(connection: AsyncConnection, asked: Asked, found: CaseHead, row: ActionRow) -> int:
    marks: dict[str, Any] = {"acted": row.then, "acted_by": row.by_login, "acted_at": row.at, "acted_until": row.until}
    if asked.deed.close and asked.deed.verdict is not None:
        marks |= closing.closed(Verdict(verdict=asked.deed.verdict, why=row.reason, by=row.by, by_login=row.by_login, at=row.at), found)
    return await acted.mark(connection, found, **marks)


def _detail(asked: Asked, plan: Plan, since: float | None) -> dict[str, Any]:
    """What is asked stands in it without its target and key, so that a redo can ask for it again."""
    deed = msgspec.to_builtins(replace(asked.deed, target=None, key="-" * 8, version=None))
    detail: dict[str, Any] = {"deed": deed, "plan": stored(plan), "told": list(asked.told)}
    return detail if since is None else {**detail, "since": since}


def _said(row: ActionRow) -> dict[str, Any]:
    """For the audit."""
    said = {
        "action": row.id,
        "then": row.then,
        "target": str(row.target),
        "kind": row.target_kind,
        "until": row.until,
        "reason": row.reason,
        "purchase": row.purchase,
        "verdict": row.detail["deed"].get("verdict"),
        "close": row.detail["deed"].get("close", False),
        "needs_second": row.needs_second,
        "bulk": row.bulk,
    }
    return {name: value for name, value in said.items() if value not in (None, False)}
