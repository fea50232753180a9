"""`ratelimit retention`: show how long what is kept and what was removed, or remove what is due now."""

import asyncio
import json
import os
import time
from datetime import UTC, datetime
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from ratelimit.cli.ledger_place import open_ledger
from ratelimit.core.retention import BOUNDS, DAY_S, Retention
from ratelimit.ledger.tables.privacy import RETENTION_RUN
from ratelimit.review.retention import Ran, RetentionJob
from ratelimit.service.policy_source import built_in_policy, read_policy
from ratelimit.settings import read_settings

_MOST_SHOWN: Final = 20

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


@click.group()
def retention() -> None:
    """Show and apply how long what is kept of people. A service that runs does it by itself, every hour."""


@retention.command()
@_as_json
def show(as_json: bool) -> None:
    """Show the policy's terms, and what was removed of late."""
    settings, runs = settings_in_force(), asyncio.run(_runs())
    terms = {name: f"{getattr(settings, name).seconds / DAY_S:g}d" for name in BOUNDS}
    if as_json:
        click.echo(json.dumps({"terms": terms, "keep": settings.keep, "runs": runs}))
        return
    _print(["kept", "for"], [*terms.items(), ("turned on", ", ".join(settings.keep) or "nothing that the site's policy may not cover")])
    _print(["run", "removed"], [(_when(run["at"]), _counts(run["removed"])) for run in runs])


@retention.command()
@_as_json
def run(as_json: bool) -> None:
    """Remove what is due now, and say what that was."""
    ran = asyncio.run(_run(settings_in_force()))
    if as_json:
        click.echo(json.dumps({"at": ran.at, "took_s": ran.took_s, "removed": ran.removed}))
        return
    _print(["removed", "rows"], [(name, f"{count:,}") for name, count in ran.removed.items()] or [("nothing was due", "")])


async def _run(settings: Retention) -> Ran:
    async with open_ledger() as ledger:
        return await RetentionJob(ledger, lambda: settings, time.time).once()


async def _runs() -> list[dict[str, Any]]:
    query = (
        select(RETENTION_RUN.c.at, RETENTION_RUN.c.took_s, RETENTION_RUN.c.removed).order_by(RETENTION_RUN.c.at.desc()).limit(_MOST_SHOWN)
    )
    async with open_ledger() as ledger, ledger.read() as connection:
        return [dict(row._mapping) for row in await connection.execute(query)]


def settings_in_force() -> Retention:
    """What the policy file says, or the one built in; raises ConfigError."""
    policy = read_settings(os.environ).policy
    return (built_in_policy() if policy is None else read_policy(policy)).file.retention


def _print(columns: list[str], rows: list[tuple[str, str]]) -> None:
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(soft_wrap=True).print(table)


def _counts(removed: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in removed.items())


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
