"""Links by which people set a password, made on the ledger alone: by an admin, or on the command line by whoever runs the service.

Times are seconds since the epoch.
"""

import secrets

from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.login import RULE, login_of
from ratelimit.core.principal import Principal
from ratelimit.ledger import people
from ratelimit.ledger.api_tokens import person_behind
from ratelimit.ledger.people import PersonRow
from ratelimit.review import audit
from ratelimit.review.account import AccountError, Invited, LinkMade, person_view
from ratelimit.review.entry import LINK_S, added, link_digest, shown_name
from ratelimit.review.second import BY, INVITED, LINKED


async def invited(connection: AsyncConnection, by: Principal, asked: Invited, now: float) -> LinkMade:
    """Let somebody in, who sets a password by the link; raises AccountError."""
    login = login_of(asked.login)
    if login is None:
        raise AccountError("invalid", f"expected {RULE}", "login")
    id = await added(connection, login, shown_name(asked.name), asked.role, by=by.login, now=now)
    made = await _link(connection, await found(connection, id), now)
    await note(connection, by, INVITED, now, person=id, login=login, role=asked.role)
    return made


async def linked(connection: AsyncConnection, by: Principal, row: PersonRow, now: float) -> LinkMade:
    """A link by which a person sets another password; the one that they have works until then. Raises AccountError."""
    if row.disabled_at is not None:
        raise AccountError("conflict", f"{row.login} is disabled; enable the account first")
    if by.via == "token" and row.password is not None:
        raise AccountError(
            "forbidden", f"{row.login} has a password, and a token sets nobody's: whoever has it could be them; an admin can"
        )
    if by.via == "session" and by.id == row.id:
        raise AccountError(
            "forbidden", "your own is changed on the page of your account, with the one that you have; another admin can make a link"
        )
    made = await _link(connection, row, now)
    await note(connection, by, LINKED, now, person=row.id, login=row.login)
    return made


async def found(connection: AsyncConnection, id: int) -> PersonRow:
    """The person of that id; raises AccountError."""
    row = await people.find(connection, id)
    if row is None:
        raise AccountError("missing", "there is no such person")
    return row


async def note(connection: AsyncConnection, by: Principal, kind: str, now: float, **content: object) -> None:
    """Write down what was done to somebody's account, with the person behind it, so that review/second knows of it."""
    behind = await person_behind(connection, by.id)
    await audit.append(connection, by.login, kind, {**content, BY: behind}, at=now)


async def _link(connection: AsyncConnection, row: PersonRow, now: float) -> LinkMade:
    token, until = secrets.token_urlsafe(32), now + LINK_S
    await people.invite(connection, link_digest(token), row.id, row.role, now=now, until=until)
    return LinkMade(person_view(row, until), token, until)
