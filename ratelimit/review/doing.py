"""Does deeds: looks up what stands, has the deed written down, does it in the store, confirms it. Times are seconds since the epoch."""

from collections.abc import Callable
from secrets import token_hex
from typing import Final

import structlog
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.deed import ActionState
from ratelimit.core.principal import Principal
from ratelimit.core.standing import Target
from ratelimit.ledger import actions, impact, purchases, subjects
from ratelimit.ledger.actions import ActionRow
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subject, Subjects, clean
from ratelimit.review.balance import Balance, balance_of
from ratelimit.review.case_error import ConflictError, NotFoundError
from ratelimit.review.deed import DONE, FINAL, OF_PURCHASE, WORDS, Deed, Done
from ratelimit.review.deed_check import DeedError, check_deed, check_role
from ratelimit.review.effect import Effects, plan_of
from ratelimit.review.intent import Asked, Written, write_down
from ratelimit.review.plan import Facts
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.overrides import OF_DEED
from ratelimit.service.standings import FullError

_WORD_BYTES: Final = 6
_OF_BALANCE: Final = frozenset({"hold", "release", "revoke"})
_MOST_DIGITS: Final = 20  # of the id of a subject, fewer

_log = structlog.get_logger()


class Doing:
    """Does deeds. `told` is where webhooks go, by host; empty: there is nobody to tell. `wall` gives the time."""

    def __init__(self, ledger: Ledger, subjects: Subjects, effects: Effects, wall: Callable[[], float], told: tuple[str, ...] = ()) -> None:
        self.ledger, self.effects, self.wall = ledger, effects, wall
        self._subjects, self._told = subjects, told

    async def act(self, principal: Principal, case: int | None, deed: Deed, *, bulk: str | None = None, until: float | None = None) -> Done:
        """Do it. What the store cannot be told now is `intended`, and is done as soon as it can. `until`: when it ends, whatever it says.

        Raises CaseError in its kinds, and LedgerAwayError.
        """
        check_role(principal)
        deed = cleaned(deed)
        check_deed(deed, case)
        if deed.then in FINAL | {"rotate_key"} and not self._told:
            raise ConflictError(f"nothing was done: the site is to {deed.then.replace('_', ' ')}, and no RATELIMIT_WEBHOOK_URL is set")
        asked = Asked(principal, case, deed, key_of(principal, deed, case), bulk, self._told, until)
        subject, facts = await self._look(asked)
        async with self.ledger.write() as connection:
            word_id = f"{OF_DEED}{token_hex(_WORD_BYTES)}"
            written = await write_down(connection, asked, subject, facts, self.effects.overrides, word_id)
        if written.repeated:
            return _again(written, deed, case)
        return done(await self.carry_out(written.row, written.subject), written.version)

    async def carry_out(self, row: ActionRow, subject: Subject | None) -> ActionRow:
        """Do in the store what is written down, and confirm it; the row as it is then. `subject` None: there is nobody any more."""
        if subject is None or subject.target is None:
            return await self._fail(row, "whom it is about was erased")
        try:
            await self.effects.apply(row, subject.target)
        except StoreAwayError:
            _log.warning("a deed waits for the store", action=row.id, then=row.then)
            return row
        except FullError as error:
            await self._fail(row, str(error))
            raise ConflictError(f"nothing is in force: {error}; take some away, or put many subjects on a list") from None
        state = settled(row)
        async with self.ledger.write() as connection:
            confirmed = await actions.change(connection, row.id, "intended", state=state)
        return replace(row, state=state) if confirmed else await self._overtaken(row, subject.target)

    async def _overtaken(self, row: ActionRow, target: Target) -> ActionRow:
        """Somebody else has confirmed it; or a later deed took its place, or it was undone, meanwhile: then it must not stand."""
        async with self.ledger.read() as connection:
            now = await actions.find(connection, row.id) or row
        if now.state in {"undoing", "undone"}:
            await self.effects.revert(now, target)
        elif now.state not in {"in_force", "proposed", "done"}:
            await self.effects.withdraw(now, target)
        return now

    async def _fail(self, row: ActionRow, why: str) -> ActionRow:
        async with self.ledger.write() as connection:
            await actions.change(connection, row.id, "intended", state="failed", undone_why=why[:500])
            for before in row.before.get("actions", ()):
                await actions.change(connection, before, "replaced", state="in_force")
        _log.error("a deed could not be done", action=row.id, then=row.then, why=why)
        return replace(row, state="failed")

    async def _look(self, asked: Asked) -> tuple[Subject, Facts]:
        """Whom it is about, and what stands: looked up before the transaction, since the store is asked as well."""
        deed = asked.deed
        async with self.ledger.read() as connection:
            attempts = await purchases.find(connection, deed.purchase) if deed.purchase is not None else []
            if deed.purchase is not None and not attempts:
                raise DeedError("$.purchase", "no purchase of that id is known; it may be too long ago")
            subject = await self.target_of(connection, asked.case, deed)
            balance = await self.balance(connection, subject) if deed.then in _OF_BALANCE else None
        target = subject.target
        words = self.effects.overrides.about(target) if target is not None and deed.then in WORDS else []
        account = self.effects.holds.account(target.value) if target is not None and target.kind == "account" else None
        held = {hold.purchase: hold for hold in account.holds} if account is not None else {}
        row = next((one for one in attempts if one.attempt == deed.attempt), attempts[-1]) if attempts else None
        return subject, Facts(words, row, balance, held, self.wall())

    async def subject(self, connection: AsyncConnection, id: int) -> Subject | None:
        """One, by its id."""
        return (await subjects.named(connection, [id])).get(id)

    async def owner(self, connection: AsyncConnection, subject: Subject) -> Subject | None:
        """The account itself, or the one that a key is of; None: of neither kind, or not known."""
        if subject.kind != "api_key":
            return subject if subject.kind == "account" else None
        owner = await impact.owner(connection, subject.id)
        return await self.subject(connection, owner) if owner is not None else None

    async def balance(self, connection: AsyncConnection, subject: Subject) -> Balance | None:
        """What an account has left; None: it is none, or is erased."""
        if subject.kind != "account" or subject.value is None:
            return None
        account = self.effects.holds.account(subject.value)
        return await balance_of(connection, subject.id, await self.effects.holds.spending(account) if account is not None else None)

    async def target_of(self, connection: AsyncConnection, case: int | None, deed: Deed) -> Subject:
        """The subject that a deed is about: what it names, else the account of its purchase, else the case's anchor."""
        id: int | None = None
        if deed.target is not None:
            id = await self._named(connection, deed.target)
        elif deed.then in OF_PURCHASE and deed.purchase is not None:
            attempts = await purchases.find(connection, deed.purchase)
            id = attempts[0].account if attempts else None
        elif case is not None:
            id = await actions.anchor(connection, case)
            if id is None:
                raise NotFoundError(f"there is no case C-{case}")
        else:
            raise DeedError("$.target", "is missing; expected whom it is about, such as account:42")
        found = (await subjects.named(connection, [id])).get(id) if id is not None else None
        if found is not None and deed.target is None and deed.then == "hold":
            found = await self.owner(connection, found) or found
        if found is None:
            raise DeedError("$.target", "nobody of that name was seen yet; expected a subject of the ledger, or use /v1/overrides")
        return found

    async def _named(self, connection: AsyncConnection, text: str) -> int | None:
        if text.isascii() and text.isdigit():
            return int(text) if len(text) < _MOST_DIGITS else None
        try:
            target = self.effects.overrides.target(text)
        except ValueError as error:
            raise DeedError("$.target", str(error)) from None
        return await self._subjects.find(connection, target.kind, target.value)


