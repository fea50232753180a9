"""The arguments that train, calibrate and evaluate have in common."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("logs", nargs=-1, metavar="LOG..."),
    click.option("--labels", type=click.Path(path_type=Path), metavar="FILE", help="Who did wrong, and when: NDJSON, a label a line."),
    click.option("--from-ledger", "ledger", is_flag=False, flag_value="", metavar="[URL]",
                 help="Labels from the ledger, and purchases where there is no LOG: sqlite:///PATH or postgresql://HOST/NAME, else the "
                 "service's own."),
    click.option("--policy", type=click.Path(path_type=Path), envvar="RATELIMIT_POLICY",
                 show_default="ratelimit.yaml, else the one built in", help="The policy file: what it refuses is a signal."),
    click.option("--ip-lists", type=click.Path(path_type=Path), envvar="RATELIMIT_IP_LISTS", metavar="FOLDER", help="Lists of networks."),
    click.option("--countries", type=click.Path(path_type=Path), envvar="RATELIMIT_COUNTRIES", metavar="FILE",
                 help="Database of countries."),
    click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
    click.option("--quiet", is_flag=True, help="No progress bar."),
)  # fmt: skip


def past_options(command: Command) -> Command:
    """Add them to a command, as its first."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
