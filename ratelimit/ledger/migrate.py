"""Brings the ledger's schema to the version of this program, once: of several processes that start together one does it, the others wait.

A schema that is newer than the program is refused: an older program would not know what it must keep.
"""

from importlib.resources import files
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text

from ratelimit.core.errors import ConfigError
from ratelimit.ledger.ledger import Ledger

_LOCK: Final = 0x72_61_74_65_6C  # of PostgreSQL's advisory locks, ours by convention


async def migrate(ledger: Ledger) -> bool:
    """Whether anything was to be done; raises LedgerAwayError, and ConfigError where the database is ahead of the program."""
    async with ledger.write() as connection:
        return bool(await connection.run_sync(_migrate))


def heads() -> str:
    """The version that this program works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "the package carries its migrations"  # noqa: S101
    return head


def _migrate(connection: Connection) -> bool:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    before = _version(connection)
    if before == heads():
        return False
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigError([f"the ledger's schema is {before}, which this version does not know ({error}); use a newer version"]) from None
    return True


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: Any = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found) if found is not None else None


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("ratelimit.ledger").joinpath("migrations")))
    return config
