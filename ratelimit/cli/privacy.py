"""`ratelimit privacy`: say what is kept of people, and enter what a person asks about their data.

An erasure waits for an admin, who approves it in the console.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from ratelimit.cli.inventory import inventory
from ratelimit.cli.operator_lane import OperatorLane
from ratelimit.cli.privacy_list import list_requests
from ratelimit.core.privacy import RequestKind
from ratelimit.web.privacy import REQUESTS

F = TypeVar("F", bound=Callable[..., Any])

_HELP: Final = "Where `serve` has its operator lane; RATELIMIT_OPERATOR, or 127.0.0.1:8081, if it is left out."


@click.group()
def privacy() -> None:
    """Answer people who ask about their data, and say what is kept of anybody."""


privacy.add_command(inventory)
privacy.add_command(list_requests)


def _options(command: F) -> F:
    for option in (
        click.argument("account"),
        click.option("--verified-by", required=True, help="How it was made sure that it is that person who asks."),
        click.option("--text", default="", help="What there is to know; of a correction what is wrong, and what is right."),
        click.option("--operator", metavar="HOST:PORT", help=_HELP),
        click.option("--token", envvar="RATELIMIT_OPERATOR_TOKEN", help="The operator lane's token, or one with the scope privacy:write."),
    ):
        command = option(command)
    return command


@privacy.command()
@_options
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file that is not there yet; else it is printed.")
def export(account: str, verified_by: str, text: str, operator: str | None, token: str | None, output: Path | None) -> None:
    """Give out all that is kept of an account, as JSON."""
    lane = OperatorLane(operator, token)
    asked = _ask(lane, "export", account, verified_by, text)
    document = json.dumps(lane.ask("GET", f"{REQUESTS}/{asked['id']}/export"), indent=1, ensure_ascii=False)
    if output is None:
        click.echo(document)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            output.chmod(0o600)
            file.write(document + "\n")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from None
    click.echo(f"request {asked['id']} is done: {output}")


@privacy.command()
@_options
def correct(account: str, verified_by: str, text: str, operator: str | None, token: str | None) -> None:
    """Enter what is wrong; a person corrects it, and says what was done."""
    if not text:
        raise click.UsageError("a correction needs --text: what is wrong, and what is right")
    _told(_ask(OperatorLane(operator, token), "correct", account, verified_by, text))


@privacy.command()
@_options
def restrict(account: str, verified_by: str, text: str, operator: str | None, token: str | None) -> None:
    """From within a second on no model looks at the account."""
    _told(_ask(OperatorLane(operator, token), "restrict", account, verified_by, text))


@privacy.command("object")
@_options
def object_command(account: str, verified_by: str, text: str, operator: str | None, token: str | None) -> None:
    """The same, since the person objects."""
    _told(_ask(OperatorLane(operator, token), "object", account, verified_by, text))


@privacy.command()
@_options
def erase(account: str, verified_by: str, text: str, operator: str | None, token: str | None) -> None:
    """Enter an erasure; an admin other than whoever enters it approves it in the console."""
    _told(_ask(OperatorLane(operator, token), "erase", account, verified_by, text))


def _ask(lane: OperatorLane, kind: RequestKind, account: str, verified_by: str, text: str) -> Any:
    return lane.ask("POST", REQUESTS, {"account": account, "kind": kind, "verified_by": verified_by, "text": text})


def _told(asked: Any) -> None:
    state = {"asked": "is entered", "done": "is in force"}.get(asked["state"], asked["state"])
    waits = "; an admin other than whoever entered it approves it in the console" if asked["kind"] == "erase" else ""
    click.echo(f"request {asked['id']} {state}{waits}")
    click.echo(f"what to tell the person: {asked['answer']}")
