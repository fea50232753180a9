"""What admins do with accounts, and everybody with their own sessions. Each change is in the audit. Times are seconds since the epoch."""

from collections.abc import Callable
from typing import Any

from ratelimit.core.principal import Principal
from ratelimit.ledger import people
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.people import PersonRow
from ratelimit.review.account import AccountError, Change, Invited, LinkMade, PersonView, SessionView, person_view
from ratelimit.review.entry import shown_name
from ratelimit.review.invitation import found, invited, linked, note
from ratelimit.review.principals import Principals
from ratelimit.review.second import CHANGED
from ratelimit.service.attempts import Attempts
from ratelimit.service.sessions import Session, Sessions


class Accounts:
    """People and their sessions. `wall` is seconds since the epoch. Calls raise AccountError, LedgerAwayError and StoreAwayError."""

    def __init__(self, ledger: Ledger, sessions: Sessions, attempts: Attempts, principals: Principals, wall: Callable[[], float]) -> None:
        self._ledger, self._sessions, self._attempts, self._principals, self._wall = ledger, sessions, attempts, principals, wall

    async def people(self) -> list[PersonView]:
        """Everybody, by login."""
        async with self._ledger.read() as connection:
            links = await people.invited_until(connection, self._wall())
            return [person_view(row, links.get(row.id)) for row in await people.everyone(connection)]

    async def person(self, id: int) -> PersonView:
        """One of them."""
        async with self._ledger.read() as connection:
            links = await people.invited_until(connection, self._wall())
            return person_view(await found(connection, id), links.get(id))

    async def invite(self, by: Principal, asked: Invited) -> LinkMade:
        """Let somebody in, who sets a password by the link. The link is the token alone, see `web/people`."""
        async with self._ledger.write() as connection:
            return await invited(connection, by, asked, self._wall())

    async def new_link(self, by: Principal, id: int) -> LinkMade:
        """A link by which a person sets another password. The one that they have works until then; what locked them out is forgotten."""
        async with self._ledger.write() as connection:
            made = await linked(connection, by, await found(connection, id), self._wall())
        await self._attempts.forgive(made.person.login)
        return made

    async def change(self, by: Principal, id: int, asked: Change) -> PersonView:
        """Another role or name, or in or out; who is out has no sessions any more. The last admin stays one."""
        now = self._wall()
        async with self._ledger.write() as connection:
            admins = {admin.id for admin in await people.locked_admins(connection)}
            row = await found(connection, id)
            values = _changes(row, asked, now)
            leaves = asked.disabled or (asked.role is not None and asked.role != "admin")
            if leaves and admins == {id}:
                raise AccountError("conflict", f"{row.login} is the last admin; make another one first")
            if values:
                await people.change(connection, id, **values)
                await note(connection, by, CHANGED, self._wall(), person=id, login=row.login, **_told(row, asked))
            changed = await found(connection, id)
        self._principals.forget()
        if changed.disabled_at is not None:
            await self._sessions.end_all(id)
        return person_view(changed)

    async def sessions(self, principal: Principal, person: int) -> list[SessionView]:
        """A person's sessions, seen last first."""
        return [_session_view(session, principal) for session in await self._sessions.of(person)]

    async def end_session(self, by: Principal, person: int, id: str) -> None:
        """End one of a person's sessions."""
        if not await self._sessions.end(person, id):
            raise AccountError("missing", "there is no such session; it may have ended")
        async with self._ledger.write() as connection:
            await note(connection, by, "session.ended", self._wall(), person=person, count=1)

    async def end_sessions(self, by: Principal, person: int) -> int:
        """End all of a person's sessions but the one that asks, and say how many they were."""
        count = await self._sessions.end_all(person, by.session if by.id == person else None)
        if count:
            async with self._ledger.write() as connection:
                await note(connection, by, "session.ended", self._wall(), person=person, count=count)
        return count


def _changes(row: PersonRow, asked: Change, now: float) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if asked.role is not None and asked.role != row.role:
        values["role"] = asked.role
    if asked.name is not None and asked.name != row.name:
        values["name"] = shown_name(asked.name)
    if asked.disabled is not None and asked.disabled != (row.disabled_at is not None):
        values["disabled_at"] = now if asked.disabled else None
    return values


def _told(row: PersonRow, asked: Change) -> dict[str, Any]:
    """The change as the audit has it, with what was before."""
    told: dict[str, Any] = {}
    if asked.role is not None and asked.role != row.role:
        told["role"] = [row.role, asked.role]
    if asked.name is not None and asked.name != row.name:
        told["name"] = [row.name, asked.name]
    if asked.disabled is not None and asked.disabled != (row.disabled_at is not None):
        told["disabled"] = asked.disabled
    return told


def _session_view(session: Session, principal: Principal) -> SessionView:
    facts = session.facts
    return SessionView(session.id, facts.made_at, session.seen_at, facts.network, facts.browser, session.id == principal.session)
