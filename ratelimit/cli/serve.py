"""`ratelimit serve`: run the sidecar until it is told to stop."""

import os
import sys

import click

from ratelimit.app import App
from ratelimit.loop import run
from ratelimit.settings import PREFIX, read_settings


@click.command()
@click.option("--workers", metavar="N|auto", help="Processes that share the gateway lane; the same as RATELIMIT_WORKERS.")
def serve(workers: str | None) -> None:
    """Answer the gateway's questions. Settings come from RATELIMIT_* variables; the README has the table."""
    settings = read_settings(os.environ if workers is None else {**os.environ, f"{PREFIX}WORKERS": workers})
    for warning in settings.warnings:
        click.echo(f"ratelimit: warning: {warning}", err=True)
    run(App(settings).serve(_announce))


def _announce(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)
    sys.stdout.flush()
