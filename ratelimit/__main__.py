"""`ratelimit`: the command line. Errors of the user are messages with an exit code: 2 usage or configuration, 3 something is away."""

import gc
import sys
from importlib import import_module
from typing import Any, Final

import click

from ratelimit import __version__
from ratelimit.core.errors import RatelimitError

_VERBS: Final = (
    "serve",
    "policy",
    "replay",
    "simulate",
    "train",
    "calibrate",
    "evaluate",
    "model",
    "retention",
    "demo",
    "audit",
    "privacy",
    "people",
)


class Verbs(click.Group):
    """The verbs, each read when it is asked for, so that none waits for what the others need."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Their names, in the order of the help."""
        return sorted(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The one of that name, which stands in the module of that name."""
        if cmd_name not in _VERBS:
            return None
        command: click.Command = getattr(_read(f"ratelimit.cli.{cmd_name}"), cmd_name)
        return command


def _read(module: str) -> Any:
    gc.disable()  # what is made meanwhile stays, and looking for garbage in it would take a fifth of the time
    try:
        return import_module(module)
    finally:
        gc.freeze()
        gc.enable()


@click.command(cls=Verbs)
@click.version_option(__version__, prog_name="ratelimit")
def cli() -> None:
    """Token buckets by lease, beside your API gateway."""


def main() -> None:
    """Run a command and exit."""
    try:
        cli()
    except RatelimitError as error:
        for line in str(error).splitlines():
            click.echo(f"ratelimit: {line}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
