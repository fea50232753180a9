"""Appeals: somebody who was refused says that it was a mistake. A reference id opens the decision, a case waits for a person, due in 48 h.

Whoever decided first is barred from it. The outcome is a label whose source is an appeal: `upheld` says what the caller is (abuse, unless
it is told otherwise), `overturned` that they are good (or a victim). What is overturned is lifted: a deed is undone, a word that no deed
made is taken away. That is written down first (`overturning`) and finished after a fault, as deeds are.

A rule or the model that decided goes on deciding: its appeals are counted against it, and an allow is a deed of its own.
"""

import asyncio
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Annotated, Any, Final, Literal

import msgspec
import structlog
from msgspec import Meta, Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.case import shown
from ratelimit.core.deed import LabelVerdict
from ratelimit.core.masked import HIDDEN
from ratelimit.core.message import Entity, Flagged
from ratelimit.core.principal import OPERATOR, Principal
from ratelimit.core.priority import DUE_OF_KIND_S
from ratelimit.ledger import acted, appeals, people, subjects
from ratelimit.ledger.api_tokens import person_behind
from ratelimit.ledger.appeals import AppealRow, AppealState
from ratelimit.ledger.ledger import LedgerAwayError
from ratelimit.ledger.subjects import clean
from ratelimit.review import audit, closing
from ratelimit.review.actions import Actions
from ratelimit.review.case_error import CaseError, ConflictError, ForbiddenError, NotFoundError
from ratelimit.review.closing import Verdict
from ratelimit.review.decided import Decided, decided
from ratelimit.review.deed_check import DeedError, check_role
from ratelimit.review.lock import actor_id, is_barred, refuse_others
from ratelimit.review.opening import Opener
from ratelimit.review.reconcile import LOOK_EVERY_S
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.overrides import NoOverrideError

MOST_TEXT: Final = 2_000
_MOST_WORD: Final = 120
_LATELY_S: Final = 600.0
DECIDED: Final = "appeal.decided"  # kinds of entries in the audit
APPEALED: Final = "appeal.made"
Outcome = Literal["upheld", "overturned"]
OUTCOMES: Final[Mapping[Outcome, frozenset[LabelVerdict]]] = {
    "overturned": frozenset({"good", "victim"}),
    "upheld": frozenset({"fraud", "abuse", "first_party_dispute"}),
}  # and the labels that go with each
_AGAINST: Final[Mapping[str, str]] = {
    "block": "a block",
    "throttle": "a throttle",
    "allow": "an allow",
    "hold": "a hold",
    "revoke": "tokens revoked",
    "rotate_key": "a blocked key",
    "label": "a label",
}

_log = structlog.get_logger()


class AppealAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """`reference` is the id that the caller was told; `text` is what they say."""

    reference: Annotated[str, Meta(min_length=1, max_length=64)]
    text: Annotated[str, Meta(min_length=1, max_length=MOST_TEXT)]


class AppealWord(Struct, frozen=True, forbid_unknown_fields=True):
    """A person's word on it. `verdict` null: abuse where it is upheld, good where it is overturned."""

    outcome: Outcome
    why: Annotated[str, Meta(min_length=1, max_length=500)]
    verdict: LabelVerdict | None = None
    version: int | None = None


class AppealView(Struct, frozen=True, kw_only=True):
    """One appeal. `against` is who decided first: a login, or the name of a rule, list or limit, or `model`. `text` is hostile text."""

    id: int
    reference: str
    text: str
    at: float
    due_at: float
    state: AppealState
    case: int
    against: str | None
    by: str
    decided_by: str | None
    decided_at: float | None
    why: str | None
    decision: Decided | None


class AppealFigures(Struct, frozen=True):
    """Of those made since `since`: how many, how many are open, and which share of the decided was overturned; null: none is decided."""

    since: float
    made: int
    open: int
    upheld: int
    overturned: int
    overturned_share: float | None


