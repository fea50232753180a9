"""The people of the demonstration: somebody of each role, and two analysts, since some things need a second person."""

import secrets
import time
from pathlib import Path
from typing import Final, NamedTuple

from ratelimit.core.principal import Role
from ratelimit.ledger import people
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.migrate import migrate
from ratelimit.service.passwords import Passwords


class Member(NamedTuple):
    """One of them."""

    login: str
    name: str
    role: Role


_SINCE_S: Final = 90 * 86_400.0  # that they have been there: a second person's account is not of today
STAFF: Final = (
    Member("mira", "Mira Keller", "admin"),
    Member("ana", "Ana Silva", "admin"),
    Member("tomas", "Tomas Okafor", "analyst"),
    Member("ines", "Ines Duarte", "analyst"),
    Member("vera", "Vera Lind", "viewer"),
)


async def hire(folder: Path) -> str | None:
    """Make their accounts in the ledger of that data folder; the password of all of them, None if somebody has an account already."""
    ledger, passwords = Ledger(f"sqlite://{(folder / 'ledger.db').absolute()}"), Passwords()
    try:
        await migrate(ledger)
        async with ledger.read() as connection:
            if await people.anybody(connection):
                return None
        password = secrets.token_urlsafe(12)
        hashed = await passwords.hash(password)
        since = time.time() - _SINCE_S
        async with ledger.write() as connection:
            for one in STAFF:
                await people.add(connection, one.login, one.name, one.role, password=hashed, by="demonstration", now=since)
        return password
    finally:
        passwords.close()
        await ledger.close()
