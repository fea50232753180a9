"""`ratelimit privacy list`: requests of people about their data, what is due first, with what to tell each person."""

import json
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ratelimit.cli.operator_lane import OperatorLane
from ratelimit.cli.written import shown
from ratelimit.web.privacy import REQUESTS


@click.command("list")
@click.option("--closed", is_flag=True, help="Those that are closed, the latest first.")
@click.option("--operator", metavar="HOST:PORT", help="Where `serve` has its operator lane; RATELIMIT_OPERATOR if it is left out.")
@click.option("--token", envvar="RATELIMIT_OPERATOR_TOKEN", help="The operator lane's token, or one with the scope privacy:write.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_requests(*, closed: bool, operator: str | None, token: str | None, as_json: bool) -> None:
    """List requests that are open, and until when each has to be answered."""
    found = OperatorLane(operator, token).ask("GET", f"{REQUESTS}{'?state=closed' if closed else ''}")["requests"]
    if as_json:
        click.echo(json.dumps(found))
        return
    table = Table("request", "for", "account", "asked", "due", "state", "what to tell the person", box=None, pad_edge=False)
    for one in found:
        table.add_row(*_row(one))
    Console(emoji=False).print(table if found else f"no request is {'closed' if closed else 'open'}")


def _row(one: dict[str, Any]) -> list[str]:
    account = shown(one["account"]) if one["account"] is not None else "erased"
    return [str(one["id"]), one["kind"], account, _day(one["asked_at"]), _day(one["due_at"]), one["state"], shown(one["answer"])]


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