class Appeals:
    """Takes them, and has them decided; raises CaseError in its kinds, and LedgerAwayError."""

    def __init__(self, actions: Actions) -> None:
        self._actions, self._ledger = actions, actions.doing.ledger
        self._wall: Callable[[], float] = actions.doing.wall

    async def make(self, principal: Principal, asked: AppealAsked) -> AppealView:
        """Open a case for it; a decision whose appeal is open has the same one."""
        check_role(principal)
        reference, now = clean(asked.reference, 64), self._wall()
        async with self._ledger.write() as connection:
            found = await decided(connection, reference)
            if found is None:
                raise NotFoundError("no decision of that id is remembered; it may be too long ago, or not have come to the ledger yet")
            found = replace(found, person=await self._whose(connection, found))
            await acted.lock(connection, found.subject)
            before = await appeals.of_reference(connection, reference)
            if before is not None and before.state == "open":
                return view_of(before)
            case = await self._open(connection, reference, found, now)
            row = AppealRow(
                reference=reference, text=clean(asked.text, MOST_TEXT), at=now, state="open", case_number=case,
                decided_first_by=found.by, by_login=principal.login, decision=msgspec.to_builtins(found),
            )  # fmt: skip
            row = replace(row, id=await appeals.add(connection, row))
            said = {"appeal": row.id, "reference": reference, "against": found.by}
            await audit.append(connection, principal.login, APPEALED, said, at=now, case=case, subject=found.subject)
        return view_of(row)

    async def decide(self, principal: Principal, id: int, word: AppealWord) -> AppealView:
        """Say that it is upheld, or overturned, and lift what it was about."""
        check_role(principal)
        if word.verdict is not None and word.verdict not in OUTCOMES[word.outcome]:
            raise DeedError(
                "$.verdict", f"{word.verdict} is not for {word.outcome}; expected {' or '.join(sorted(OUTCOMES[word.outcome]))}"
            )
        async with self._ledger.write() as connection:
            row = await appeals.find(connection, id, lock=True)
            if row is None:
                raise NotFoundError(f"there is no appeal {id}")
            row = await self._write(connection, row, principal, word)
        return view_of(await self.finish(row))

    async def finish(self, row: AppealRow) -> AppealRow:
        """Tell what was decided, and lift what an appeal has overturned; the row as it is then."""
        try:
            await self._tell(row)
            await self._lift(row)
        except StoreAwayError:
            return row
        if row.state != "overturning":
            return row
        async with self._ledger.write() as connection:
            await appeals.change(connection, row.id, "overturning", state="overturned")
        return replace(row, state="overturned")

    async def run(self) -> None:
        """Finish what was left, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.turn()

    async def turn(self) -> None:
        """Finish what was left, once; what was decided lately is told again, and known to have been told."""
        try:
            async with self._ledger.read() as connection:
                rows = await appeals.latest(connection, 100, "overturning")
                rows += await appeals.decided_since(connection, self._wall() - _LATELY_S)
            for row in rows:
                await self.finish(row)
        except LedgerAwayError:
            return

    async def list(self, state: AppealState | None = None, most: int = 100) -> list[AppealView]:
        """The latest."""
        async with self._ledger.read() as connection:
            return [view_of(row) for row in await appeals.latest(connection, most, state)]

    async def get(self, id: int) -> AppealView | None:
        """One."""
        async with self._ledger.read() as connection:
            row = await appeals.find(connection, id)
        return view_of(row) if row is not None else None

    async def of_case(self, case: int) -> AppealView | None:
        """The one that a case was opened for."""
        async with self._ledger.read() as connection:
            row = await appeals.of_case(connection, case)
        return view_of(row) if row is not None else None

    async def figures(self, since: float) -> AppealFigures:
        """How they went."""
        async with self._ledger.read() as connection:
            found = await appeals.counts(connection, since)
        overturned = found.get("overturned", 0) + found.get("overturning", 0)
        decided_ = overturned + found.get("upheld", 0)
        share = overturned / decided_ if decided_ else None
        return AppealFigures(since, sum(found.values()), found.get("open", 0), found.get("upheld", 0), overturned, share)

    async def _whose(self, connection: AsyncConnection, found: Decided) -> int | None:
        """The person behind it, also where a token of theirs did it, or they said a word without a case."""
        if found.person is not None or found.override is None:
            return None if found.person is None else await person_behind(connection, found.person)
        try:
            author = self._actions.doing.effects.overrides.get(found.override).author
        except NoOverrideError:
            return None
        person = await people.by_login(connection, author)
        return person.id if person is not None else None

    async def _open(self, connection: AsyncConnection, reference: str, found: Decided, now: float) -> int:
        anchor = (await subjects.named(connection, [found.subject])).get(found.subject)
        if anchor is None:
            raise NotFoundError("whom the decision was about was erased")
        against = f"against {_AGAINST.get(found.decision, 'a decision')} by {found.by}"
        flag = Flagged(
            id=token_hex(8),
            anchor=Entity(anchor.kind, anchor.value or str(anchor.id)),
            kind="appeal",
            source=f"appeal:{reference}:{token_hex(4)}",
            reasons=(f"Appeal {against}",),
            at=now,
            word=against[:_MOST_WORD],
            purchase=found.purchase,
            attempt=found.attempt,
            due_at=now + DUE_OF_KIND_S["appeal"],
        )
        opener = Opener(connection, now)
        number = await opener.open(flag, found.subject, barred=found.person)
        await opener.finish()
        return number

    async def _write(self, connection: AsyncConnection, row: AppealRow, principal: Principal, word: AppealWord) -> AppealRow:
        now, made = self._wall(), decision_of(row)
        if row.state != "open":
            raise ConflictError(f"nothing was decided: it was {row.state} before, by {row.decided_by}")
        if made is not None and await is_barred(connection, principal, made.person):
            raise ForbiddenError("nothing was decided: it is about a decision of yours, so somebody else must decide it")
        case = await acted.head(connection, row.case_number)
        if case is None:
            raise NotFoundError(f"there is no case {shown(row.case_number)}")
        if word.version is not None and word.version != case.version:
            raise ConflictError(f"nothing was decided: {shown(case.number)} has changed since you saw it; look at it, and ask again")
        await refuse_others(connection, principal, case, now)
        verdict = word.verdict or ("good" if word.outcome == "overturned" else "abuse")
        said = Verdict(verdict=verdict, why=clean(word.why, 500), by=actor_id(principal), by_login=principal.login, at=now, source="appeal")
        kind = (await subjects.named(connection, [case.anchor]))[case.anchor].kind
        await closing.label_case(connection, case, kind, said)
        await acted.mark(connection, case, **closing.closed(said, case), acted=word.outcome, acted_by=principal.login, acted_at=now)
        state: AppealState = "overturning" if word.outcome == "overturned" else "upheld"
        changes: dict[str, Any] = {"state": state, "decided_by": principal.login, "decided_at": now, "why": said.why}
        await appeals.change(connection, row.id, "open", **changes)
        entry = {"appeal": row.id, "outcome": word.outcome, "verdict": verdict, "reason": said.why, "against": row.decided_first_by}
        await audit.append(connection, principal.login, DECIDED, entry, at=now, case=case.number, subject=case.anchor)
        return replace(row, **changes)

    async def _tell(self, row: AppealRow) -> None:
        if row.decided_at is None:
            return
        async with self._ledger.write() as connection:
            about = await acted.purchases(connection, row.case_number)
            found = await acted.head(connection, row.case_number)
        if found is not None and found.verdict is not None:
            said: dict[str, Any] = {"case": shown(row.case_number), "verdict": found.verdict, "then": "appeal", "by": row.decided_by}
            said |= {"until": None, "purchases": [purchase for purchase, _ in about]}
            await self._actions.doing.effects.decided(row.case_number, found.verdict, about, said, row.decided_at)

    async def _lift(self, row: AppealRow) -> None:
        made = decision_of(row)
        if made is None or row.state != "overturning":
            return
        if made.action is not None:
            by = replace(OPERATOR, login=row.decided_by or OPERATOR.login)
            try:
                await self._actions.undo(by, made.action, f"appeal {row.id}", appeal=True)
            except CaseError as error:  # it has ended by itself, or was undone before
                _log.info("an appeal had nothing to lift", appeal=row.id, why=str(error))
        elif made.override is not None:
            try:
                await self._actions.doing.effects.overrides.drop(made.override, row.decided_by or "", f"appeal {row.id}")
            except NoOverrideError:
                return


def decision_of(row: AppealRow) -> Decided | None:
    """What an appeal is about; None: it was erased."""
    return msgspec.convert(row.decision, Decided) if row.decision else None


def seen_by(principal: Principal, found: AppealView) -> AppealView:
    """The same as somebody may see it: to a viewer, what a customer says is not shown."""
    return found if principal.may("analyst") else replace(found, text=HIDDEN)


def view_of(row: AppealRow) -> AppealView:
    """A row as people see it."""
    return AppealView(
        id=row.id,
        reference=row.reference,
        text=row.text,
        at=row.at,
        due_at=row.at + DUE_OF_KIND_S["appeal"],
        state=row.state,
        case=row.case_number,
        against=row.decided_first_by,
        by=row.by_login,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        why=row.why,
        decision=decision_of(row),
    )
