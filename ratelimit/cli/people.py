"""`ratelimit people`: who may use the console, and the way back in where no admin can make a link any more.

It works on the ledger itself, so whoever runs it has the deployment's secrets. The audit names it `operator`, and for 14 days whoever was
let in by it is no second person (review/second).
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.cli.ledger_place import open_ledger
from ratelimit.cli.written import printable, shown
from ratelimit.core.principal import OPERATOR, ROLES, Role
from ratelimit.ledger import people as rows
from ratelimit.ledger.people import PersonRow
from ratelimit.reception import console_origin
from ratelimit.review.account import AccountError, Invited, LinkMade, person_view
from ratelimit.review.invitation import invited, linked
from ratelimit.settings import read_settings
from ratelimit.web.people import WELCOME

_MADE: Final = "{name} sets a password by this link; it works once, for 24 h\n  {link}"

Make = Callable[[AsyncConnection], Awaitable[LinkMade]]


@click.group()
def people() -> None:
    """Let people into the console where no admin can."""


@people.command("list")
def list_command() -> None:
    """Show who has an account."""
    table = Table("login", "name", "role", "state", "seen", box=None, pad_edge=False)
    for row in asyncio.run(_everyone()):
        seen = "never" if row.seen_at is None else datetime.fromtimestamp(row.seen_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        table.add_row(row.login, shown(row.name), row.role, person_view(row).state, seen)
    Console(soft_wrap=True).print(table)


@people.command()
@click.argument("login")
def link(login: str) -> None:
    """Make a link by which somebody sets another password: who has forgotten theirs, or is locked out."""
    _told(lambda connection: _linked(connection, login))


@people.command()
@click.argument("login")
@click.option("--name", required=True, help="As others see it.")
@click.option("--role", type=click.Choice(ROLES), default="admin", show_default=True)
def invite(login: str, name: str, role: Role) -> None:
    """Let somebody in: an admin, where there is none left."""
    _told(lambda connection: invited(connection, OPERATOR, Invited(login, name, role), time.time()))


async def _linked(connection: AsyncConnection, login: str) -> LinkMade:
    row = await rows.by_login(connection, login.strip().lower())
    if row is None:
        raise AccountError("missing", f"nobody has the login {login!r}; `ratelimit people list` shows who has one")
    return await linked(connection, OPERATOR, row, time.time())


def _told(make: Make) -> None:
    try:
        made = asyncio.run(_made(make))
    except AccountError as error:
        raise click.UsageError(str(error)) from None
    settings = read_settings(os.environ)
    link = f"{console_origin(settings, settings.operator)}{WELCOME}{made.link}"
    click.echo(_MADE.format(name=printable(made.person.name), link=link))


async def _made(make: Make) -> LinkMade:
    async with open_ledger() as ledger, ledger.write() as connection:
        return await make(connection)


async def _everyone() -> list[PersonRow]:
    async with open_ledger() as ledger, ledger.read() as connection:
        return await rows.everyone(connection)