def cleaned(deed: Deed) -> Deed:
    """With texts that both databases take."""
    purchase = clean(deed.purchase) if deed.purchase is not None else None
    return replace(deed, key=clean(deed.key), reason=clean(deed.reason), purchase=purchase)


def key_of(principal: Principal, deed: Deed, case: int | None) -> str:
    """What makes a deed one and the same: who asks, their key, and the case, since a bulk has one key for many."""
    return f"{principal.via}:{principal.id}:{case or 0}:{deed.key}"


def settled(row: ActionRow) -> ActionState:
    """The state of a deed that was done."""
    if row.needs_second and row.second_by is None:
        return "proposed"
    return "in_force" if row.until is not None else "done"


def done(row: ActionRow, version: int | None, *, repeated: bool = False) -> Done:
    """What came of it."""
    plan = plan_of(row)
    return Done(
        id=row.id,
        then=row.then,
        state=row.state,
        target=str(row.target),
        case=row.case_number,
        until=row.until,
        wanted_until=row.wanted_until,
        needs_second=row.needs_second,
        override=row.override,
        label=row.label,
        version=version,
        closed=bool(row.detail["deed"].get("close")),
        repeated=repeated,
        told=tuple(row.detail.get("told", ())) if plan.told else (),
    )


def _again(written: Written, deed: Deed, case: int | None) -> Done:
    row = written.row
    asked = (deed.then, deed.why, case, written.subject.id, deed.purchase)
    if (row.then, row.reason, row.case_number, row.target, row.purchase) != asked:
        raise ConflictError(f"nothing was done: another deed ({DONE[row.then]}) was asked for by that key; expected a new key")
    return done(row, None, repeated=True)
