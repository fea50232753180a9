"""Who may use the console, and links that work once. Times are seconds since the epoch; digests are what links are known by."""

from typing import Any

from msgspec import Struct
from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.principal import Role
from ratelimit.ledger.tables.person import INVITATION, PERSON


class PersonRow(Struct, frozen=True, kw_only=True):
    """A person. `password` None: invited, and not here yet; `disabled_at`: may not come in any more."""

    id: int
    login: str
    name: str
    role: Role
    password: str | None
    made_at: float
    made_by: str
    disabled_at: float | None
    seen_at: float | None

    @property
    def active(self) -> bool:
        """Whether this person may come in."""
        return self.password is not None and self.disabled_at is None


class InvitationRow(Struct, frozen=True, kw_only=True):
    """A link that still works; `person` None: the first admin, who is yet to be named."""

    digest: bytes
    person: int | None
    role: Role
    until: float


async def anybody(connection: AsyncConnection) -> bool:
    """Whether there is somebody with a password."""
    return bool((await connection.execute(select(exists().where(PERSON.c.password.is_not(None))))).scalar_one())


async def everyone(connection: AsyncConnection) -> list[PersonRow]:
    """All, by login."""
    return [_person(row) for row in await connection.execute(select(PERSON).order_by(PERSON.c.login))]


async def find(connection: AsyncConnection, id: int) -> PersonRow | None:
    """The person of that id."""
    row = (await connection.execute(select(PERSON).where(PERSON.c.id == id))).first()
    return None if row is None else _person(row)


async def by_login(connection: AsyncConnection, login: str) -> PersonRow | None:
    """The person of that login, as core/login writes it."""
    row = (await connection.execute(select(PERSON).where(PERSON.c.login == login))).first()
    return None if row is None else _person(row)


async def locked_admins(connection: AsyncConnection) -> list[PersonRow]:
    """The admins who may come in, locked until the transaction's end, so that two who leave at once do not both see another."""
    rows = await connection.execute(select(PERSON).where(PERSON.c.role == "admin").order_by(PERSON.c.id).with_for_update())
    return [person for row in rows if (person := _person(row)).active]


async def add(  # noqa: PLR0913  a person's columns
    connection: AsyncConnection, login: str, name: str, role: Role, *, password: str | None, by: str, now: float
) -> int:
    """Add a person, and say the id; IntegrityError where the login is taken."""
    values = {"login": login, "name": name, "role": role, "password": password, "made_at": now, "made_by": by}
    return int((await connection.execute(insert(PERSON).values(values).returning(PERSON.c.id))).scalar_one())


async def change(connection: AsyncConnection, id: int, **values: Any) -> None:
    """Set columns of a person."""
    await connection.execute(update(PERSON).where(PERSON.c.id == id).values(values))


async def invite(connection: AsyncConnection, digest: bytes, person: int | None, role: Role, *, now: float, until: float) -> None:
    """Add a link; those that this person had before do not work any more, and those that ended are dropped."""
    if person is not None:
        await connection.execute(delete(INVITATION).where(INVITATION.c.person == person))
    await connection.execute(delete(INVITATION).where(INVITATION.c.until <= now))
    await connection.execute(insert(INVITATION).values(digest=digest, person=person, role=role, made_at=now, until=until))


async def invitation(connection: AsyncConnection, digest: bytes, now: float) -> InvitationRow | None:
    """The link of that digest, if it still works."""
    known = select(INVITATION).where(INVITATION.c.digest == digest, INVITATION.c.used_at.is_(None), INVITATION.c.until > now)
    row = (await connection.execute(known)).first()
    return None if row is None else InvitationRow(digest=row.digest, person=row.person, role=row.role, until=row.until)


async def use(connection: AsyncConnection, link: InvitationRow, now: float) -> bool:
    """Use a link up, and all that do the same; False if somebody was faster."""
    same = INVITATION.c.person.is_(None) if link.person is None else INVITATION.c.person == link.person
    used = update(INVITATION).where(same, INVITATION.c.used_at.is_(None)).values(used_at=now).returning(INVITATION.c.digest)
    return link.digest in {bytes(digest) for digest in (await connection.execute(used)).scalars()}


async def invited_until(connection: AsyncConnection, now: float) -> dict[int, float]:
    """Until when whose link works."""
    rows = select(INVITATION.c.person, INVITATION.c.until).where(INVITATION.c.used_at.is_(None), INVITATION.c.until > now)
    return {row.person: row.until for row in await connection.execute(rows) if row.person is not None}


def _person(row: Any) -> PersonRow:
    return PersonRow(**row._asdict())
